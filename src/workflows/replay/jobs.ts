import { unpack } from "../../vm/codec.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Job } from "../engine/activation.ts";
import type { EventData, HistoryEvent, LocalActivityResult } from "../history/history.ts";
import type { Payload } from "../payload.ts";

/** The job by which the engine learns of an inbound event; undefined for events that are none. */
export function jobOf(event: HistoryEvent): Job | undefined {
  switch (event.type) {
    case "ExecutionStarted":
      return initialize(event.data, event.time);
    case "TimerFired":
      return { type: "fire_timer", seq: event.data.seq };
    case "ActivityCompleted":
      return { type: "complete_activity", seq: event.data.seq, value: event.data.value };
    case "ActivityFailed":
    case "ActivityTimedOut":
    case "ActivityCanceled": {
      const status = event.type === "ActivityCanceled" ? "canceled" : "failed";
      const { seq, failure } = event.data;
      return { type: "resolve_activity", seq, result: { status, failure } };
    }
    case "LocalActivityRecorded":
      return resolveLocal(event.data);
    case "ExecutionSignaled": {
      const { name, payloads, sender } = event.data;
      return { type: "signal_workflow", name, payloads, sender };
    }
    case "ExecutionCancelRequested":
      return { type: "cancel_workflow", ...event.data };
    case "UpdateDelivered": {
      const { updateId, name, args } = event.data;
      return { type: "do_update", updateId, name, args: unpack(args) as LuaValue[] };
    }
    case "ChildStarted":
      return { type: "resolve_child_start", seq: event.data.seq, pid: event.data.pid };
    case "ChildStartFailed":
      return { type: "resolve_child_start", ...event.data };
    case "ChildCompleted":
      return {
        type: "resolve_child",
        seq: event.data.seq,
        result: { status: "completed", value: unpack(event.data.value) },
      };
    case "ChildFailed":
    case "ChildTimedOut":
    case "ChildCanceled":
    case "ChildTerminated": {
      const status = event.type === "ChildCanceled" ? "canceled" : "failed";
      const { seq, failure } = event.data;
      return { type: "resolve_child", seq, result: { status, failure } };
    }
    case "ExternalSignaled":
    case "ExternalSignalFailed":
      return { type: "resolve_signal_external", ...event.data };
    case "ExternalCancelRequested":
    case "ExternalCancelFailed":
      return { type: "resolve_cancel_external", ...event.data };
    default:
      return undefined;
  }
}

/**
 * The job by which a replaying engine learns what a record of its task holds; undefined for other
 * events.
 */
export function recordOf(event: HistoryEvent): Job | undefined {
  if (event.type === "SideEffectRecorded") {
    const { seq, value, failure } = event.data;
    return { type: "recorded", seq, ...failure ? { failure } : { value: value && unpack(value) } };
  }
  if (event.type === "MessagePublished") {
    const { seq, failure } = event.data;
    return failure && { type: "publish_refused", seq, failure };
  }
  if (event.type === "VersionRecorded") {
    const { changeId, version } = event.data;
    return { type: "notify_patch", changeId, version, eventId: event.id };
  }
  if (event.type === "UpdateAccepted" || event.type === "UpdateRejected") {
    return { type: "update_verdict", ...event.data };
  }
  return undefined;
}

function resolveLocal(data: LocalActivityResult): Job {
  const { seq, attempt, value, failure, canceled, backoff } = data;
  const resolved = { type: "resolve_activity", seq, isLocal: true } as const;
  if (!failure) {
    return { ...resolved, result: { status: "completed", value: value && unpack(value) } };
  }
  if (backoff !== undefined) {
    return { ...resolved, result: { status: "backoff", attempt: attempt + 1, duration: backoff } };
  }
  return { ...resolved, result: { status: canceled ? "canceled" : "failed", failure } };
}

function initialize(data: EventData["ExecutionStarted"], time: number): Job {
  const { workflowId, entry, hostId, pid, randomSeed, attempt, parent, continuedFrom, publishes } =
    data;
  return {
    type: "initialize_workflow",
    workflowId,
    entry,
    hostId,
    pid,
    args: unpack(data.args) as LuaValue[],
    randomSeed,
    frame: data.frame ? unpack(data.frame) : {},
    attempt,
    startTime: time,
    memo: table(data.memo),
    searchAttributes: table(data.searchAttributes),
    ...parent ? { parent } : {},
    ...continuedFrom ? { continuedFrom } : {},
    ...publishes && { publishes },
  };
}

function table(payload: Payload | undefined): Record<string, LuaValue> {
  return payload ? unpack(payload) as Record<string, LuaValue> : {};
}
