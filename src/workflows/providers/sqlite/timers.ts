import type { Failure } from "../../engine/outcome.ts";
import { timeoutFailure } from "../../history/retry.ts";
import {
  attemptTimedOut,
  retryActivity,
  scheduleToCloseTimedOut,
  slotTimedOut,
} from "./runs/activity.ts";
import type { Book } from "./transaction/transaction.ts";
import { executionTimedOut, failRun } from "./runs/close.ts";
import { releaseRun } from "./runs/create.ts";
import { fireSchedules } from "./schedules/actions.ts";
import type { TimerRow } from "./store/store.ts";
import { redoTask, taskTimedOut } from "./runs/task.ts";

/** Timers fired in one transaction, some milliseconds of work; after a long stop there may be very many. */
const batch = 100;

/** Fires everything that is due, the durable timers in the order of their due times. */
export function fireDue(book: Book): void {
  book.firedTimers = true;
  for (const timer of book.store.dueTimers(book.now, batch)) {
    // An earlier one of the batch may have closed the run, and so removed this one.
    if (book.store.deleteTimer(timer.run, timer.kind, timer.seq)) fire(book, timer);
  }
  fireSchedules(book);
  for (const { key, deadline } of book.deadlines.dueAt(book.now)) {
    book.after.push(() => book.deadlines.expire(key, deadline));
    if (deadline.kind === "attempt") attemptTimedOut(book, deadline);
    else if (deadline.kind === "slot") slotTimedOut(book, deadline);
    else if (deadline.kind === "task") taskTimedOut(book, deadline);
    else redoTask(book, deadline);
  }
}

function fire(book: Book, timer: TimerRow): void {
  const state = book.runs.get(timer.run);
  if (state?.status !== "running") return;
  switch (timer.kind) {
    case "timer":
      book.runs.recall(state);
      book.append(state, "TimerFired", { seq: timer.seq });
      book.wake(state);
      return;
    case "start":
      return releaseRun(book, state);
    case "run":
      return failRun(book, state, "timed_out", timedOut("run"));
    case "execution":
      return executionTimedOut(book, state, timedOut("execution"));
    case "retry":
      return retryActivity(book, state, timer.seq);
    case "schedule_to_close":
      return scheduleToCloseTimedOut(book, state, timer.seq);
  }
}

function timedOut(what: string): Failure {
  return timeoutFailure(`workflow timed out (${what} timeout)`, "start_to_close");
}
