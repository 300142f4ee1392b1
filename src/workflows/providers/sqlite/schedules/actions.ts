import { pack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import { jittered, nextMatch } from "../../../schedules/spec.ts";
import {
  defaultCatchupWindow,
  maxBuffered,
  type OverlapPolicy,
  type ScheduleDefinition,
  type ScheduleSpec,
  type StartFate,
} from "../../../schedules/schedules.ts";
import { mergeAttributes } from "../store/attributes.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { terminateRun } from "../runs/close.ts";
import { definitionOf } from "../transaction/schedule-rows.ts";
import type { ScheduleRow } from "../store/schedule-store.ts";
import { requestCancel } from "../runs/signal.ts";
import { startRun } from "../runs/start.ts";

/** Matches acted on in one transaction: after a long stop there may be very many. */
const batch = 1_000;
/** Those of one schedule, so that others have their turn. */
const ownBatch = 100;
/** Ended runs that a schedule remembers. */
export const keptActions = 10;
/** Position of the start that replaces the open run. */
const replacing = 0;

/** A start that a schedule is to make. */
export interface ScheduledStart {
  /** The match, or when it was asked for. */
  scheduledTime: number;
  /** Asked for: made also when the schedule is paused, and not counted against its limit. */
  manual: boolean;
}

/** What came of it. */
export interface StartOutcome {
  fate: StartFate;
  run?: { workflowId: string; runId: string; pid: string };
}

/** Acts on the matches that are due. */
export function fireSchedules(tx: Transaction): void {
  endScheduled(tx);
  let left = batch;
  for (const row of tx.schedules.dueAt(tx.now, batch)) {
    left -= advance(tx, row, Math.min(left, ownBatch));
    if (left <= 0) return;
  }
}

/** Acts on the matches of a schedule that are due, in order. Returns how many it looked at. */
export function advance(tx: Transaction, row: ScheduleRow, limit = ownBatch): number {
  const definition = readDefinition(tx, row);
  if (!definition) return 1;
  const { overlap = "skip", catchupWindow = defaultCatchupWindow } = definition.policies ?? {};
  let looked = 0;
  while (row.due !== null && row.next !== null && row.due <= tx.now && looked < limit) {
    looked++;
    const match = row.next;
    if (tx.now - match > catchupWindow) row.missedCatchup++;
    else arrive(tx, row, definition, { scheduledTime: match, manual: false }, overlap);
    setNext(tx, row, definition.spec, match);
  }
  return looked;
}

/** The definition of a schedule. One that is damaged must not keep the others from their turn: it is paused. */
function readDefinition(tx: Transaction, row: ScheduleRow): ScheduleDefinition | undefined {
  try {
    return definitionOf(row);
  } catch (error) {
    row.paused = 1;
    row.next = row.due = null;
    row.note = `paused: ${(error as Error).message}`;
    tx.schedules.changed(row);
    report(tx, row, row.note);
    return undefined;
  }
}

/** Sets what the schedule does next: the first match after a time, unless it is to do nothing. */
export function setNext(
  tx: Transaction,
  row: ScheduleRow,
  spec: ScheduleSpec,
  after: number,
): void {
  row.next = row.paused || row.remaining === 0 ? null : nextMatch(spec, after) ?? null;
  row.due = row.next === null ? null : jittered(row.scheduleId, spec, row.next);
  if (row.due !== null) tx.dueAt(row.due);
  tx.schedules.changed(row);
}

/** A start is wanted now: makes it, or does what the overlap policy says while a run is open. */
export function arrive(
  tx: Transaction,
  row: ScheduleRow,
  definition: ScheduleDefinition,
  start: ScheduledStart,
  overlap: OverlapPolicy,
): StartOutcome {
  const { schedules } = tx.store;
  const { schedule } = row;
  if (overlap === "allow_all") return makeStart(tx, row, definition, start);
  const buffered = schedules.firstBuffered(schedule);
  if (!buffered && !schedules.hasOpen(schedule)) return makeStart(tx, row, definition, start);
  switch (overlap) {
    case "buffer_one":
      if (!buffered) return buffer(tx, row, start, ++row.lastBuffered);
      break;
    case "buffer_all":
      if (schedules.countBuffered(schedule) < maxBuffered) {
        return buffer(tx, row, start, ++row.lastBuffered);
      }
      row.bufferDropped++;
      tx.schedules.changed(row);
      return { fate: "skipped" };
    case "cancel_other":
    case "terminate_other": {
      if (buffered?.position === replacing) {
        schedules.deleteBuffered(schedule, replacing);
        row.overlapSkipped++;
      }
      const outcome = buffer(tx, row, start, replacing);
      endOthers(tx, row, overlap);
      return outcome;
    }
  }
  row.overlapSkipped++;
  tx.schedules.changed(row);
  return { fate: "skipped" };
}

function buffer(
  tx: Transaction,
  row: ScheduleRow,
  { scheduledTime, manual }: ScheduledStart,
  position: number,
): StartOutcome {
  const { schedule } = row;
  tx.store.schedules.insertBuffered({
    schedule,
    position,
    scheduledTime,
    manual: manual ? 1 : 0,
  });
  tx.schedules.changed(row);
  return { fate: "buffered" };
}

/** Ends the open runs of a schedule, or asks them to end. */
function endOthers(
  tx: Transaction,
  row: ScheduleRow,
  overlap: "cancel_other" | "terminate_other",
): void {
  const reason = `the schedule ${row.scheduleId} starts another run`;
  for (const { workflowId, runId } of tx.store.schedules.openActions(row.schedule, -1)) {
    const state = tx.runs.newestOfChain({ workflowId, firstRunId: runId });
    if (state?.status !== "running") continue;
    if (overlap === "terminate_other") terminateRun(tx, state, reason);
    else requestCancel(tx, state, { reason, sender: "" });
  }
}

function makeStart(
  tx: Transaction,
  row: ScheduleRow,
  { action }: ScheduleDefinition,
  { scheduledTime, manual }: ScheduledStart,
): StartOutcome {
  const { schedule } = row;
  const number = row.lastAction + 1;
  const time = isoTime(scheduledTime);
  const facts = pack({ ScheduledById: row.scheduleId, ScheduledStartTime: time });
  tx.schedules.changed(row);
  let run: StartOutcome["run"];
  try {
    run = startRun(tx, {
      entry: action.entry,
      hostId: action.hostId,
      workflowId: `${action.workflowId}-${time}`,
      args: action.args,
      searchAttributes: mergeAttributes(action.searchAttributes ?? null, facts),
      options: { ...action.options, errorWhenAlreadyStarted: true },
      ...action.frame && { frame: action.frame },
      ...action.memo && { memo: action.memo },
    }, { schedule, action: number });
  } catch (error) {
    // A refusal comes before anything is written.
    if (!(error instanceof WippyError)) throw error;
    row.overlapSkipped++;
    report(tx, row, `could not start a run for ${time}: ${error.message}`);
    return { fate: "skipped" };
  }
  row.lastAction = number;
  row.actions++;
  if (!manual && row.remaining !== null) row.remaining--;
  tx.store.schedules.insertAction({
    schedule,
    action: number,
    scheduledTime,
    startTime: tx.now,
    workflowId: run.workflowId,
    runId: run.runId,
    open: 1,
  });
  tx.store.schedules.deleteClosedAction(schedule, number - keptActions);
  return { fate: "started", run };
}

/** The time of a match in a workflow id. */
function isoTime(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

/** Lets schedules go on whose runs have ended. */
export function endScheduled(tx: Transaction): void {
  for (let end = tx.scheduledEnds.shift(); end; end = tx.scheduledEnds.shift()) {
    const { schedule, action, firstRunId, workflowId, status } = end;
    const row = tx.schedules.get(schedule);
    const known = tx.store.schedules.action(schedule, action);
    // The number may be another schedule's by now.
    if (!row || known?.open !== 1 || known.runId !== firstRunId) continue;
    tx.store.schedules.closeAction(schedule, action);
    if (action <= row.lastAction - keptActions) {
      tx.store.schedules.deleteClosedAction(schedule, action);
    }
    const definition = readDefinition(tx, row);
    if (!definition) continue;
    const failed = status === "failed" || status === "timed_out";
    if (failed && definition.policies?.pauseOnFailure && !row.paused) {
      row.paused = 1;
      row.note = `paused because ${workflowId} ${status === "failed" ? "failed" : "timed out"}`;
      setNext(tx, row, definition.spec, tx.now);
      report(tx, row, row.note);
    }
    startBuffered(tx, row, definition);
  }
}

/** Makes the start that waits for the end of the runs, once there is none. */
function startBuffered(tx: Transaction, row: ScheduleRow, definition: ScheduleDefinition): void {
  const { schedules } = tx.store;
  while (!schedules.hasOpen(row.schedule)) {
    const first = schedules.firstBuffered(row.schedule);
    if (!first) return;
    schedules.deleteBuffered(row.schedule, first.position);
    const { scheduledTime, manual } = first;
    if (!manual && (row.paused || row.remaining === 0)) {
      row.bufferDropped++;
      tx.schedules.changed(row);
      continue;
    }
    makeStart(tx, row, definition, { scheduledTime, manual: manual === 1 });
    if (row.remaining === 0 && row.next !== null) setNext(tx, row, definition.spec, tx.now);
  }
}

function report(tx: Transaction, { scheduleId }: ScheduleRow, what: string): void {
  tx.out.push({
    type: "report",
    report: {
      level: "warn",
      message: `schedule ${scheduleId}: ${what}`,
      fields: { schedule_id: scheduleId },
    },
  });
}
