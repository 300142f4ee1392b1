import { temporal } from "../messages/messages.ts";
import { pack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import { workflowPid } from "../../../pid.ts";
import type {
  PendingActivityInfo,
  RunDetail,
  RunInfo,
  RunQuery,
  RunStatus,
} from "../../../provider.ts";
import type { TaskFailure } from "../../../tasks/tasks.ts";
import { fetchHistory, type RunName } from "../history/fetch.ts";
import { readAttributes } from "../history/attributes.ts";
import { HistoryReader, memoOf } from "../history/history.ts";
import { infoOf, keeperType, valuesOf } from "../names.ts";
import { instant, type TemporalEvent, whole } from "../proto.ts";
import type { ClientContext } from "./client.ts";

const {
  EventType: Type,
  WorkflowExecutionStatus: Status,
  PendingActivityState: Pending,
  WorkflowTaskFailedCause: Cause,
} = temporal.api.enums.v1;

const statuses: Readonly<Record<number, RunStatus>> = {
  [Status.WORKFLOW_EXECUTION_STATUS_RUNNING]: "running",
  [Status.WORKFLOW_EXECUTION_STATUS_COMPLETED]: "completed",
  [Status.WORKFLOW_EXECUTION_STATUS_FAILED]: "failed",
  [Status.WORKFLOW_EXECUTION_STATUS_CANCELED]: "canceled",
  [Status.WORKFLOW_EXECUTION_STATUS_TERMINATED]: "terminated",
  [Status.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW]: "continued_as_new",
  [Status.WORKFLOW_EXECUTION_STATUS_TIMED_OUT]: "timed_out",
};

const statusNames: Readonly<Record<RunStatus, string>> = {
  running: "Running",
  completed: "Completed",
  failed: "Failed",
  canceled: "Canceled",
  terminated: "Terminated",
  continued_as_new: "ContinuedAsNew",
  timed_out: "TimedOut",
};

const defaultLimit = 100;
const mostRuns = 1_000;

type Info = temporal.api.workflow.v1.IWorkflowExecutionInfo;
type Described = temporal.api.workflowservice.v1.IDescribeWorkflowExecutionResponse;

/** A run; the newest of the workflow id unless one is named. Undefined when there is none. */
export async function describeRun(
  context: ClientContext,
  workflowId: string,
  runId = "",
): Promise<RunInfo | undefined> {
  const described = await describe(context, workflowId, runId);
  return described && await runInfo(context, described);
}

/** A run with its pending activities and timers. */
export async function detailRun(
  context: ClientContext,
  name: RunName,
): Promise<RunDetail | undefined> {
  const described = await describe(context, name.workflowId, name.runId);
  if (!described) return undefined;
  const info = await runInfo(context, described);
  if (info.status !== "running") return { ...info, pendingActivities: [], pendingTimers: [] };
  const events = await fetchHistory(context.connection, name);
  const activities = (described.pendingActivities ?? []).map((pending) =>
    pendingActivity(context, pending, events)
  );
  const locals = pendingLocals(context, name.runId, events);
  const execution = described.workflowExecutionInfo;
  const heldUntil = instant(execution?.executionTime);
  const begun = events.some(({ eventType }) =>
    eventType === Type.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
  );
  return {
    ...info,
    pendingActivities: [...activities, ...locals],
    pendingTimers: pendingTimers(context, name.runId, events),
    ...!begun && heldUntil > info.startTime && { heldUntil },
  };
}

async function describe(
  { connection }: ClientContext,
  workflowId: string,
  runId: string,
): Promise<Described | undefined> {
  try {
    return await connection.rpc("describeWorkflowExecution", { execution: { workflowId, runId } });
  } catch (error) {
    if (WippyError.from(error).kind === "NotFound") return undefined;
    throw error;
  }
}

async function runInfo(context: ClientContext, described: Described): Promise<RunInfo> {
  const info = infoFrom(context, described.workflowExecutionInfo ?? {});
  const { connection } = context;
  const { workflowId, runId } = info;
  context.note(workflowId, runId);
  const first = await connection.rpc("getWorkflowExecutionHistory", {
    execution: { workflowId, runId },
    maximumPageSize: 1,
    skipArchival: true,
  });
  const started = first.history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const tries = described.pendingWorkflowTask?.attempt ?? 0;
  const blocked = tries > 1 ? await blockedBy(context, info) : undefined;
  return {
    ...info,
    attempt: started?.attempt || 1,
    hostId: infoOf(started?.header).host ?? info.hostId,
    cancelRequested: described.workflowExtendedInfo?.cancelRequested ?? false,
    ...blocked && { blocked },
  };
}

/** Why the task of a run fails again and again. */
async function blockedBy(
  { connection, conversion }: ClientContext,
  { workflowId, runId }: RunName,
): Promise<TaskFailure | undefined> {
  const { history } = await connection.rpc("getWorkflowExecutionHistoryReverse", {
    execution: { workflowId, runId },
    maximumPageSize: 20,
  });
  for (const event of history?.events ?? []) {
    const failed = event.workflowTaskFailedEventAttributes;
    if (event.eventType === Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) return undefined;
    if (!failed?.failure) continue;
    if (failed.cause !== Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR) continue;
    const { message, details } = conversion.ofFailure(failed.failure);
    return { cause: "nondeterminism", message, ...details as Partial<TaskFailure> };
  }
  return undefined;
}

function infoFrom(context: ClientContext, info: Info): RunInfo {
  const { conversion, node, hostOf } = context;
  const { workflowId = "", runId = "" } = info.execution ?? {};
  const hostId = hostOf(info.taskQueue ?? "");
  const memo = memoOf(conversion, info.memo?.fields);
  const search = readAttributes(info.searchAttributes?.indexedFields);
  const closeTime = instant(info.closeTime);
  const parent = info.parentExecution?.workflowId;
  return {
    workflowId: workflowId ?? "",
    runId: runId ?? "",
    firstRunId: info.firstRunId || runId || "",
    entry: conversion.types.entryOf(info.type?.name ?? ""),
    hostId,
    pid: workflowPid(node, hostId, workflowId ?? ""),
    status: statuses[info.status ?? 0] ?? "running",
    attempt: 1,
    startTime: instant(info.startTime),
    ...closeTime > 0 && { closeTime },
    historyLength: whole(info.historyLength),
    historySize: whole(info.historySizeBytes),
    ...parent && { parentWorkflowId: parent },
    cancelRequested: false,
    ...memo && { memo },
    ...search && { searchAttributes: search },
  };
}

function pendingActivity(
  { conversion }: ClientContext,
  pending: temporal.api.workflow.v1.IPendingActivityInfo,
  events: readonly TemporalEvent[],
): PendingActivityInfo {
  const activityId = pending.activityId ?? "";
  const scheduled = events.findLast(({ activityTaskScheduledEventAttributes: attributes }) =>
    attributes?.activityId === activityId
  )?.activityTaskScheduledEventAttributes;
  const info = infoOf(scheduled?.header);
  const running = pending.state === Pending.PENDING_ACTIVITY_STATE_STARTED ||
    pending.state === Pending.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED;
  const nextAttempt = instant(pending.nextAttemptScheduleTime ?? pending.scheduledTime);
  const retry = !running && (pending.attempt ?? 1) > 1;
  const heartbeat = valuesOf(conversion, pending.heartbeatDetails);
  return {
    seq: info.seq ?? 0,
    activityId,
    entry: pending.activityType?.name ?? "",
    operation: info.operation === true,
    state: running ? "running" : retry ? "retry" : "slot",
    // Until the next attempt has begun, the previous one is the last.
    attempt: retry ? (pending.attempt ?? 2) - 1 : pending.attempt || 1,
    scheduledTime: instant(pending.scheduledTime),
    ...retry && { nextAttempt },
    ...pending.lastFailure && { lastFailure: conversion.ofFailure(pending.lastFailure) },
    ...heartbeat.length > 0 && { heartbeat: pack(heartbeat) },
  };
}

function pendingTimers(
  context: ClientContext,
  runId: string,
  events: readonly TemporalEvent[],
): { seq: number; due: number }[] {
  const timers = new Map<number, { seq: number; due: number }>();
  for (const { type, data } of new HistoryReader(runId, context).read(events)) {
    if (type === "TimerStarted") timers.set(data.seq, data);
    else if (type === "TimerFired" || type === "TimerCanceled") timers.delete(data.seq);
  }
  return [...timers.values()];
}

function pendingLocals(
  context: ClientContext,
  runId: string,
  events: readonly TemporalEvent[],
): PendingActivityInfo[] {
  const found = new Map<number, PendingActivityInfo>();
  for (const { type, time, data } of new HistoryReader(runId, context).read(events)) {
    if (type === "LocalActivityScheduled") {
      found.set(data.seq, { ...data, operation: false, state: "local", scheduledTime: time });
    } else if (type === "LocalActivityRecorded") found.delete(data.seq);
  }
  return [...found.values()];
}

/** A page of runs, in the order of the server: open ones first, each by the time of its start or end. */
export async function listRuns(
  context: ClientContext,
  query: RunQuery,
): Promise<{ runs: RunInfo[]; cursor?: string }> {
  const limit = Math.max(1, Math.min(mostRuns, query.limit ?? defaultLimit));
  const page = await context.connection.rpc("listWorkflowExecutions", {
    pageSize: limit,
    query: visibilityQuery(query, (entry) => context.conversion.types.typeOf(entry)),
    ...query.cursor !== undefined && { nextPageToken: readCursor(query.cursor) },
  });
  const runs = page.executions.map((info) => infoFrom(context, info));
  for (const { workflowId, runId } of runs) context.note(workflowId, runId);
  const { nextPageToken } = page;
  return {
    runs,
    ...nextPageToken.length > 0 && { cursor: Buffer.from(nextPageToken).toString("base64url") },
  };
}

function readCursor(cursor: string): Uint8Array {
  const bytes = Buffer.from(cursor, "base64url");
  if (bytes.length > 0 && bytes.toString("base64url") === cursor) return bytes;
  throw new WippyError(
    "Invalid",
    `"${cursor}" is no cursor of this list; give back the one of the page before`,
    { retryable: false },
  );
}

/** Text in the language of Temporal's visibility. */
export function visibilityText(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * A query in the language of Temporal's visibility.
 *
 * @param typeOf the type of a workflow, by the id of its entry
 */
export function visibilityQuery(query: RunQuery, typeOf: (entry: string) => string): string {
  const text = visibilityText;
  const time = (value: number) => text(new Date(value).toISOString());
  const parts = [`WorkflowType != ${text(keeperType)}`];
  const add = <Value>(value: Value | undefined, part: (value: Value) => string) => {
    if (value !== undefined) parts.push(part(value));
  };
  add(query.status, (value) => `ExecutionStatus = ${text(statusNames[value])}`);
  add(query.workflowId, (value) => `WorkflowId = ${text(value)}`);
  add(query.workflowIdPrefix, (value) => `WorkflowId STARTS_WITH ${text(value)}`);
  add(query.entry, (value) => `WorkflowType = ${text(typeOf(value))}`);
  add(query.startedFrom, (value) => `StartTime >= ${time(value)}`);
  add(query.startedBefore, (value) => `StartTime < ${time(value)}`);
  add(query.closedFrom, (value) => `CloseTime >= ${time(value)}`);
  add(query.closedBefore, (value) => `CloseTime < ${time(value)}`);
  for (const [name, value] of Object.entries(query.attributes ?? {})) {
    const wanted = typeof value === "string" ? text(value) : String(value);
    parts.push(`\`${name}\` = ${wanted}`);
  }
  return parts.join(" AND ");
}

/** The name of a run of which only the id is known. */
export async function findRun(
  { connection }: ClientContext,
  runId: string,
): Promise<RunName | undefined> {
  if (!/^[\w-]+$/.test(runId)) return undefined;
  const { executions } = await connection.rpc("listWorkflowExecutions", {
    pageSize: 1,
    query: `RunId = "${runId}"`,
  });
  const workflowId = executions[0]?.execution?.workflowId;
  return workflowId ? { workflowId, runId } : undefined;
}
