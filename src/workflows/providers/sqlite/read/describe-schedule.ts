import { WippyError } from "../../../../vm/error.ts";
import { nextMatch } from "../../../schedules/spec.ts";
import {
  defaultCatchupWindow,
  type ScheduledAction,
  type ScheduleInfo,
  type ScheduleQuery,
  type ScheduleSummary,
} from "../../../schedules/schedules.ts";
import { definitionOf } from "../transaction/schedule-rows.ts";
import type { ScheduleActionRow, ScheduleRow } from "../store/schedule-store.ts";
import { keptActions } from "../schedules/actions.ts";
import type { Store } from "../store/store.ts";

/** What reading schedules needs of a journal. */
type ReadContext = { store: Pick<Store, "schedules"> };

const defaultLimit = 100;
const maxLimit = 1_000;
/** Next matches that are told. */
const shownTimes = 10;
/** Open runs that are told. */
const shownRunning = 100;

export function scheduleNotFound(scheduleId: string): WippyError {
  return new WippyError("NotFound", `there is no schedule ${scheduleId}`, {
    retryable: false,
    details: { schedule_id: scheduleId },
  });
}

/** @throws NotFound */
export function describeSchedule({ store }: ReadContext, scheduleId: string): ScheduleInfo {
  const { schedules } = store;
  const row = schedules.byId(scheduleId);
  if (!row) throw scheduleNotFound(scheduleId);
  const definition = definitionOf(row);
  const { overlap, catchupWindow, pauseOnFailure } = definition.policies ?? {};
  return {
    ...summaryOf(row),
    spec: definition.spec,
    action: definition.action,
    policies: {
      overlap: overlap ?? "skip",
      catchupWindow: catchupWindow ?? defaultCatchupWindow,
      pauseOnFailure: pauseOnFailure ?? false,
    },
    ...row.remaining === null ? {} : { remainingActions: row.remaining },
    createTime: row.createTime,
    updateTime: row.updateTime,
    nextTimes: nextTimes(row),
    recent: schedules.lastActions(row.schedule, keptActions).reverse().map(actionOf),
    running: schedules.openActions(row.schedule, shownRunning).map(actionOf),
    runningCount: schedules.countOpen(row.schedule),
    buffered: schedules.countBuffered(row.schedule),
    counts: {
      actions: row.actions,
      missedCatchup: row.missedCatchup,
      overlapSkipped: row.overlapSkipped,
      bufferDropped: row.bufferDropped,
    },
  };
}

/** A page of schedules, in the order of their ids. */
export function listSchedules(
  { store }: ReadContext,
  query: ScheduleQuery,
): { schedules: ScheduleSummary[]; cursor?: string } {
  const limit = Math.max(1, Math.min(maxLimit, query.limit ?? defaultLimit));
  const rows = store.schedules.list(query, limit);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return {
    schedules: rows.map(summaryOf),
    ...last ? { cursor: last.scheduleId } : {},
  };
}

function summaryOf(row: ScheduleRow): ScheduleSummary {
  const { spec, action } = definitionOf(row);
  return {
    scheduleId: row.scheduleId,
    hostId: action.hostId,
    entry: action.entry,
    spec,
    paused: row.paused === 1,
    note: row.note,
    ...row.next === null ? {} : { nextTime: row.next },
    ...row.declaredBy === null ? {} : { declaredBy: row.declaredBy },
  };
}

function nextTimes(row: ScheduleRow): number[] {
  const { spec } = definitionOf(row);
  const most = Math.min(shownTimes, row.remaining ?? shownTimes);
  const times: number[] = [];
  let time = row.next ?? undefined;
  while (time !== undefined && times.length < most) {
    times.push(time);
    time = nextMatch(spec, time);
  }
  return times;
}

function actionOf(row: ScheduleActionRow): ScheduledAction {
  const { scheduledTime, startTime, workflowId, runId } = row;
  return { scheduledTime, startTime, workflowId, runId };
}
