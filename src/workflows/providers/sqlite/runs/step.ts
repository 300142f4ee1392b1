import { unpackCommands } from "../../../history/history.ts";
import { packTaskCompleted, packTaskStarted } from "../../../history/task-events.ts";
import type { FusedStep, RunAhead } from "../../../tasks/tasks.ts";
import { readAttemptToken } from "../../../tasks/tokens.ts";
import type { JournalEvent } from "../protocol.ts";
import type { RunState } from "../store/run-states.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { completeAttempt, isAwaited } from "./activity.ts";
import { applyCommands } from "./commands.ts";

/**
 * Lets the worker that holds a run show it the outcomes of its attempts, if the run has seen everything that
 * arrived for it. Call it when the transaction is committed.
 */
export function allowRunAhead(tx: Transaction, event: JournalEvent): void {
  if (event.type === "activity") {
    const { task, worker } = event;
    const key = readAttemptToken(task.token);
    const ahead = key && worker !== undefined && aheadOf(tx, tx.runs.get(key.run), worker);
    if (ahead) task.ahead = ahead;
  } else if (event.type === "settled") {
    const ahead = aheadOf(tx, tx.runs.get(event.run), event.worker);
    if (ahead) event.ahead = ahead;
  }
}

function aheadOf(
  { publications }: Transaction,
  state: RunState | undefined,
  worker: number,
): RunAhead | undefined {
  if (!state || state.worker !== worker || state.since === 0 || !isAtRest(state)) return undefined;
  if (publications.isFull(state.workflowId)) return undefined;
  const { since, nextEvent: next, bytes: size, lastTime: time } = state;
  return time === undefined ? undefined : { since, next, size, time };
}

/**
 * Takes outcomes of attempts with the task that they brought. Where the run stands elsewhere by now, the worker has
 * shown it what has not come to pass: only the outcomes count, and the run comes back from its history.
 */
export function completeStep(tx: Transaction, worker: number, step: FusedStep): void {
  const { outcomes, time } = step;
  const key = readAttemptToken(outcomes[0]?.token ?? "");
  const state = key && tx.runs.get(key.run);
  const take = () => {
    for (const { token, data } of outcomes) {
      completeAttempt(tx, token, { status: "completed", packed: data });
    }
  };
  if (
    !state || !isAtRest(state) || state.worker !== worker || state.nextEvent !== step.next ||
    !outcomes.every(({ token }) => isAwaited(tx, token))
  ) {
    if (state) {
      tx.out.push({ type: "evict", runId: state.runId, worker });
      // A task that is out to it begins where the worker no longer is, and comes again whole.
      if (state.worker === worker && state.taskEvent === 0) tx.forgetWorker(state);
    }
    take();
    return;
  }
  tx.shown(state, time, () => {
    take();
    state.since = tx.appendPacked(state, "TaskStarted", packTaskStarted(state.bytes));
  });
  state.losses = 0;
  state.closing = false;
  state.unshown = [];
  tx.appendPacked(state, "TaskCompleted", packTaskCompleted(worker));
  const { run, runId } = state;
  if (step.logs || step.more) tx.out.push({ type: "settled", runId, run, worker });
  applyCommands(tx, state, unpackCommands(step.commands));
  if (state.wake && state.status === "running") tx.wake(state);
}

/** Whether a run waits, and its code has seen all that came. */
function isAtRest({ status, taskEvent, wake, held, heldOpen, blocked }: RunState): boolean {
  return status === "running" && taskEvent === 0 && !wake && !held && !heldOpen && !blocked;
}
