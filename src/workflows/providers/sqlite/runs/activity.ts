import type { Failure } from "../../../engine/outcome.ts";
import {
  type EventData,
  type PackedCommand,
  packPlain,
  scheduledActivity,
} from "../../../history/history.ts";
import {
  canceledFailure,
  decideRetry,
  type RetryState,
  timeoutFailure,
  withDetails,
} from "../../../history/retry.ts";
import { attemptToken, readAttemptToken } from "../../../tasks/tokens.ts";
import { reportAttempt } from "./failure-reports.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { activityState } from "../store/schema.ts";
import type { Deadline } from "../transaction/deadlines.ts";
import { firstAttempt, type PendingActivity, type RunState } from "../store/run-states.ts";
import type { OutgoingActivityTask } from "../../../tasks/wire.ts";
import type { ActivityResult } from "../../../tasks/tasks.ts";
import type { Payload } from "../../../payload.ts";

const defaultStartToClose = 10 * 60_000;

/** Milliseconds between two writes of an activity's heartbeat details. */
const beatInterval = 1_000;

type ScheduleActivity = Extract<PackedCommand, { type: "schedule_activity" }>;

export function scheduleActivity(
  tx: Transaction,
  state: RunState,
  command: ScheduleActivity,
): void {
  const { seq, activityId, entry, args, options, operation, frame } = command;
  const data: EventData["ActivityScheduled"] = { seq, entry, args };
  if (activityId !== undefined && activityId !== String(seq)) data.activityId = activityId;
  if (Object.keys(options).length > 0) data.options = options;
  if (operation) data.operation = true;
  if (frame) data.frame = frame;
  takeUpActivity(tx, state, tx.append(state, "ActivityScheduled", data), data);
}

/** Makes the first attempt of an activity whose ActivityScheduled event is in the history. */
export function takeUpActivity(
  tx: Transaction,
  state: RunState,
  event: number,
  data: EventData["ActivityScheduled"],
): void {
  const scheduled = scheduledActivity(data);
  const { seq, options } = scheduled;
  const row = firstAttempt(state.run, seq, event);
  const scheduledTime = Math.max(tx.now, state.lastTime ?? 0);
  const activity = { row, scheduled, scheduledTime, stored: false };
  tx.runs.pending(state).set(seq, activity);
  takeSlot(tx, activity);
  // Of one that runs the event says all.
  if (row.running === activityState.slot) save(tx, activity);
  const limit = options.scheduleToCloseTimeout;
  if (limit !== undefined) tx.setTimer(state, "schedule_to_close", seq, tx.now + limit);
  begin(tx, state, activity);
}

export function cancelActivity(tx: Transaction, state: RunState, seq: number): void {
  tx.append(state, "ActivityCancelRequested", { seq });
  const activity = tx.runs.pending(state).get(seq);
  if (!activity) return;
  const { row, scheduled: { options } } = activity;
  const type = options.cancellationType ??
    (options.waitForCancellation ? "wait_cancellation_completed" : "try_cancel");
  if (row.running === activityState.running && type === "wait_cancellation_completed") {
    const token = tokenOf(tx, activity);
    tx.out.push({ type: "activity_cancel", token, reason: "canceled", gently: true });
    row.canceling = 1;
    save(tx, activity);
    return;
  }
  if (row.running === activityState.running && type === "try_cancel") {
    abortAttempt(tx, activity, "canceled");
  }
  end(tx, state, activity, "ActivityCanceled", canceledFailure());
}

/** Returns the open run and the pending activity that a token names, if that attempt is its newest. */
function pendingUnder(
  tx: Transaction,
  token: string,
): { state: RunState; activity: PendingActivity } | undefined {
  const key = readAttemptToken(token);
  if (!key) return undefined;
  const state = tx.runs.get(key.run);
  const activity = state?.status === "running" ? tx.runs.pending(state).get(key.seq) : undefined;
  return state && activity?.row.attempt === key.attempt ? { state, activity } : undefined;
}

/** The activity whose attempt runs under a token; undefined when it is no longer awaited. */
function attemptOf(
  tx: Transaction,
  token: string,
): { state: RunState; activity: PendingActivity } | undefined {
  const found = pendingUnder(tx, token);
  return found?.activity.row.running === activityState.running ? found : undefined;
}

/** The attempt is alive. Details are written at most once a second. */
export function heartbeat(tx: Transaction, token: string, details: Payload): void {
  const found = attemptOf(tx, token);
  if (!found) return;
  const { activity } = found;
  activity.row.heartbeat = details;
  if (tx.now - (activity.beatWritten ?? -Infinity) >= beatInterval) {
    activity.beatWritten = tx.now;
    save(tx, activity);
  }
  awaitBeat(tx, activity);
}

/** Whether the outcome of an attempt is awaited, and would be taken as it is. */
export function isAwaited(tx: Transaction, token: string): boolean {
  const found = attemptOf(tx, token);
  return found !== undefined && !found.activity.row.canceling;
}

/** An outcome whose event the worker has packed, and that is stored as it is. */
interface PackedOutcome {
  status: "completed";
  packed: Uint8Array;
}

/** Takes the outcome of an attempt; ignores it when that attempt is no longer awaited. */
export function completeAttempt(
  tx: Transaction,
  token: string,
  result: ActivityResult | PackedOutcome,
): void {
  tx.slots.release(tx, token);
  tx.after.push(() => tx.workers.attemptBack(token));
  const found = attemptOf(tx, token);
  if (!found) return;
  const { state, activity } = found;
  const { seq, attempt } = activity.row;
  if (result.status === "completed") {
    forget(tx, state, activity);
    if ("packed" in result) tx.appendPacked(state, "ActivityCompleted", result.packed);
    else tx.append(state, "ActivityCompleted", { seq, attempt, value: result.value });
    tx.wake(state);
  } else if (activity.row.canceling) {
    const canceled = result.status === "canceled" || result.failure.kind === "Canceled";
    const failure = canceled
      ? result.failure
      : finalFailure(activity, result.failure, "cancel_requested");
    end(tx, state, activity, canceled ? "ActivityCanceled" : "ActivityFailed", failure);
  } else {
    attemptFailed(tx, state, activity, result.failure, "ActivityFailed");
  }
}

/** The worker of an attempt died. */
export function loseAttempt(tx: Transaction, token: string, failure: Failure): void {
  const found = attemptOf(tx, token);
  // An operation has no retry policy, its failure would be its result: it runs again, as after a crash.
  if (found?.activity.scheduled.operation) handOutAttempt(tx, found.state, found.activity);
  else completeAttempt(tx, token, { status: "failed", failure });
}

/** The attempt took longer than it may. */
export function attemptTimedOut(
  tx: Transaction,
  deadline: Extract<Deadline, { kind: "attempt" }>,
): void {
  const state = tx.runs.get(deadline.run);
  const activity = state?.status === "running"
    ? tx.runs.pending(state).get(deadline.seq)
    : undefined;
  if (!state || activity?.row.running !== activityState.running) return;
  if (activity.row.attempt !== deadline.attempt) return;
  abortAttempt(tx, activity, `timed out (${deadline.timeout})`);
  const failure = timeoutFailure(
    `activity ${activity.scheduled.entry} timed out (${deadline.timeout})`,
    deadline.timeout,
  );
  attemptFailed(tx, state, activity, failure, "ActivityTimedOut");
}

/** No slot was free in time. It is not tried again: there would be none either. */
export function slotTimedOut(tx: Transaction, deadline: Extract<Deadline, { kind: "slot" }>): void {
  const state = tx.runs.get(deadline.run);
  const activity = state?.status === "running"
    ? tx.runs.pending(state).get(deadline.seq)
    : undefined;
  if (!state || activity?.row.running !== activityState.slot) return;
  const failure = timeoutFailure(
    `activity ${activity.scheduled.entry} timed out (schedule_to_start)`,
    "schedule_to_start",
  );
  reportAttempt(tx, state, activity, failure, "timeout");
  end(tx, state, activity, "ActivityTimedOut", finalFailure(activity, failure, "timeout"));
}

/** The activity took longer than all its attempts together may. */
export function scheduleToCloseTimedOut(tx: Transaction, state: RunState, seq: number): void {
  const activity = tx.runs.pending(state).get(seq);
  if (!activity) return;
  if (activity.row.running === activityState.running) {
    abortAttempt(tx, activity, "timed out (schedule_to_close)");
  }
  const failure = timeoutFailure(
    `activity ${activity.scheduled.entry} timed out (schedule_to_close)`,
    "schedule_to_close",
  );
  reportAttempt(tx, state, activity, failure, "timeout");
  end(tx, state, activity, "ActivityTimedOut", finalFailure(activity, failure, "timeout"));
}

/** The wait before the next attempt is over. */
export function retryActivity(tx: Transaction, state: RunState, seq: number): void {
  const activity = tx.runs.pending(state).get(seq);
  if (activity?.row.running === activityState.retry) nextAttempt(tx, state, activity);
}

/** Starts attempts that wait for a slot, as far as there are slots. */
export function startWaiting(tx: Transaction): void {
  for (let token = tx.slots.next(tx); token !== undefined; token = tx.slots.next(tx)) {
    const found = pendingUnder(tx, token);
    if (found?.activity.row.running !== activityState.slot) {
      tx.slots.release(tx, token);
      continue;
    }
    const { state, activity } = found;
    activity.row.running = activityState.running;
    save(tx, activity);
    forgetDeadline(tx, activity);
    begin(tx, state, activity);
  }
}

/** Attempts that ran when the runtime ended are lost: they count, and the next follows at once. */
export function recoverAttempts(tx: Transaction, state: RunState): void {
  for (const activity of [...tx.runs.pending(state).values()]) {
    if (activity.row.running === activityState.retry) continue;
    if (activity.row.running === activityState.slot) {
      takeSlot(tx, activity);
      save(tx, activity);
      begin(tx, state, activity);
      continue;
    }
    const { operation, options, entry } = activity.scheduled;
    const maximum = options.retryPolicy?.maximumAttempts;
    if (activity.row.canceling) {
      end(tx, state, activity, "ActivityCanceled", canceledFailure());
    } else if (!operation && maximum && activity.row.attempt >= maximum) {
      const failure = {
        kind: "Unavailable",
        message: `activity ${entry}: the runtime ended during the last attempt`,
      };
      const final = finalFailure(activity, failure, "maximum_attempts_reached");
      end(tx, state, activity, "ActivityFailed", final);
    } else {
      activity.row.lastFailure = packPlain(
        {
          kind: "Unavailable",
          message: `activity ${entry}: the runtime ended during the attempt`,
        } satisfies Failure,
      );
      nextAttempt(tx, state, activity);
    }
  }
}

/** The run is closed: its activities are forgotten, the attempts that run are aborted. */
export function abandonActivities(tx: Transaction, state: RunState): void {
  const activities = tx.runs.pending(state);
  if (activities.size === 0) return;
  for (const activity of activities.values()) {
    if (activity.row.running === activityState.running) {
      abortAttempt(tx, activity, "workflow closed");
    } else forgetDeadline(tx, activity);
  }
  activities.clear();
  tx.store.deleteActivitiesOf(state.run);
}

function attemptFailed(
  tx: Transaction,
  state: RunState,
  activity: PendingActivity,
  failure: Failure,
  type: "ActivityFailed" | "ActivityTimedOut",
): void {
  const { row, scheduled, scheduledTime } = activity;
  if (scheduled.operation) {
    end(tx, state, activity, type, failure);
    return;
  }
  if (row.canceling) {
    end(tx, state, activity, type, finalFailure(activity, failure, "cancel_requested"));
    return;
  }
  const { retryPolicy = {}, scheduleToCloseTimeout = Infinity } = scheduled.options;
  const deadline = scheduledTime + scheduleToCloseTimeout;
  const decision = decideRetry(retryPolicy, failure, row.attempt, tx.now, deadline);
  const next = "final" in decision ? decision.final : decision.delay;
  reportAttempt(tx, state, activity, failure, next);
  if ("final" in decision) {
    end(tx, state, activity, type, finalFailure(activity, failure, decision.final));
    return;
  }
  row.lastFailure = packPlain(failure);
  row.running = activityState.retry;
  save(tx, activity);
  tx.setTimer(state, "retry", row.seq, tx.now + decision.delay);
  forgetDeadline(tx, activity);
}

function nextAttempt(tx: Transaction, state: RunState, activity: PendingActivity): void {
  activity.row.attempt++;
  takeSlot(tx, activity);
  save(tx, activity);
  begin(tx, state, activity);
}

/** Takes a slot for the next attempt if one is needed and free: else the attempt waits for it. */
function takeSlot(tx: Transaction, activity: PendingActivity): void {
  const { row, scheduled } = activity;
  row.running = scheduled.operation || tx.slots.take(tx, tokenOf(tx, activity))
    ? activityState.running
    : activityState.slot;
}

/** Writes what its event does not say of an activity. */
function save(tx: Transaction, activity: PendingActivity): void {
  tx.store.saveActivity(activity.row);
  if (activity.stored) return;
  activity.stored = true;
  tx.runs.pendingChanged(activity.row.run);
}

/** Hands out an attempt that has a slot; the others wait in the queue. */
function begin(tx: Transaction, state: RunState, activity: PendingActivity): void {
  if (activity.row.running === activityState.running) {
    handOutAttempt(tx, state, activity);
    return;
  }
  tx.slots.enqueue(tx, tokenOf(tx, activity));
  const limit = activity.scheduled.options.scheduleToStartTimeout;
  if (limit === undefined) return;
  const { run, seq, attempt } = activity.row;
  const due = attempt === 1 ? activity.scheduledTime + limit : tx.now + limit;
  tx.after.push(() =>
    tx.deadlines.set(deadlineKey(activity), due, { kind: "slot", run, seq, attempt })
  );
}

function handOutAttempt(tx: Transaction, state: RunState, activity: PendingActivity): void {
  const { row, scheduled, scheduledTime } = activity;
  const { options } = scheduled;
  const startToClose = options.startToCloseTimeout ??
    (scheduled.operation ? Infinity : defaultStartToClose);
  const due = tx.now + startToClose;
  const frame = scheduled.frame ?? tx.runs.frame(state);
  const task: OutgoingActivityTask = {
    token: tokenOf(tx, activity),
    identity: tx.identityOf(state),
    entry: scheduled.entry,
    operation: scheduled.operation,
    args: scheduled.args,
    attempt: row.attempt,
    scheduledTime,
    deadline: Math.min(due, scheduledTime + (options.scheduleToCloseTimeout ?? Infinity)),
  };
  if (frame) task.frame = frame;
  if (scheduled.activityId !== String(row.seq)) task.activityId = scheduled.activityId;
  if (options.heartbeatTimeout !== undefined) task.heartbeatTimeout = options.heartbeatTimeout;
  if (row.heartbeat) task.heartbeat = row.heartbeat;
  const worker = state.worker ?? tx.workers.ofTask(state.run);
  tx.out.push({ type: "activity", task, ...worker === undefined ? {} : { worker } });
  awaitBeat(tx, activity);
  if (due === Infinity) return;
  const { run, seq, attempt } = row;
  const timeout = "start_to_close";
  tx.after.push(() =>
    tx.deadlines.set(deadlineKey(activity), due, { kind: "attempt", run, seq, attempt, timeout })
  );
}

/** From now on the next heartbeat has its time. */
function awaitBeat(tx: Transaction, { row, scheduled }: PendingActivity): void {
  const limit = scheduled.options.heartbeatTimeout;
  if (limit === undefined) return;
  const { run, seq, attempt } = row;
  const due = tx.now + limit;
  const timeout = "heartbeat";
  tx.after.push(() =>
    tx.deadlines.set(beatKey(run, seq), due, { kind: "attempt", run, seq, attempt, timeout })
  );
}

/** Ends an activity without a value. */
function end(
  tx: Transaction,
  state: RunState,
  activity: PendingActivity,
  type: "ActivityFailed" | "ActivityTimedOut" | "ActivityCanceled",
  failure: Failure,
): void {
  forget(tx, state, activity);
  tx.append(state, type, { seq: activity.row.seq, attempt: activity.row.attempt, failure });
  tx.wake(state);
}

function forget(tx: Transaction, state: RunState, activity: PendingActivity): void {
  const { run, seq, running } = activity.row;
  tx.runs.pending(state).delete(seq);
  if (activity.stored) tx.store.deleteActivity(run, seq);
  if (running === activityState.retry) tx.store.deleteTimer(run, "retry", seq);
  if (activity.scheduled.options.scheduleToCloseTimeout !== undefined) {
    tx.store.deleteTimer(run, "schedule_to_close", seq);
  }
  forgetDeadline(tx, activity);
}

function abortAttempt(tx: Transaction, activity: PendingActivity, reason: string): void {
  const token = tokenOf(tx, activity);
  tx.out.push({ type: "activity_cancel", token, reason, gently: false });
  forgetDeadline(tx, activity);
}

function forgetDeadline(tx: Transaction, activity: PendingActivity): void {
  const { row: { run, seq }, scheduled } = activity;
  const key = deadlineKey(activity);
  const beats = scheduled.options.heartbeatTimeout !== undefined;
  tx.after.push(() => {
    tx.deadlines.delete(key);
    if (beats) tx.deadlines.delete(beatKey(run, seq));
  });
}

function finalFailure(activity: PendingActivity, failure: Failure, state: RetryState): Failure {
  if (activity.scheduled.operation) return failure;
  return withDetails(failure, {
    _wrapper: "activity",
    _activity_id: activity.scheduled.activityId,
    _retry_state: state,
  });
}

function tokenOf(tx: Transaction, { row }: PendingActivity): string {
  return attemptToken(tx.settings.name, row);
}

function beatKey(run: number, seq: number): string {
  return `beat ${run}.${seq}`;
}

function deadlineKey({ row }: PendingActivity): string {
  return `attempt ${row.run}.${row.seq}`;
}
