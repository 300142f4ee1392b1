import type { temporal } from "../messages/messages.ts";
import type { Failure } from "../../../engine/outcome.ts";
import {
  canceledFailure,
  type RetryState,
  timeoutFailure,
  withDetails,
} from "../../../history/retry.ts";
import type { Conversion } from "../conversion.ts";
import { valuesOf } from "../names.ts";
import type { Payloads, TemporalFailure } from "../proto.ts";

type Enums = typeof temporal.api.enums.v1;

const retryStates: Readonly<Record<number, RetryState>> = {
  2: "non_retryable_failure",
  3: "timeout",
  4: "maximum_attempts_reached",
  5: "retry_policy_not_set",
  7: "cancel_requested",
};

/** Why there is no further attempt, by the number in Temporal's enum `RetryState`. */
export function retryState(
  state: Enums["RetryState"][keyof Enums["RetryState"]] | number | null | undefined,
): RetryState {
  return retryStates[state ?? 0] ?? "non_retryable_failure";
}

const timeoutTypes = [
  "unknown",
  "start_to_close",
  "schedule_to_start",
  "schedule_to_close",
  "heartbeat",
];

/** The failure of an attempt that took too long. */
export function activityTimeout(
  entry: string,
  failure: TemporalFailure | null | undefined,
): Failure {
  const type = timeoutTypes[failure?.timeoutFailureInfo?.timeoutType ?? 0] ?? "unknown";
  return timeoutFailure(`activity ${entry} timed out (${type})`, type);
}

/** A failure as the code that called an activity sees it. */
export function ofActivity(failure: Failure, activityId: string, state: RetryState): Failure {
  return withDetails(failure, {
    _wrapper: "activity",
    _activity_id: activityId,
    _retry_state: state,
  });
}

/** The failure in a message; one of kind Internal where there is none. */
export function failureIn(
  conversion: Conversion,
  failure: TemporalFailure | null | undefined,
): Failure {
  if (failure) return conversion.ofFailure(failure);
  return { kind: "Internal", message: "the server reported no details of the failure" };
}

export const terminated: Failure = {
  kind: "Canceled",
  message: "workflow terminated",
  retryable: false,
};

/** A run that took longer than it may. */
export function workflowTimeout(): Failure {
  return {
    kind: "Timeout",
    message: "workflow timed out",
    retryable: false,
    details: { timeout_type: "start_to_close" },
  };
}

/** The failure with which code has closed a run as canceled: it is the first of the details. */
export function canceledIn(
  conversion: Conversion,
  details: Payloads | null | undefined,
): Failure {
  const [told] = valuesOf(conversion, details);
  return typeof told === "object" && told !== null && "kind" in told && "message" in told
    ? { ...told as { kind: string; message: string } }
    : canceledFailure();
}
