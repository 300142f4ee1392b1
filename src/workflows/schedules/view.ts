/**
 * Schedules as Lua code, the API and the command line see them: with the names of `schedule-table.ts`, so that what is
 * shown can be given back.
 * @module
 */
import { unpack } from "../../vm/codec.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { RetryPolicy, RunOptions } from "../options/options.ts";
import { localNode, workflowPid } from "../pid.ts";
import type {
  BackfillResult,
  ScheduleAction,
  ScheduledAction,
  ScheduleInfo,
  SchedulePolicies,
  ScheduleSpec,
  ScheduleSummary,
  TriggerResult,
} from "./schedules.ts";

type Table = Record<string, LuaValue>;

/** Fields with their names of Lua, without those that are not given. */
function named(fields: object, names: Readonly<Record<string, string>>): Table {
  return Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => value !== undefined && key in names)
      .map(([key, value]) => [names[key]!, value as LuaValue]),
  );
}

const specNames = {
  cron: "cron",
  timeZone: "time_zone",
  intervals: "intervals",
  startAt: "start_at",
  endAt: "end_at",
  jitter: "jitter",
} satisfies Record<keyof ScheduleSpec, string>;

const policyNames = {
  overlap: "overlap",
  catchupWindow: "catchup_window",
  pauseOnFailure: "pause_on_failure",
} satisfies Record<keyof SchedulePolicies, string>;

const optionNames = {
  executionTimeout: "workflow.execution_timeout",
  runTimeout: "workflow.run_timeout",
  taskTimeout: "workflow.task_timeout",
  summary: "workflow.summary",
  details: "workflow.details",
} satisfies { [Key in keyof RunOptions]?: string };

const retryNames = {
  initialInterval: "initial_interval",
  backoffCoefficient: "backoff_coefficient",
  maximumInterval: "maximum_interval",
  maximumAttempts: "maximum_attempts",
  nonRetryableKinds: "non_retryable_error_types",
} satisfies Record<keyof RetryPolicy, string>;

function optionsOf({ options = {}, memo, searchAttributes }: ScheduleAction): Table {
  const { retryPolicy } = options;
  return {
    ...named(options, optionNames),
    ...retryPolicy && { "workflow.retry_policy": named(retryPolicy, retryNames) },
    ...memo && { "workflow.memo": unpack(memo) },
    ...searchAttributes && { "workflow.search_attributes": unpack(searchAttributes) },
  };
}

function startOf(host: string) {
  return ({ scheduledTime, startTime, workflowId, runId }: ScheduledAction): Table => ({
    scheduled: scheduledTime,
    started: startTime,
    workflow_id: workflowId,
    run_id: runId,
    pid: workflowPid(localNode, host, workflowId),
  });
}

/** A schedule in a list. Times in milliseconds since 1970. */
export function showSummary(summary: ScheduleSummary): Table {
  const { scheduleId, hostId, entry, spec, paused, note, nextTime, declaredBy } = summary;
  return {
    id: scheduleId,
    host: hostId,
    workflow: entry,
    spec: named(spec, specNames),
    paused,
    note,
    ...nextTime !== undefined && { next: nextTime },
    ...declaredBy !== undefined && { declared_by: declaredBy },
  };
}

/** Everything of a schedule. Times in milliseconds since 1970, durations in milliseconds. */
export function showSchedule(info: ScheduleInfo): Table {
  const { action, counts } = info;
  const start = startOf(info.hostId);
  return {
    ...showSummary(info),
    action: {
      workflow: action.entry,
      host: action.hostId,
      workflow_id: action.workflowId,
      args: unpack(action.args),
      options: optionsOf(action),
    },
    policies: named(info.policies, policyNames),
    ...info.remainingActions !== undefined && { remaining_actions: info.remainingActions },
    created: info.createTime,
    updated: info.updateTime,
    next_times: info.nextTimes,
    recent: info.recent.map(start),
    running: info.running.map(start),
    running_count: info.runningCount,
    buffered: info.buffered,
    counts: {
      actions: counts.actions,
      missed_catchup_window: counts.missedCatchup,
      overlap_skipped: counts.overlapSkipped,
      buffer_dropped: counts.bufferDropped,
    },
  };
}

export function showTrigger({ fate, workflowId, runId, pid }: TriggerResult): Table {
  return {
    status: fate,
    ...workflowId !== undefined && { workflow_id: workflowId },
    ...runId !== undefined && { run_id: runId },
    ...pid !== undefined && { pid },
  };
}

export function showBackfill({ started, buffered, skipped }: BackfillResult): Table {
  return { started, buffered, skipped };
}
