import type { Failure } from "../../../engine/outcome.ts";
import { nextCron } from "../../../cron.ts";
import {
  type EventData,
  type EventType,
  type PackedCommand,
  unpackPlain,
} from "../../../history/history.ts";
import type { RunClosed, RunStatus } from "../../../provider.ts";
import {
  canceledFailure,
  decideRetry,
  type RetryState,
  withDetails,
} from "../../../history/retry.ts";
import { abandonActivities } from "./activity.ts";
import { reportRun } from "./failure-reports.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { succeedRun } from "./create.ts";
import type { RunState } from "../store/run-states.ts";
import { requestCancel } from "./signal.ts";
import { abortUpdates } from "./update.ts";
import type { Payload } from "../../../payload.ts";

/** How a chain of runs ended. */
type ChainEnd =
  | { status: "completed"; value: Payload }
  | { status: "failed" | "canceled" | "terminated" | "timed_out"; failure: Failure };

export function completeRun(tx: Transaction, state: RunState, value: Payload): void {
  if (state.terms.options.cronSchedule !== undefined) {
    const nextRunId = tx.random.uuid();
    close(tx, state, "completed", "ExecutionCompleted", { value, nextRunId });
    succeedByCron(tx, state, nextRunId);
    return;
  }
  close(tx, state, "completed", "ExecutionCompleted", { value });
  endChain(tx, state, { status: "completed", value });
}

export function cancelRun(tx: Transaction, state: RunState, failure = canceledFailure()): void {
  close(tx, state, "canceled", "ExecutionCanceled", { failure });
  endChain(tx, state, { status: "canceled", failure });
}

/** @param more details of the failure beside the reason */
export function terminateRun(
  tx: Transaction,
  state: RunState,
  reason?: string,
  more: Failure["details"] = {},
): void {
  const failure = terminatedFailure(reason, more);
  close(tx, state, "terminated", "ExecutionTerminated", { failure });
  endChain(tx, state, { status: "terminated", failure });
}

/** The run ends because a reset takes its place: its chain, its updates and its watchers go on. */
export function supersedeRun(
  tx: Transaction,
  state: RunState,
  reason: string,
  nextRunId: string,
): void {
  const failure = terminatedFailure(reason);
  close(tx, state, "terminated", "ExecutionTerminated", { failure, nextRunId }, true);
}

function terminatedFailure(reason?: string, more: Failure["details"] = {}): Failure {
  return {
    kind: "Canceled",
    message: "workflow terminated",
    retryable: false,
    ...reason ? { details: { ...more, reason } } : {},
  };
}

/**
 * The run failed or took too long: a new run follows if the retry policy says so, else the chain
 * ends.
 */
export function failRun(
  tx: Transaction,
  state: RunState,
  status: "failed" | "timed_out",
  failure: Failure,
): void {
  const type = status === "failed" ? "ExecutionFailed" : "ExecutionTimedOut";
  const { options, executionDeadline } = state.terms;
  let retryState: RetryState = "retry_policy_not_set";
  if (options.retryPolicy) {
    const policy = options.retryPolicy;
    const decision = decideRetry(policy, failure, state.attempt, tx.now, executionDeadline);
    if ("delay" in decision) {
      const nextRunId = tx.random.uuid();
      reportRun(tx, state, status, failure, decision.delay);
      close(tx, state, status, type, { failure, nextRunId });
      succeedRun(tx, state, {
        runId: nextRunId,
        attempt: state.attempt + 1,
        delay: decision.delay,
      });
      return;
    }
    retryState = decision.final;
  }
  if (options.cronSchedule !== undefined) {
    const nextRunId = tx.random.uuid();
    reportRun(tx, state, status, failure, nextCron(options.cronSchedule, tx.now) - tx.now);
    close(tx, state, status, type, { failure, nextRunId });
    succeedByCron(tx, state, nextRunId);
    return;
  }
  reportRun(tx, state, status, failure);
  close(tx, state, status, type, { failure });
  endChain(tx, state, { status, failure }, retryState);
}

/** The next run of a cron schedule begins when that matches next: runs never overlap. */
function succeedByCron(tx: Transaction, state: RunState, runId: string): void {
  const { cronSchedule = "" } = state.terms.options;
  const delay = nextCron(cronSchedule, tx.now) - tx.now;
  succeedRun(tx, state, { runId, attempt: 1, delay });
}

/** The chain took too long: no retry. */
export function executionTimedOut(tx: Transaction, state: RunState, failure: Failure): void {
  reportRun(tx, state, "timed_out", failure);
  close(tx, state, "timed_out", "ExecutionTimedOut", { failure });
  endChain(tx, state, { status: "timed_out", failure }, "timeout");
}

export function continueRun(
  tx: Transaction,
  state: RunState,
  { entry, args, messages = [], cancelRequest }: Extract<
    PackedCommand,
    { type: "continue_as_new" }
  >,
): void {
  const nextRunId = tx.random.uuid();
  close(tx, state, "continued_as_new", "ExecutionContinuedAsNew", { nextRunId, entry });
  // The retry policy is that of the run which was started, not of those that it goes on as.
  const { retryPolicy: _, ...options } = state.terms.options;
  const succession = { runId: nextRunId, entry, args, attempt: 1, options, messages };
  const next = succeedRun(tx, state, succession);
  if (cancelRequest) requestCancel(tx, next, cancelRequest);
}

/**
 * Closes one run: nothing of it is pending any more, its children follow their parent-close policy.
 */
function close<Type extends EventType>(
  tx: Transaction,
  state: RunState,
  status: RunStatus,
  type: Type,
  data: EventData[Type],
  updatesGoOn = false,
): void {
  const followed = "nextRunId" in data && data.nextRunId !== undefined;
  if (!updatesGoOn) abortUpdates(tx, state, followed);
  tx.append(state, type, data);
  state.status = status;
  state.closeTime = state.lastTime ?? tx.now;
  state.taskEvent = state.wake = state.held = 0;
  if (state.blocked) noLongerBlocked(tx, state);
  state.blocked = null;
  tx.evict(state);
  // At once, because the index that allows one open run of an id is checked at the next insert.
  tx.runs.saveClosed(state);
  if (state.timers !== 0) tx.store.deleteTimersOf(state.run);
  abandonActivities(tx, state);
  tx.takeBack(state);
  const children = state.has?.children === false ? [] : tx.store.openChildren(state.run);
  for (const { run } of children) {
    const child = tx.runs.get(run);
    if (child) parentClosed(tx, state, child);
  }
}

/** Who keeps account of blocked runs forgets this one. */
function noLongerBlocked(tx: Transaction, { workflowId, runId, entry }: RunState): void {
  tx.out.push({
    type: "report",
    report: {
      level: "info",
      message: `workflow ${workflowId} is no longer blocked: its run is closed`,
      fields: { workflow_id: workflowId, run_id: runId, entry, cause: "closed" },
    },
  });
}

function parentClosed(tx: Transaction, parent: RunState, child: RunState): void {
  if (child.parentClosePolicy === "terminate") {
    terminateRun(tx, child, "parent closed");
  } else if (child.parentClosePolicy === "request_cancel") {
    requestCancel(tx, child, { reason: "parent closed", sender: tx.pidOf(parent) });
  }
}

/** Notifies the parent and those who watch, once. */
function endChain(
  tx: Transaction,
  state: RunState,
  end: ChainEnd,
  retryState: RetryState = "non_retryable_failure",
): void {
  tellParent(tx, state, end, retryState);
  tx.chainEnded(state, end.status);
  for (const watch of tx.watches.of(state.firstRunId)) {
    tx.out.push({ type: "closed", watch, closed: closedFrom(tx, state, end) });
    tx.after.push(() => tx.watches.delete(watch));
  }
}

const childEvents = {
  failed: "ChildFailed",
  canceled: "ChildCanceled",
  terminated: "ChildTerminated",
  timed_out: "ChildTimedOut",
} as const;

function tellParent(tx: Transaction, state: RunState, end: ChainEnd, retryState: RetryState): void {
  const parent = state.parentRun === null ? undefined : tx.runs.get(state.parentRun);
  if (!parent || parent.status !== "running" || state.parentSeq === null) return;
  childEnded(tx, parent, state.parentSeq, state, end, retryState);
}

/** Notifies a run of how a child ended that it takes over; `child` is undefined when nothing is known of it. */
export function tellChildOutcome(
  tx: Transaction,
  parent: RunState,
  seq: number,
  child: RunState | undefined,
): void {
  if (!child) {
    const message = "the child is no longer in the journal";
    tx.append(parent, "ChildFailed", {
      seq,
      failure: { kind: "NotFound", message, retryable: false },
    });
    tx.wake(parent);
    return;
  }
  const { status, value, failure } = closedChain(tx, child);
  const end = { status, ...status === "completed" ? { value } : { failure } } as ChainEnd;
  childEnded(tx, parent, seq, child, end, "non_retryable_failure");
}

function childEnded(
  tx: Transaction,
  parent: RunState,
  seq: number,
  state: RunState,
  end: ChainEnd,
  retryState: RetryState,
): void {
  if (end.status === "completed") {
    tx.append(parent, "ChildCompleted", { seq, value: end.value });
  } else {
    const failure = withDetails(end.failure, {
      _wrapper: "child_workflow",
      _workflow_id: state.workflowId,
      _workflow_type: state.entry,
      _run_id: state.runId,
      _retry_state: retryState,
    });
    tx.append(parent, childEvents[end.status], { seq, failure });
  }
  tx.wake(parent);
}

function closedFrom(tx: Transaction, state: RunState, end: ChainEnd): RunClosed {
  return {
    workflowId: state.workflowId,
    runId: state.runId,
    pid: tx.pidOf(state),
    closeTime: state.closeTime ?? tx.now,
    ...end,
  };
}

/** What a watch of a chain that is closed already is told, from the last event of its last run. */
export function closedChain(tx: Transaction, state: RunState): RunClosed {
  const event = tx.runs.event(state.run, state.nextEvent - 1);
  if (!event) throw new Error(`run ${state.runId} has no closing event`);
  return closedFrom(tx, state, {
    status: state.status,
    ...unpackPlain<{ value?: Payload; failure?: Failure }>(event.data),
  } as ChainEnd);
}
