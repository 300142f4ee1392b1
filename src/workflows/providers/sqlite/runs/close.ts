import type { Failure } from "../../../engine/outcome.ts";
import { nextCron } from "../../../cron.ts";
import { type EventData, type EventType, unpackPlain } from "../../../history/history.ts";
import type { Payload, RunClosed, RunStatus } from "../../../provider.ts";
import { canceledFailure, decideRetry, type RetryState, withDetails } from "../../../history/retry.ts";
import { abandonActivities } from "./activity.ts";
import type { Book } from "../transaction/transaction.ts";
import { succeedRun } from "./create.ts";
import type { RunState } from "../store/run-states.ts";
import { requestCancel } from "./signal.ts";
import { abortUpdates } from "./update.ts";

/** How a chain of runs ended. */
type ChainEnd =
  | { status: "completed"; value: Payload }
  | { status: "failed" | "canceled" | "terminated" | "timed_out"; failure: Failure };

export function completeRun(book: Book, state: RunState, value: Payload): void {
  if (state.agreed.options.cronSchedule !== undefined) {
    const nextRunId = book.random.uuid();
    close(book, state, "completed", "ExecutionCompleted", { value, nextRunId });
    succeedByCron(book, state, nextRunId);
    return;
  }
  close(book, state, "completed", "ExecutionCompleted", { value });
  endChain(book, state, { status: "completed", value });
}

export function cancelRun(book: Book, state: RunState, failure = canceledFailure()): void {
  close(book, state, "canceled", "ExecutionCanceled", { failure });
  endChain(book, state, { status: "canceled", failure });
}

export function terminateRun(book: Book, state: RunState, reason?: string): void {
  const failure = terminatedFailure(reason);
  close(book, state, "terminated", "ExecutionTerminated", { failure });
  endChain(book, state, { status: "terminated", failure });
}

/** The run ends because a reset takes its place: its chain, its updates and its watchers go on. */
export function supersedeRun(book: Book, state: RunState, reason: string, nextRunId: string): void {
  const failure = terminatedFailure(reason);
  close(book, state, "terminated", "ExecutionTerminated", { failure, nextRunId }, true);
}

function terminatedFailure(reason?: string): Failure {
  return {
    kind: "Canceled",
    message: "workflow terminated",
    retryable: false,
    ...reason ? { details: { reason } } : {},
  };
}

/**
 * The run failed or took too long: a new run follows if the retry policy says so, else the chain
 * ends.
 */
export function failRun(
  book: Book,
  state: RunState,
  status: "failed" | "timed_out",
  failure: Failure,
): void {
  const type = status === "failed" ? "ExecutionFailed" : "ExecutionTimedOut";
  const { options, executionDeadline } = state.agreed;
  let retryState: RetryState = "retry_policy_not_set";
  if (options.retryPolicy) {
    const policy = options.retryPolicy;
    const decision = decideRetry(policy, failure, state.attempt, book.now, executionDeadline);
    if ("delay" in decision) {
      const nextRunId = book.random.uuid();
      close(book, state, status, type, { failure, nextRunId });
      succeedRun(book, state, {
        runId: nextRunId,
        attempt: state.attempt + 1,
        delay: decision.delay,
      });
      return;
    }
    retryState = decision.final;
  }
  if (options.cronSchedule !== undefined) {
    const nextRunId = book.random.uuid();
    close(book, state, status, type, { failure, nextRunId });
    succeedByCron(book, state, nextRunId);
    return;
  }
  close(book, state, status, type, { failure });
  endChain(book, state, { status, failure }, retryState);
}

/** The next run of a cron schedule begins when that matches next: runs never overlap. */
function succeedByCron(book: Book, state: RunState, runId: string): void {
  const { cronSchedule = "" } = state.agreed.options;
  const delay = nextCron(cronSchedule, book.now) - book.now;
  succeedRun(book, state, { runId, attempt: 1, delay });
}

/** The chain took too long: no retry. */
export function executionTimedOut(book: Book, state: RunState, failure: Failure): void {
  close(book, state, "timed_out", "ExecutionTimedOut", { failure });
  endChain(book, state, { status: "timed_out", failure }, "timeout");
}

export function continueRun(book: Book, state: RunState, entry: string, args: Payload): void {
  const nextRunId = book.random.uuid();
  close(book, state, "continued_as_new", "ExecutionContinuedAsNew", { nextRunId, entry });
  // The retry policy is that of the run which was started, not of those that it goes on as.
  const { retryPolicy: _, ...options } = state.agreed.options;
  succeedRun(book, state, { runId: nextRunId, entry, args, attempt: 1, options });
}

/**
 * Closes one run: nothing of it is pending any more, its children follow their parent-close policy.
 */
function close<Type extends EventType>(
  book: Book,
  state: RunState,
  status: RunStatus,
  type: Type,
  data: EventData[Type],
  updatesGoOn = false,
): void {
  const followed = "nextRunId" in data && data.nextRunId !== undefined;
  if (!updatesGoOn) abortUpdates(book, state, followed);
  book.append(state, type, data);
  state.status = status;
  state.closeTime = state.lastTime ?? book.now;
  state.taskEvent = state.wake = state.held = 0;
  if (state.blocked) noLongerBlocked(book, state);
  state.blocked = null;
  book.evict(state);
  // At once, because the index that allows one open run of an id is checked at the next insert.
  book.store.saveStanding(state);
  book.store.deleteTimersOf(state.run);
  abandonActivities(book, state);
  book.takeBack(state);
  for (const { run } of book.store.openChildren(state.run)) {
    const child = book.runs.get(run);
    if (child) parentClosed(book, state, child);
  }
}

/** Who keeps account of blocked runs forgets this one. */
function noLongerBlocked(book: Book, { workflowId, runId, entry }: RunState): void {
  book.out.push({
    type: "report",
    report: {
      level: "info",
      message: `workflow ${workflowId} is blocked no longer: its run is closed`,
      fields: { workflow_id: workflowId, run_id: runId, entry, cause: "closed" },
    },
  });
}

function parentClosed(book: Book, parent: RunState, child: RunState): void {
  if (child.parentClosePolicy === "terminate") {
    terminateRun(book, child, "parent closed");
  } else if (child.parentClosePolicy === "request_cancel") {
    requestCancel(book, child, { reason: "parent closed", sender: book.pidOf(parent) });
  }
}

/** Tells the parent and those who watch, once. */
function endChain(
  book: Book,
  state: RunState,
  end: ChainEnd,
  retryState: RetryState = "non_retryable_failure",
): void {
  tellParent(book, state, end, retryState);
  book.chainEnded(state, end.status);
  for (const watch of book.watches.of(state.firstRunId)) {
    book.out.push({ type: "closed", watch, closed: closedFrom(book, state, end) });
    book.after.push(() => book.watches.delete(watch));
  }
}

const childEvents = {
  failed: "ChildFailed",
  canceled: "ChildCanceled",
  terminated: "ChildTerminated",
  timed_out: "ChildTimedOut",
} as const;

function tellParent(book: Book, state: RunState, end: ChainEnd, retryState: RetryState): void {
  const parent = state.parentRun === null ? undefined : book.runs.get(state.parentRun);
  if (!parent || parent.status !== "running" || state.parentSeq === null) return;
  childEnded(book, parent, state.parentSeq, state, end, retryState);
}

/** Tells a run how a child ended that it takes over; `child` is undefined when nothing is known of it. */
export function tellChildOutcome(
  book: Book,
  parent: RunState,
  seq: number,
  child: RunState | undefined,
): void {
  if (!child) {
    const message = "the child is no longer in the journal";
    book.append(parent, "ChildFailed", {
      seq,
      failure: { kind: "NotFound", message, retryable: false },
    });
    book.wake(parent);
    return;
  }
  const { status, value, failure } = closedChain(book, child);
  const end = { status, ...status === "completed" ? { value } : { failure } } as ChainEnd;
  childEnded(book, parent, seq, child, end, "non_retryable_failure");
}

function childEnded(
  book: Book,
  parent: RunState,
  seq: number,
  state: RunState,
  end: ChainEnd,
  retryState: RetryState,
): void {
  if (end.status === "completed") {
    book.append(parent, "ChildCompleted", { seq, value: end.value });
  } else {
    const failure = withDetails(end.failure, {
      _wrapper: "child_workflow",
      _workflow_id: state.workflowId,
      _workflow_type: state.entry,
      _run_id: state.runId,
      _retry_state: retryState,
    });
    book.append(parent, childEvents[end.status], { seq, failure });
  }
  book.wake(parent);
}

function closedFrom(book: Book, state: RunState, end: ChainEnd): RunClosed {
  return {
    workflowId: state.workflowId,
    runId: state.runId,
    pid: book.pidOf(state),
    closeTime: state.closeTime ?? book.now,
    ...end,
  };
}

/** What a watch of a chain that is closed already is told, from the last event of its last run. */
export function closedChain(book: Book, state: RunState): RunClosed {
  const event = book.store.event(state.run, state.nextEvent - 1);
  if (!event) throw new Error(`run ${state.runId} has no closing event`);
  return closedFrom(book, state, {
    status: state.status,
    ...unpackPlain<{ value?: Payload; failure?: Failure }>(event.data),
  } as ChainEnd);
}
