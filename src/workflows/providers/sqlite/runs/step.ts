import { unpackCommands } from "../../../history/history.ts";
import type { FusedStep } from "../../../tasks/tasks.ts";
import { readAttemptToken } from "../../../tasks/tokens.ts";
import type { JournalEvent } from "../protocol.ts";
import type { RunState } from "../store/run-states.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { completeAttempt, isAwaited } from "./activity.ts";
import { applyCommands } from "./commands.ts";

/** Lets the worker that holds a run show it the outcome of an attempt, when the run waits for that alone. */
export function allowRunAhead(
  tx: Transaction,
  { task, worker }: Extract<JournalEvent, { type: "activity" }>,
): void {
  const key = readAttemptToken(task.token);
  const state = key && tx.runs.get(key.run);
  if (!state || worker === undefined || state.worker !== worker || state.since === 0) return;
  if (!isAtRest(state) || state.pending?.size !== 1) return;
  const { since, nextEvent: next, bytes: size, lastTime: time } = state;
  if (time !== undefined) task.ahead = { since, next, size, time };
}

/**
 * Takes the outcome of an attempt with the task that it brought. Where the run stands elsewhere by now, the worker has
 * shown it what has not come to pass: only the outcome counts, and the run comes back from its history.
 */
export function completeStep(tx: Transaction, worker: number, step: FusedStep): void {
  const { token, value, time } = step;
  const key = readAttemptToken(token);
  const state = key && tx.runs.get(key.run);
  const outcome = { status: "completed", value } as const;
  if (
    !state || !isAtRest(state) || state.worker !== worker || state.nextEvent !== step.next ||
    !isAwaited(tx, token)
  ) {
    if (state) {
      tx.out.push({ type: "evict", runId: state.runId, worker });
      // A task that is out to it begins where the worker no longer is, and comes again whole.
      if (state.worker === worker && state.taskEvent === 0) tx.forgetWorker(state);
    }
    completeAttempt(tx, token, outcome);
    return;
  }
  tx.shown(state, time, () => {
    completeAttempt(tx, token, outcome);
    state.since = tx.append(state, "TaskStarted", { size: state.bytes });
  });
  state.losses = 0;
  state.closing = false;
  state.unshown = [];
  tx.append(state, "TaskCompleted", { worker });
  if (step.logs) tx.out.push({ type: "settled", runId: state.runId, worker });
  applyCommands(tx, state, unpackCommands(step.commands));
  if (state.wake && state.status === "running") tx.wake(state);
}

/** Whether a run waits, and its code has seen all that came. */
function isAtRest({ status, taskEvent, wake, held, heldOpen, blocked }: RunState): boolean {
  return status === "running" && taskEvent === 0 && !wake && !held && !heldOpen && !blocked;
}
