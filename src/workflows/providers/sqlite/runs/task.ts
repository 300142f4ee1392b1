import { closingCommands } from "../../../replay/determinism.ts";
import {
  type EventType,
  inbound,
  type PackedCommand,
  packHistory,
  packPlain,
  unpackCommands,
} from "../../../history/history.ts";
import { packTaskCompleted } from "../../../history/task-events.ts";
import { readTaskToken, taskToken } from "../../../tasks/tokens.ts";
import { retryDelay } from "../../../history/retry.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { Deadline } from "../transaction/deadlines.ts";
import type { RunState } from "../store/run-states.ts";
import { applyCommands } from "./commands.ts";
import type { Work } from "../transaction/workers.ts";
import {
  defaultTaskTimeout,
  type TaskCompletion,
  type TaskFailure,
  type WorkflowTask,
} from "../../../tasks/tasks.ts";

/** Makes what hands out the present task of a run; nothing when there is none any more. */
export function takeTask(tx: Transaction, run: number): Work[] {
  const state = tx.runs.get(run);
  if (!state || state.status !== "running" || state.taskEvent === 0 || state.blocked) return [];
  // Without a worker that knows the run, only a history that begins with the first event will do.
  const worker = tx.workers.choose(state.worker);
  if (state.worker !== undefined && worker !== state.worker) tx.forgetWorker(state);
  const known = state.worker !== undefined || state.since === 0 ? state.unshown : undefined;
  if (!known) tx.forgetWorker(state);
  const events = known ?? tx.runs.eventsFrom(run, 1);
  const task: WorkflowTask = {
    token: taskToken(tx.settings.name, state),
    runId: state.runId,
    since: state.since,
    history: packHistory(events.filter(({ id }) => id <= state.taskEvent)),
  };
  const lease = state.terms.options.taskTimeout ?? tx.settings.taskTimeout;
  if (lease !== defaultTaskTimeout) task.timeout = lease;
  // What came after the task had begun is for the next one.
  state.unshown = events.filter(({ id, type }) => id > state.taskEvent && inbound.has(type));
  const due = tx.now + lease;
  tx.deadlines.set(run, due, { kind: "task", run, lease: state.lease });
  const { heldOpen } = state;
  const work: Work[] = [{ type: "task", task, run, worker, heldOpen }];
  // Something has come while it waited for its turn.
  if (heldOpen && state.wake) work.push({ type: "expedite", runId: state.runId, worker });
  return work;
}

/** Takes what a worker answered to a task; ignores it when its lease is no longer the newest. */
export function completeTask(tx: Transaction, worker: number, completion: TaskCompletion): void {
  const key = readTaskToken(completion.token);
  if (!key) return;
  const state = holder(tx, key.run, key.lease);
  if (!state) {
    // What that worker holds in memory is not what history says.
    const runId = tx.runs.get(key.run)?.runId;
    if (runId !== undefined) tx.out.push({ type: "evict", runId, worker });
    return;
  }
  tx.takeBack(state);
  const { outcome } = completion;
  if (outcome.type === "failed") {
    taskFailed(tx, state, outcome.failure);
    return;
  }
  state.losses = 0;
  const commands = unpackCommands(outcome.commands);
  const last = commands.at(-1)?.type;
  if (state.wake && last && closingCommands.has(last) && !mayClose(tx, state, last)) {
    refuseClose(tx, state);
    return;
  }
  state.closing = false;
  const started = state.taskEvent;
  state.unshown ??= tx.runs.eventsFrom(state.run, started + 1).filter(({ type }) =>
    inbound.has(type)
  );
  state.worker = worker;
  state.since = started;
  state.taskEvent = 0;
  state.heldOpen = outcome.forceNewTask === true;
  tx.appendPacked(state, "TaskCompleted", packTaskCompleted(worker));
  const { run, runId } = state;
  if (outcome.logs) tx.out.push({ type: "settled", runId, run, worker });
  applyCommands(tx, state, commands);
  if ((state.wake || state.heldOpen) && state.status === "running") tx.wake(state);
}

/** The worker that had the task of a run died. */
export function loseTask(tx: Transaction, run: number, message: string): void {
  const state = tx.runs.get(run);
  if (!state || !holder(tx, run, state.lease)) return;
  tx.takeBack(state);
  taskLost(tx, state, message);
}

/** The task was not completed in time: its lease ends, another worker tries. */
export function taskTimedOut(tx: Transaction, deadline: Extract<Deadline, { kind: "task" }>): void {
  const state = holder(tx, deadline.run, deadline.lease);
  if (!state) return;
  tx.takeBack(state);
  tx.evict(state);
  taskLost(tx, state, "the task was not completed in its time");
}

/** Hands out a lost task again. */
export function redoTask(tx: Transaction, deadline: Extract<Deadline, { kind: "redo" }>): void {
  const state = holder(tx, deadline.run, deadline.lease);
  if (state) tx.dispatch(state);
}

/** Blocks a run: its task waits until `unblockRun`. */
export function blockRun(tx: Transaction, state: RunState, failure: TaskFailure): void {
  state.blocked = packPlain(failure);
  tx.runs.standingChanged(state);
  tx.evict(state);
  tx.out.push({
    type: "report",
    report: {
      level: "error",
      message: `workflow ${state.workflowId} is blocked: ${failure.message}`,
      fields: {
        workflow_id: state.workflowId,
        run_id: state.runId,
        entry: state.entry,
        ...failure,
      },
    },
  });
}

/** Tries the task of a blocked run again. */
export function unblockRun(tx: Transaction, state: RunState): void {
  if (!state.blocked) return;
  state.blocked = null;
  tx.runs.standingChanged(state);
  tx.dispatch(state);
}

/** The run whose task is out under this lease. */
function holder(tx: Transaction, run: number, lease: number): RunState | undefined {
  const state = tx.runs.get(run);
  if (!state || state.status !== "running" || state.taskEvent === 0 || state.blocked) return;
  return state.lease === lease ? state : undefined;
}

function taskFailed(tx: Transaction, state: RunState, failure: TaskFailure): void {
  const whole = state.since === 0;
  tx.forgetWorker(state);
  if (failure.cause === "nondeterminism") {
    blockRun(tx, state, failure);
  } else if (failure.cause === "early") {
    tx.early.refused(state);
    tx.dispatch(state);
  } else if (failure.cause === "cache_miss" && !whole) {
    tx.dispatch(state);
  } else {
    taskLost(tx, state, failure.message);
  }
}

/** The task is handed out again: at once the first time, then with growing delays. */
function taskLost(tx: Transaction, state: RunState, message: string): void {
  tx.forgetWorker(state);
  const losses = state.losses++;
  tx.out.push({
    type: "report",
    report: {
      level: "warn",
      message: `a task of workflow ${state.workflowId} was lost and is tried again: ${message}`,
      fields: { workflow_id: state.workflowId, run_id: state.runId, losses: losses + 1 },
    },
  });
  if (losses === 0) {
    tx.dispatch(state);
    return;
  }
  const due = tx.now + retryDelay({ maximumInterval: 60_000 }, losses);
  const { run, lease } = state;
  tx.after.push(() => tx.deadlines.set(run, due, { kind: "redo", run, lease }));
}

/**
 * Whether a run may end though something came during its last task. Messages and requests to cancel were
 * acknowledged: the code is to see them. Of anything else only a run that follows would have a use.
 */
function mayClose(tx: Transaction, state: RunState, last: PackedCommand["type"]): boolean {
  if (isFollowed(state, last)) return false;
  const arrived = state.unshown ?? tx.runs.eventsFrom(state.run, state.taskEvent + 1);
  return !arrived.some(({ id, type }) => id > state.taskEvent && messages.has(type));
}

const messages: ReadonlySet<EventType> = new Set<EventType>([
  "ExecutionSignaled",
  "ExecutionCancelRequested",
  "UpdateDelivered",
]);

/** Whether another run of the chain follows one that ends with this command, or may follow it. */
function isFollowed(state: RunState, last: PackedCommand["type"]): boolean {
  if (last === "continue_as_new") return true;
  const { cronSchedule, retryPolicy } = state.terms.options;
  const failed = last === "fail_workflow";
  return failed && retryPolicy !== undefined ||
    (failed || last === "complete_workflow") && cronSchedule !== undefined;
}

/**
 * Messages came while the code decided to end its run: the task is done again, and shows them. Those that
 * come from now on wait until it is done (`holdMessage`), so that a flood of them cannot keep the run from
 * ending: they are the code's if the run goes on, else their senders get NotFound.
 */
function refuseClose(tx: Transaction, state: RunState): void {
  tx.append(state, "TaskFailed", { message: "messages came before the end of the run" });
  state.closing = true;
  state.taskEvent = 0;
  tx.evict(state);
  tx.wake(state);
}
