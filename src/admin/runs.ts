/**
 * Runs of workflows as the API shows them, and how a caller names one.
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { HistoryEvent } from "../workflows/history/history.ts";
import { unpack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { EventRange, RunDetail, RunInfo, RunQuery } from "../workflows/provider.ts";
import { showEvent } from "./history.ts";
import { plain } from "./plain.ts";
import { runStatuses } from "./run-status.ts";

/** Where runs are read: the hosts of a runtime, or a journal that no runtime owns. */
export interface RunSource {
  readonly hosts: string[];
  owns(pid: string): boolean;
  list(host: string, query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }>;
  /** The newest run of a PID's workflow id. */
  describe(pid: string): Promise<RunInfo | undefined>;
  /** @throws WippyError NotFound */
  run(host: string, runId: string): Promise<RunDetail>;
  /** A history, or a part of it. @throws WippyError NotFound */
  history(host: string, runId: string, range?: EventRange): Promise<HistoryEvent[]>;
}

export const runStatus = z.enum(runStatuses);

const fields = z.record(z.string(), z.unknown());

export const runSchema = z.object({
  workflow_id: z.string(),
  run_id: z.string(),
  first_run_id: z.string(),
  pid: z.string(),
  host: z.string(),
  entry: z.string(),
  status: runStatus,
  attempt: z.number(),
  started: z.number().openapi({ description: "Milliseconds since 1970" }),
  closed: z.number().optional(),
  history_length: z.number(),
  history_size: z.number().openapi({ description: "Bytes" }),
  parent_workflow_id: z.string().optional(),
  cancel_requested: z.boolean(),
  memo: fields.optional(),
  search_attributes: fields.optional(),
  blocked: z.object({
    cause: z.string(),
    message: z.string(),
    expected: z.object({ eventId: z.number(), event: z.string() }).optional(),
    actual: z.object({ command: z.string(), at: z.string() }).optional(),
  }).optional().openapi({ description: "Set if the run waits for corrected code" }),
}).openapi("Run");

const pendingActivity = z.object({
  seq: z.number(),
  activity_id: z.string(),
  entry: z.string(),
  operation: z.boolean().openapi({ description: "A host operation, not a function" }),
  state: z.enum(["running", "retry", "slot", "local"]),
  attempt: z.number(),
  scheduled: z.number(),
  next_attempt: z.number().optional(),
  last_failure: z.unknown().optional(),
  heartbeat: z.unknown().optional(),
}).openapi("PendingActivity");

export const runDetailSchema = runSchema.extend({
  input: z.unknown().openapi({ description: "Its arguments" }),
  result: z.unknown().optional().openapi({ description: "When completed; null is nil" }),
  failure: z.unknown().optional().openapi({ description: "When it closed with an error" }),
  pending_activities: z.array(pendingActivity),
  pending_timers: z.array(z.object({ seq: z.number(), due: z.number() })),
  held_until: z.number().optional(),
  page: z.string().optional().openapi({ description: "URL of the run in the Temporal Web UI" }),
}).openapi("RunDetail");

type Shown = z.infer<typeof runSchema>;

function table(packed: Uint8Array): Record<string, unknown> {
  const value = plain(unpack(packed));
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

/** A run for people and programs. */
export function showRun(info: RunInfo): Shown {
  return {
    workflow_id: info.workflowId,
    run_id: info.runId,
    first_run_id: info.firstRunId,
    pid: info.pid,
    host: info.hostId,
    entry: info.entry,
    status: info.status,
    attempt: info.attempt,
    started: info.startTime,
    history_length: info.historyLength,
    history_size: info.historySize,
    cancel_requested: info.cancelRequested,
    ...(info.closeTime !== undefined && { closed: info.closeTime }),
    ...(info.parentWorkflowId !== undefined && { parent_workflow_id: info.parentWorkflowId }),
    ...(info.memo && { memo: table(info.memo) }),
    ...(info.searchAttributes && { search_attributes: table(info.searchAttributes) }),
    ...(info.blocked && { blocked: info.blocked }),
  };
}

/** What a run was given, and what it closed with. */
export type Ends = Pick<z.infer<typeof runDetailSchema>, "input" | "result" | "failure">;

/** Reads the two ends of a run's history: its length does not matter. */
export async function endsOf(workflows: RunSource, run: RunInfo): Promise<Ends> {
  const read = async (id: number) =>
    (await workflows.history(run.hostId, run.runId, { from: id, to: id })).map(showEvent)[0]?.data;
  const first = await read(1);
  const input = first?.["args"] ?? [];
  if (run.status === "running") return { input };
  const last = await read(run.historyLength);
  if (run.status === "completed") return { input, result: last?.["value"] ?? null };
  const failure = last?.["failure"];
  return { input, ...(failure !== undefined && { failure }) };
}

/** A run with what it waits for. */
export function showDetail(detail: RunDetail, ends: Ends): z.infer<typeof runDetailSchema> {
  return {
    ...showRun(detail),
    ...ends,
    pending_activities: detail.pendingActivities.map((activity) => ({
      seq: activity.seq,
      activity_id: activity.activityId,
      entry: activity.entry,
      operation: activity.operation,
      state: activity.state,
      attempt: activity.attempt,
      scheduled: activity.scheduledTime,
      ...(activity.nextAttempt !== undefined && { next_attempt: activity.nextAttempt }),
      ...(activity.lastFailure && { last_failure: plain(activity.lastFailure) }),
      ...(activity.heartbeat && { heartbeat: plain(unpack(activity.heartbeat)) }),
    })),
    pending_timers: detail.pendingTimers,
    ...(detail.heldUntil !== undefined && { held_until: detail.heldUntil }),
    ...(detail.page !== undefined && { page: detail.page }),
  };
}

/**
 * The newest run that a caller means: by PID, or by workflow id, which is looked for on every host.
 *
 * @throws WippyError NotFound; Conflict when several hosts have the id
 */
export async function findRun(workflows: RunSource, named: string): Promise<RunInfo> {
  const pids = named.startsWith("{")
    ? [named].filter((pid) => workflows.owns(pid))
    : workflows.hosts.map((host) => `{${host}|${named}}`);
  const asked = await Promise.all(pids.map((pid) => workflows.describe(pid)));
  const found = asked.filter((run, index) =>
    run !== undefined && asked.findIndex((other) => other?.runId === run.runId) === index
  ) as RunInfo[];
  const [run, ...others] = found;
  if (run === undefined) {
    throw new WippyError("NotFound", `no workflow ${named}`, { retryable: false });
  }
  if (others.length === 0) return run;
  throw new WippyError(
    "Conflict",
    `several hosts have the workflow ${named}; name it by its PID: ${
      found.map(({ pid }) => pid).join(", ")
    }`,
    { retryable: false },
  );
}

/** A run of a workflow: the newest, or the one named. @throws WippyError NotFound, Conflict as `findRun` */
export async function chooseRun(
  workflows: RunSource,
  named: string,
  runId: string | undefined,
): Promise<RunInfo> {
  const run = await findRun(workflows, named);
  if (runId === undefined || runId === run.runId) return run;
  const other = await workflows.run(run.hostId, runId);
  if (other.workflowId === run.workflowId) return other;
  throw new WippyError("NotFound", `no run ${runId} of the workflow ${run.workflowId}`, {
    retryable: false,
  });
}
