/**
 * Errors as Temporal's failures. An error of ours is an application failure: its type is the kind, and its details hold
 * the whole error, so that another runtime of ours restores it; workers in other languages have the type, the message
 * and the flag that it is not to be retried.
 * @module
 */
import type { temporal } from "../messages/messages.ts";
import { asLua, type LuaValue } from "../../../../vm/value.ts";
import type { Failure } from "../../../engine/outcome.ts";
import { canceledFailure, timeoutFailure, withDetails } from "../../../history/retry.ts";

export type TemporalFailure = temporal.api.failure.v1.IFailure;
type Payload = temporal.api.common.v1.IPayload;

/** Names this runtime in failures. */
const source = "wippy";

/** Types of application failures that are kinds of ours. */
const kinds = new Set([
  "NotFound",
  "AlreadyExists",
  "Invalid",
  "PermissionDenied",
  "Unavailable",
  "Internal",
  "Canceled",
  "Conflict",
  "Timeout",
  "RateLimited",
]);

/** Types under which other SDKs report what no worker has, and a namespace that is not there. */
const notFoundTypes = new Set([
  "NotFoundError",
  "ActivityNotRegisteredError",
  "WorkflowNotRegisteredError",
  "NamespaceNotFound",
  "NamespaceNotFoundError",
]);

/** Numbers of Temporal's enum `RetryState`. */
const retryStates: Readonly<Record<number, string>> = {
  1: "in_progress",
  2: "non_retryable_failure",
  3: "timeout",
  4: "maximum_attempts_reached",
  5: "retry_policy_not_set",
  6: "internal_server_error",
  7: "cancel_requested",
};

/** Numbers of Temporal's enum `TimeoutType`. */
const timeoutTypes = [
  "unknown",
  "start_to_close",
  "schedule_to_start",
  "schedule_to_close",
  "heartbeat",
];

/** What the details of an application failure of ours hold, outermost first. */
interface ChainLink {
  msg: string;
  kind?: string;
  retry?: boolean;
  details?: LuaValue;
  stack?: string;
  at?: string;
}

/** @param hidden message and stack are only in a payload, which is encrypted */
export function writeFailure(
  failure: Failure,
  payload: (value: LuaValue) => Payload,
  hidden: boolean,
): TemporalFailure {
  const { kind, message, retryable, details, luaStack = "", position } = failure;
  const link: ChainLink = {
    msg: message,
    ...kind !== "" && { kind },
    ...retryable !== undefined && { retry: retryable },
    ...details !== undefined && { details: details as LuaValue },
    ...luaStack !== "" && { stack: luaStack },
    ...position !== undefined && { at: position },
  };
  return {
    source,
    ...hidden
      ? {
        message: "Encoded failure",
        encodedAttributes: payload({ message, stack_trace: luaStack }),
      }
      : { message, stackTrace: luaStack },
    applicationFailureInfo: {
      type: kind || "Internal",
      nonRetryable: retryable === false,
      details: { payloads: [payload([asLua<ChainLink>(link)])] },
    },
  };
}

export function readFailure(
  given: TemporalFailure,
  value: (payload: Payload) => LuaValue,
): Failure {
  const failure = shown(given, value);
  const { message, cause, stackTrace } = failure;
  const read = (inner: TemporalFailure) => readFailure(inner, value);
  if (failure.applicationFailureInfo) return readApplication(failure, value);
  if (failure.canceledFailureInfo) return canceledFailure();
  if (failure.terminatedFailureInfo) return canceledFailure("workflow terminated");
  if (failure.timeoutFailureInfo) {
    const type = timeoutTypes[failure.timeoutFailureInfo.timeoutType ?? 0] ?? "unknown";
    return timeoutFailure(message || `timed out (${type})`, type);
  }
  if (failure.activityFailureInfo) {
    const { activityId, retryState } = failure.activityFailureInfo;
    return withDetails(cause ? read(cause) : unexplained(failure), {
      _wrapper: "activity",
      _activity_id: activityId ?? "",
      _retry_state: retryStates[retryState ?? 0] ?? "non_retryable_failure",
    });
  }
  if (failure.childWorkflowExecutionFailureInfo) {
    const { workflowExecution, workflowType, retryState } =
      failure.childWorkflowExecutionFailureInfo;
    return withDetails(cause ? read(cause) : unexplained(failure), {
      _wrapper: "child_workflow",
      _workflow_id: workflowExecution?.workflowId ?? "",
      _workflow_type: workflowType?.name ?? "",
      _run_id: workflowExecution?.runId ?? "",
      _retry_state: retryStates[retryState ?? 0] ?? "non_retryable_failure",
    });
  }
  if (failure.serverFailureInfo) {
    const retryable = !failure.serverFailureInfo.nonRetryable;
    return { ...unexplained(failure), retryable };
  }
  if (cause) return read(cause);
  return { ...unexplained(failure), ...stackTrace && { luaStack: stackTrace } };
}

function unexplained({ message }: TemporalFailure): Failure {
  return { kind: "Internal", message: message || "the server reports no cause" };
}

/** With the message and the stack that a codec has hidden. */
function shown(failure: TemporalFailure, value: (payload: Payload) => LuaValue): TemporalFailure {
  if (!failure.encodedAttributes) return failure;
  try {
    const hidden = value(failure.encodedAttributes);
    if (!isTable(hidden)) return failure;
    const { message, stack_trace } = hidden;
    return {
      ...failure,
      ...typeof message === "string" && { message },
      ...typeof stack_trace === "string" && { stackTrace: stack_trace },
    };
  } catch {
    // What is visible of it is better than nothing.
    return failure;
  }
}

function readApplication(
  { message, stackTrace, applicationFailureInfo: info, source: from }: TemporalFailure,
  value: (payload: Payload) => LuaValue,
): Failure {
  const type = info?.type ?? "";
  const stack = stackTrace ? { luaStack: stackTrace } : {};
  let details: LuaValue[] = [];
  try {
    details = (info?.details?.payloads ?? []).map(value);
  } catch {
    // The failure itself is what counts.
  }
  const [chain] = details;
  const [link] = from === source && Array.isArray(chain) ? chain : [];
  if (isTable(link) && typeof link["msg"] === "string") {
    const { msg, kind, retry, details: own, stack: luaStack, at } = link;
    return {
      kind: typeof kind === "string" ? kind : "",
      message: String(msg),
      ...typeof retry === "boolean" && { retryable: retry },
      ...isTable(own) && { details: own },
      ...typeof luaStack === "string" && { luaStack },
      ...typeof at === "string" && { position: at },
    };
  }
  const retryable = !info?.nonRetryable;
  if (type === "PanicError") {
    return { kind: "Internal", message: message ?? "", retryable: false, ...stack };
  }
  const kind = kinds.has(type) ? type : notFoundTypes.has(type) ? "NotFound" : "Unknown";
  const extra = {
    ...type !== "" && type !== kind && { type },
    ...details.length > 0 && { details },
  };
  return {
    kind,
    message: message ?? "",
    retryable,
    ...Object.keys(extra).length > 0 && { details: extra },
    ...stack,
  };
}

function isTable(value: LuaValue): value is { [key: string]: LuaValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Map || value instanceof Uint8Array || value instanceof Error);
}
