import type { Failure } from "../../engine/outcome.ts";
import { timeoutFailure } from "../../history/retry.ts";
import {
  attemptTimedOut,
  retryActivity,
  scheduleToCloseTimedOut,
  slotTimedOut,
} from "./runs/activity.ts";
import type { Transaction } from "./transaction/transaction.ts";
import { executionTimedOut, failRun } from "./runs/close.ts";
import { releaseRun } from "./runs/create.ts";
import { fireSchedules } from "./schedules/actions.ts";
import type { TimerRow } from "./store/store.ts";
import { redoTask, taskTimedOut } from "./runs/task.ts";

/** Timers fired in one transaction, some milliseconds of work; after a long stop there may be very many. */
const batch = 100;

/** Fires everything that is due, the durable timers in the order of their due times. */
export function fireDue(tx: Transaction): void {
  tx.firedTimers = true;
  for (const timer of tx.store.dueTimers(tx.now, batch)) {
    // An earlier one of the batch may have closed the run, and so removed this one.
    if (tx.store.deleteTimer(timer.run, timer.kind, timer.seq)) fire(tx, timer);
  }
  fireSchedules(tx);
  for (const { key, deadline } of tx.deadlines.dueAt(tx.now)) {
    tx.after.push(() => tx.deadlines.expire(key, deadline));
    if (deadline.kind === "attempt") attemptTimedOut(tx, deadline);
    else if (deadline.kind === "slot") slotTimedOut(tx, deadline);
    else if (deadline.kind === "task") taskTimedOut(tx, deadline);
    else redoTask(tx, deadline);
  }
}

function fire(tx: Transaction, timer: TimerRow): void {
  const state = tx.runs.get(timer.run);
  if (state?.timers) state.timers--;
  if (state?.status !== "running") return;
  switch (timer.kind) {
    case "timer":
      tx.runs.loadHistory(state);
      tx.append(state, "TimerFired", { seq: timer.seq });
      tx.wake(state);
      return;
    case "start":
      return releaseRun(tx, state);
    case "run":
      return failRun(tx, state, "timed_out", timedOut("run"));
    case "execution":
      return executionTimedOut(tx, state, timedOut("execution"));
    case "retry":
      return retryActivity(tx, state, timer.seq);
    case "schedule_to_close":
      return scheduleToCloseTimedOut(tx, state, timer.seq);
  }
}

function timedOut(what: string): Failure {
  return timeoutFailure(`workflow timed out (${what} timeout)`, "start_to_close");
}
