import { WippyError } from "../../../../vm/error.ts";
import { packPlain } from "../../../history/history.ts";
import {
  checkDefinition,
  checkNote,
  checkRemaining,
  checkScheduleId,
} from "../../../schedules/check.ts";
import { invalidField, matchesBetween } from "../../../schedules/spec.ts";
import {
  type BackfillRange,
  type BackfillResult,
  maxBackfilled,
  type NewSchedule,
  overlapPolicies,
  type OverlapPolicy,
  type ScheduleChange,
  type TriggerResult,
} from "../../../schedules/schedules.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { ScheduleRequest } from "../protocol.ts";
import { describeSchedule, listSchedules, scheduleNotFound } from "../read/describe-schedule.ts";
import { definitionOf } from "../transaction/schedule-rows.ts";
import type { ScheduleRow } from "../store/schedule-store.ts";
import { advance, arrive, endScheduled, setNext } from "./actions.ts";

/** Carries out what is asked of schedules. @throws WippyError; nothing of the request is written then. */
export function answerSchedule(tx: Transaction, request: ScheduleRequest): unknown {
  endScheduled(tx);
  switch (request.op) {
    case "create":
      return create(tx, request.schedule);
    case "describe":
      tx.schedules.flush();
      return describeSchedule(tx, request.scheduleId);
    case "list":
      tx.schedules.flush();
      return listSchedules(tx, request.query);
    case "update":
      return update(tx, found(tx, request.scheduleId), request.change, true);
    case "pause":
      return pause(tx, found(tx, request.scheduleId), request.paused, request.note);
    case "trigger":
      return trigger(tx, found(tx, request.scheduleId), request.overlap);
    case "backfill":
      return backfill(tx, found(tx, request.scheduleId), request.ranges);
    case "delete":
      return tx.schedules.delete(found(tx, request.scheduleId));
    case "declare":
      return declareSchedules(tx, request.schedules);
  }
}

function found(tx: Transaction, scheduleId: string): ScheduleRow {
  const row = tx.schedules.byId(scheduleId);
  if (row) return row;
  throw scheduleNotFound(scheduleId);
}

function checkOverlap(field: string, overlap: OverlapPolicy | undefined): void {
  if (overlap === undefined || overlapPolicies.includes(overlap)) return;
  throw invalidField(field, `${overlapPolicies.join(" | ")} expected, got "${overlap}"`);
}

function create(tx: Transaction, schedule: NewSchedule): void {
  const { scheduleId, spec, action, policies = {}, paused, note = "", remainingActions } = schedule;
  checkScheduleId(scheduleId);
  checkDefinition(schedule);
  checkNote(note);
  if (remainingActions !== undefined) checkRemaining(remainingActions);
  const existing = tx.schedules.byId(scheduleId);
  if (existing) {
    if (schedule.requestId !== undefined && existing.requestId === schedule.requestId) return;
    throw new WippyError(
      "AlreadyExists",
      `there is a schedule ${scheduleId} already; update it, or choose another id`,
      { retryable: false, details: { schedule_id: scheduleId } },
    );
  }
  const row = tx.schedules.insert({
    scheduleId,
    declaredBy: schedule.declaredBy ?? null,
    requestId: schedule.requestId ?? null,
    definition: packPlain({ spec, action, policies }),
    paused: paused ? 1 : 0,
    note,
    remaining: remainingActions ?? null,
    next: null,
    due: null,
    lastAction: 0,
    lastBuffered: 0,
    createTime: tx.now,
    updateTime: tx.now,
    actions: 0,
    missedCatchup: 0,
    overlapSkipped: 0,
    bufferDropped: 0,
  });
  setNext(tx, row, spec, tx.now);
}

/** @param settle acts on what is due by the old definition first */
function update(tx: Transaction, row: ScheduleRow, change: ScheduleChange, settle: boolean): void {
  const old = definitionOf(row);
  const definition = {
    spec: change.spec ?? old.spec,
    action: change.action ?? old.action,
    policies: change.policies ?? old.policies ?? {},
  };
  checkDefinition(definition);
  if (change.note !== undefined) checkNote(change.note);
  if (typeof change.remainingActions === "number") checkRemaining(change.remainingActions);
  if (settle) advance(tx, row);
  row.definition = packPlain(definition);
  if (change.note !== undefined) row.note = change.note;
  if (change.remainingActions !== undefined) row.remaining = change.remainingActions;
  row.updateTime = tx.now;
  resume(tx, row, definition.spec);
}

/** Sets the next match: what is left of matches that are being made up for is not lost. */
function resume(tx: Transaction, row: ScheduleRow, spec: Parameters<typeof setNext>[2]): void {
  const late = row.next !== null && row.next <= tx.now;
  setNext(tx, row, spec, late ? row.next! - 1 : tx.now);
}

function pause(tx: Transaction, row: ScheduleRow, paused: boolean, note: string | undefined): void {
  if (note !== undefined) checkNote(note);
  if (paused) advance(tx, row);
  const changes = paused !== (row.paused === 1);
  row.paused = paused ? 1 : 0;
  if (note !== undefined) row.note = note;
  tx.schedules.changed(row);
  if (changes) setNext(tx, row, definitionOf(row).spec, tx.now);
}

function trigger(
  tx: Transaction,
  row: ScheduleRow,
  overlap: OverlapPolicy | undefined,
): TriggerResult {
  checkOverlap("overlap", overlap);
  const definition = definitionOf(row);
  const start = { scheduledTime: Math.floor(tx.now), manual: true };
  const policy = overlap ?? definition.policies?.overlap ?? "skip";
  const before = row.lastAction;
  const { fate, run } = arrive(tx, row, definition, start, policy);
  if (run) return { fate, workflowId: run.workflowId, runId: run.runId, pid: run.pid };
  // What it replaces may have ended at once.
  endScheduled(tx);
  const made = fate === "buffered" && row.lastAction > before
    ? tx.store.schedules.action(row.schedule, row.lastAction)
    : undefined;
  const state = made && tx.runs.byId(made.runId);
  return state
    ? { fate: "started", workflowId: state.workflowId, runId: state.runId, pid: tx.pidOf(state) }
    : { fate };
}

function backfill(tx: Transaction, row: ScheduleRow, ranges: BackfillRange[]): BackfillResult {
  const definition = definitionOf(row);
  const starts: { scheduledTime: number; overlap: OverlapPolicy }[] = [];
  for (const [index, { from, to = tx.now, overlap }] of ranges.entries()) {
    const field = `ranges[${index}]`;
    checkOverlap(`${field}.overlap`, overlap);
    if (!Number.isFinite(from) || !Number.isFinite(to) || to < from) {
      throw invalidField(field, "from and to, a time that is not before it, expected");
    }
    if (to > tx.now) throw invalidField(`${field}.to`, "it lies in the future");
    const limit = maxBackfilled + 1 - starts.length;
    for (const scheduledTime of matchesBetween(definition.spec, from, to, limit)) {
      starts.push({
        scheduledTime,
        overlap: overlap ?? definition.policies?.overlap ?? "skip",
      });
    }
    if (starts.length > maxBackfilled) {
      throw invalidField(
        field,
        `more than ${maxBackfilled} matches; ask for shorter ranges, one after the other`,
      );
    }
  }
  const result: BackfillResult = { started: 0, buffered: 0, skipped: 0 };
  for (const { scheduledTime, overlap } of starts) {
    result[arrive(tx, row, definition, { scheduledTime, manual: true }, overlap).fate]++;
  }
  return result;
}

/**
 * Makes these the schedules that registry entries declare: what is new is created, what has changed is
 * updated, what is gone is deleted. Whether one is paused stays.
 */
export function declareSchedules(tx: Transaction, declared: readonly NewSchedule[]): void {
  for (const schedule of declared) checkDefinition(schedule);
  const wanted = new Set(declared.map(({ scheduleId }) => scheduleId));
  tx.schedules.flush();
  for (const scheduleId of tx.store.schedules.declared()) {
    const row = tx.schedules.byId(scheduleId);
    if (row && !wanted.has(scheduleId)) tx.schedules.delete(row);
  }
  for (const schedule of declared) {
    const row = tx.schedules.byId(schedule.scheduleId);
    if (!row) {
      create(tx, schedule);
      continue;
    }
    const { spec, action, policies = {}, declaredBy = null } = schedule;
    const packed = packPlain({ spec, action, policies });
    if (row.declaredBy === declaredBy && Buffer.compare(packed, row.definition) === 0) continue;
    row.declaredBy = declaredBy;
    // What the old definition names may be gone: what was missed meanwhile is the new one's.
    update(tx, row, { spec, action, policies }, false);
  }
}
