import type { Failure } from "../../engine/outcome.ts";
import type { PackedCommand } from "../../history.ts";
import type { ActivityResult } from "../../provider.ts";
import {
  canceledFailure,
  decideRetry,
  type RetryState,
  timeoutFailure,
  withDetails,
} from "../../retry.ts";
import type { Book } from "./book.ts";
import type { Deadline } from "./deadlines.ts";
import type { PendingActivity, RunState } from "./runs.ts";

const defaultStartToClose = 10 * 60_000;

type ScheduleActivity = Extract<PackedCommand, { type: "schedule_activity" }>;

export function scheduleActivity(book: Book, state: RunState, command: ScheduleActivity): void {
  const scheduled = {
    seq: command.seq,
    activityId: command.activityId ?? String(command.seq),
    entry: command.entry,
    args: command.args,
    options: command.options,
    operation: command.operation ?? false,
    ...command.frame ? { frame: command.frame } : {},
  };
  const event = book.append(state, "ActivityScheduled", scheduled);
  const row = {
    run: state.run,
    seq: command.seq,
    event,
    attempt: 1,
    running: 1,
    canceling: 0,
  };
  const activity = { row, scheduled, scheduledTime: state.lastTime };
  // Read before the row is written, or it would be found twice.
  book.runs.pending(state).set(command.seq, activity);
  book.store.insertActivity(row);
  const limit = command.options.scheduleToCloseTimeout;
  if (limit !== undefined) {
    book.setTimer(state, "schedule_to_close", command.seq, book.now + limit);
  }
  handOutAttempt(book, state, activity);
}

export function cancelActivity(book: Book, state: RunState, seq: number): void {
  book.append(state, "ActivityCancelRequested", { seq });
  const activity = book.runs.pending(state).get(seq);
  if (!activity) return;
  if (activity.row.running) {
    abortAttempt(book, activity, "canceled");
    if (activity.scheduled.options.waitForCancellation) {
      activity.row.canceling = 1;
      book.store.saveActivity(activity.row);
      return;
    }
  }
  end(book, state, activity, "ActivityCanceled", canceledFailure());
}

/** Takes the outcome of an attempt; ignores it when that attempt is no longer awaited. */
export function completeAttempt(book: Book, token: string, result: ActivityResult): void {
  const [, run, seq, attempt] = token.split(".").map(Number) as [number, number, number, number];
  const state = book.runs.get(run);
  if (state?.status !== "running") return;
  const activity = book.runs.pending(state).get(seq);
  if (!activity?.row.running || activity.row.attempt !== attempt) return;
  if (result.status === "completed") {
    forget(book, state, activity);
    book.append(state, "ActivityCompleted", { seq, attempt, value: result.value });
    book.wake(state);
  } else if (activity.row.canceling) {
    const canceled = result.status === "canceled";
    const failure = canceled
      ? result.failure
      : finalFailure(activity, result.failure, "cancel_requested");
    end(book, state, activity, canceled ? "ActivityCanceled" : "ActivityFailed", failure);
  } else {
    attemptFailed(book, state, activity, result.failure, "ActivityFailed");
  }
}

/** The attempt took longer than it may. */
export function attemptTimedOut(
  book: Book,
  deadline: Extract<Deadline, { kind: "attempt" }>,
): void {
  const state = book.runs.get(deadline.run);
  const activity = state?.status === "running"
    ? book.runs.pending(state).get(deadline.seq)
    : undefined;
  if (!state || !activity?.row.running || activity.row.attempt !== deadline.attempt) return;
  abortAttempt(book, activity, `timed out (${deadline.timeout})`);
  const failure = timeoutFailure(
    `activity ${activity.scheduled.entry} timed out (${deadline.timeout})`,
    deadline.timeout,
  );
  attemptFailed(book, state, activity, failure, "ActivityTimedOut");
}

/** The activity took longer than all its attempts together may. */
export function scheduleToCloseTimedOut(book: Book, state: RunState, seq: number): void {
  const activity = book.runs.pending(state).get(seq);
  if (!activity) return;
  if (activity.row.running) abortAttempt(book, activity, "timed out (schedule_to_close)");
  const failure = timeoutFailure(
    `activity ${activity.scheduled.entry} timed out (schedule_to_close)`,
    "schedule_to_close",
  );
  end(book, state, activity, "ActivityTimedOut", finalFailure(activity, failure, "timeout"));
}

/** The wait before the next attempt is over. */
export function retryActivity(book: Book, state: RunState, seq: number): void {
  const activity = book.runs.pending(state).get(seq);
  if (activity && !activity.row.running) nextAttempt(book, state, activity);
}

/** Attempts that ran when the runtime ended are lost: they count, and the next follows at once. */
export function recoverAttempts(book: Book, state: RunState): void {
  for (const activity of [...book.runs.pending(state).values()]) {
    if (!activity.row.running) continue;
    const { operation, options, entry } = activity.scheduled;
    const maximum = options.retryPolicy?.maximumAttempts;
    if (activity.row.canceling) {
      end(book, state, activity, "ActivityCanceled", canceledFailure());
    } else if (!operation && maximum && activity.row.attempt >= maximum) {
      const failure = {
        kind: "Unavailable",
        message: `activity ${entry}: the runtime ended during the last attempt`,
      };
      const final = finalFailure(activity, failure, "maximum_attempts_reached");
      end(book, state, activity, "ActivityFailed", final);
    } else {
      nextAttempt(book, state, activity);
    }
  }
}

/** The run is closed: its activities are forgotten, the attempts that run are aborted. */
export function abandonActivities(book: Book, state: RunState): void {
  const activities = book.runs.pending(state);
  if (activities.size === 0) return;
  for (const activity of activities.values()) {
    if (activity.row.running) abortAttempt(book, activity, "workflow closed");
  }
  activities.clear();
  book.store.deleteActivitiesOf(state.run);
}

function attemptFailed(
  book: Book,
  state: RunState,
  activity: PendingActivity,
  failure: Failure,
  type: "ActivityFailed" | "ActivityTimedOut",
): void {
  const { row, scheduled, scheduledTime } = activity;
  if (scheduled.operation) {
    end(book, state, activity, type, failure);
    return;
  }
  const { retryPolicy = {}, scheduleToCloseTimeout = Infinity } = scheduled.options;
  const deadline = scheduledTime + scheduleToCloseTimeout;
  const decision = decideRetry(retryPolicy, failure, row.attempt, book.now, deadline);
  if ("final" in decision) {
    end(book, state, activity, type, finalFailure(activity, failure, decision.final));
    return;
  }
  row.running = 0;
  book.store.saveActivity(row);
  book.setTimer(state, "retry", row.seq, book.now + decision.delay);
  forgetDeadline(book, activity);
}

function nextAttempt(book: Book, state: RunState, activity: PendingActivity): void {
  activity.row.attempt++;
  activity.row.running = 1;
  book.store.saveActivity(activity.row);
  handOutAttempt(book, state, activity);
}

function handOutAttempt(book: Book, state: RunState, activity: PendingActivity): void {
  const { row, scheduled, scheduledTime } = activity;
  const { options } = scheduled;
  const heartbeat = options.heartbeatTimeout ?? Infinity;
  const startToClose = options.startToCloseTimeout ??
    (scheduled.operation ? Infinity : defaultStartToClose);
  const due = book.now + Math.min(heartbeat, startToClose);
  const frame = scheduled.frame ?? book.runs.frame(state);
  book.out.push({
    type: "activity",
    task: {
      token: tokenOf(book, activity),
      runId: state.runId,
      workflowId: state.workflowId,
      pid: book.pidOf(state),
      hostId: state.hostId,
      activityId: scheduled.activityId,
      entry: scheduled.entry,
      operation: scheduled.operation,
      args: scheduled.args,
      ...frame ? { frame } : {},
      attempt: row.attempt,
      deadline: Math.min(due, scheduledTime + (options.scheduleToCloseTimeout ?? Infinity)),
    },
  });
  if (due === Infinity) return;
  const timeout = heartbeat < startToClose ? "heartbeat" : "start_to_close";
  const { run, seq, attempt } = row;
  book.after.push(() =>
    book.deadlines.set(deadlineKey(activity), due, { kind: "attempt", run, seq, attempt, timeout })
  );
}

/** Ends an activity without a value. */
function end(
  book: Book,
  state: RunState,
  activity: PendingActivity,
  type: "ActivityFailed" | "ActivityTimedOut" | "ActivityCanceled",
  failure: Failure,
): void {
  forget(book, state, activity);
  book.append(state, type, { seq: activity.row.seq, attempt: activity.row.attempt, failure });
  book.wake(state);
}

function forget(book: Book, state: RunState, activity: PendingActivity): void {
  const { run, seq, running } = activity.row;
  book.runs.pending(state).delete(seq);
  book.store.deleteActivity(run, seq);
  if (!running) book.store.deleteTimer(run, "retry", seq);
  if (activity.scheduled.options.scheduleToCloseTimeout !== undefined) {
    book.store.deleteTimer(run, "schedule_to_close", seq);
  }
  forgetDeadline(book, activity);
}

function abortAttempt(book: Book, activity: PendingActivity, reason: string): void {
  book.out.push({ type: "activity_cancel", token: tokenOf(book, activity), reason });
  forgetDeadline(book, activity);
}

function forgetDeadline(book: Book, activity: PendingActivity): void {
  const key = deadlineKey(activity);
  book.after.push(() => book.deadlines.delete(key));
}

function finalFailure(activity: PendingActivity, failure: Failure, state: RetryState): Failure {
  if (activity.scheduled.operation) return failure;
  return withDetails(failure, {
    _wrapper: "activity",
    _activity_id: activity.scheduled.activityId,
    _retry_state: state,
  });
}

function tokenOf(book: Book, { row }: PendingActivity): string {
  return `${book.settings.name}.${row.run}.${row.seq}.${row.attempt}`;
}

function deadlineKey({ row }: PendingActivity): string {
  return `attempt ${row.run}.${row.seq}`;
}
