/**
 * Schedules as Temporal's messages have them.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import { packPlain, unpackPlain } from "../../../history/history.ts";
import type {
  NewSchedule,
  OverlapPolicy,
  ScheduledAction,
  ScheduleDefinition,
  ScheduleInfo,
  SchedulePolicies,
  ScheduleSpec,
  ScheduleSummary,
} from "../../../schedules/schedules.ts";
import { defaultCatchupWindow } from "../../../schedules/schedules.ts";
import { nextMatch } from "../../../schedules/spec.ts";
import { runOptions } from "../commands/policies.ts";
import { memoFields, texts } from "../commands/fields.ts";
import type { ClientContext } from "../client/client.ts";
import { writeAttributes } from "../history/attributes.ts";
import { headerOf, plain, unpackedPayloads } from "../names.ts";
import { duration, instant, long, timestamp, whole } from "../proto.ts";

const { ScheduleOverlapPolicy: Overlap } = temporal.api.enums.v1;

/**
 * Field of the header of a schedule's action that holds it as its author wrote it. Not of the memo, which the server
 * does not let change; that only says whose schedule it is.
 */
const definitionField = "wippy-schedule";
/** Next matches that are told. */
const shownTimes = 10;

const encoder = new TextEncoder();

export const overlaps: Readonly<Record<OverlapPolicy, number>> = {
  skip: Overlap.SCHEDULE_OVERLAP_POLICY_SKIP,
  buffer_one: Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
  buffer_all: Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
  cancel_other: Overlap.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
  terminate_other: Overlap.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER,
  allow_all: Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
};

/** A schedule as its author wrote it: the server keeps its expressions in a form of its own. */
export interface StoredDefinition extends ScheduleDefinition {
  declaredBy?: string;
}

/** The memo of a schedule of ours. */
export function ownMemo(): temporal.api.common.v1.IMemo {
  return { fields: { wippy: plain({ schedule: true }) } };
}

/** Whether a schedule is ours. */
export function isOwn(memo: temporal.api.common.v1.IMemo | null | undefined): boolean {
  return memo?.fields?.["wippy"] !== undefined;
}

/** The definition in the action of a schedule; undefined for one that another program made. */
export function definitionIn(
  schedule: temporal.api.schedule.v1.ISchedule | null | undefined,
): StoredDefinition | undefined {
  const data = schedule?.action?.startWorkflow?.header?.fields?.[definitionField]?.data;
  return data ? unpackPlain<StoredDefinition>(data) : undefined;
}

export function specMessage(spec: ScheduleSpec): temporal.api.schedule.v1.IScheduleSpec {
  return {
    cronString: spec.cron ?? [],
    interval: (spec.intervals ?? []).map(({ every, offset = 0 }) => ({
      interval: duration(every),
      phase: duration(offset),
    })),
    ...spec.timeZone !== undefined && { timezoneName: spec.timeZone },
    ...spec.startAt !== undefined && { startTime: timestamp(spec.startAt) },
    ...spec.endAt !== undefined && { endTime: timestamp(spec.endAt) },
    ...spec.jitter !== undefined && { jitter: duration(spec.jitter) },
  };
}

export function policiesMessage(
  { overlap = "skip", catchupWindow = defaultCatchupWindow, pauseOnFailure = false }:
    SchedulePolicies,
): temporal.api.schedule.v1.ISchedulePolicies {
  return {
    overlapPolicy: overlaps[overlap],
    catchupWindow: duration(catchupWindow),
    pauseOnFailure,
  };
}

export function actionMessage(
  { conversion, queueOf }: ClientContext,
  definition: StoredDefinition,
): temporal.api.schedule.v1.IScheduleAction {
  const { action } = definition;
  const { entry, hostId, workflowId, args, frame, memo, searchAttributes, options = {} } = action;
  const header = headerOf(conversion, { host: hostId }, frame);
  const metadata = { encoding: encoder.encode("binary/plain") };
  header.fields![definitionField] = { metadata, data: packPlain(definition) };
  return {
    startWorkflow: {
      workflowId,
      workflowType: { name: conversion.types.typeOf(entry) },
      taskQueue: { name: queueOf(hostId) },
      input: unpackedPayloads(conversion, args),
      header,
      ...runOptions(options),
      ...memo && { memo: { fields: memoFields(conversion, memo) } },
      ...searchAttributes &&
        { searchAttributes: { indexedFields: writeAttributes(searchAttributes) } },
      ...texts(conversion, options),
    },
  };
}

/** The whole of a new schedule. */
export function scheduleMessage(
  context: ClientContext,
  schedule: NewSchedule,
): temporal.api.schedule.v1.ISchedule {
  const { spec, action, policies = {}, paused = false, note = "", remainingActions } = schedule;
  const { declaredBy } = schedule;
  const definition = { spec, action, policies, ...declaredBy !== undefined && { declaredBy } };
  return {
    spec: specMessage(spec),
    action: actionMessage(context, definition),
    policies: policiesMessage(policies),
    state: stateMessage(paused, note, remainingActions),
  };
}

export function stateMessage(
  paused: boolean,
  notes: string,
  remaining: number | undefined,
): temporal.api.schedule.v1.IScheduleState {
  return {
    paused,
    notes,
    limitedActions: remaining !== undefined,
    remainingActions: long(remaining ?? 0),
  };
}

function actions(
  results: readonly temporal.api.schedule.v1.IScheduleActionResult[] | null | undefined,
): ScheduledAction[] {
  return (results ?? []).map(({ scheduleTime, actualTime, startWorkflowResult }) => ({
    scheduledTime: instant(scheduleTime),
    startTime: instant(actualTime),
    workflowId: startWorkflowResult?.workflowId ?? "",
    runId: startWorkflowResult?.runId ?? "",
  }));
}

/** The next matches that are acted on. */
function nextTimes(
  spec: ScheduleSpec,
  known: readonly Parameters<typeof instant>[0][] | null | undefined,
  { paused, most }: { paused: boolean; most: number },
): number[] {
  const times = (known ?? []).map(instant);
  while (times.length > 0 && times.length < shownTimes) {
    const following = nextMatch(spec, times.at(-1)!);
    if (following === undefined) break;
    times.push(following);
  }
  return paused ? [] : times.slice(0, Math.min(most, shownTimes));
}

/** What the server says of a schedule. */
export function infoOf(
  scheduleId: string,
  { schedule, info }: temporal.api.workflowservice.v1.IDescribeScheduleResponse,
): ScheduleInfo | undefined {
  const definition = definitionIn(schedule);
  if (!definition) return undefined;
  const { spec, action, policies = {}, declaredBy } = definition;
  const { paused = false, notes = "", limitedActions, remainingActions } = schedule?.state ?? {};
  const remaining = limitedActions ? whole(remainingActions) : undefined;
  const recent = actions(info?.recentActions);
  const running = (info?.runningWorkflows ?? []).map(({ workflowId, runId }): ScheduledAction => {
    const known = recent.find((action) => action.workflowId === workflowId);
    return known ?? {
      scheduledTime: 0,
      startTime: 0,
      workflowId: workflowId ?? "",
      runId: runId ?? "",
    };
  });
  const times = nextTimes(spec, info?.futureActionTimes, {
    paused: paused === true,
    most: remaining ?? shownTimes,
  });
  return {
    scheduleId,
    hostId: action.hostId,
    entry: action.entry,
    spec,
    action,
    paused: paused === true,
    note: notes ?? "",
    policies: {
      overlap: policies.overlap ?? "skip",
      catchupWindow: policies.catchupWindow ?? defaultCatchupWindow,
      pauseOnFailure: policies.pauseOnFailure ?? false,
    },
    ...remaining !== undefined && { remainingActions: remaining },
    ...times[0] !== undefined && { nextTime: times[0] },
    ...declaredBy !== undefined && { declaredBy },
    createTime: instant(info?.createTime),
    updateTime: instant(info?.updateTime) || instant(info?.createTime),
    nextTimes: times,
    recent,
    running,
    runningCount: running.length,
    buffered: whole(info?.bufferSize),
    counts: {
      actions: whole(info?.actionCount),
      missedCatchup: whole(info?.missedCatchupWindow),
      overlapSkipped: whole(info?.overlapSkipped),
      bufferDropped: whole(info?.bufferDropped),
    },
  };
}

/** What a list says of a schedule. */
export function summaryOf(info: ScheduleInfo): ScheduleSummary {
  const { scheduleId, hostId, entry, spec, paused, note, nextTime, declaredBy } = info;
  return {
    scheduleId,
    hostId,
    entry,
    spec,
    paused,
    note,
    ...nextTime !== undefined && { nextTime },
    ...declaredBy !== undefined && { declaredBy },
  };
}
