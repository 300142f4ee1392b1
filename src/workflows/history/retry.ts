import type { Failure } from "../engine/outcome.ts";
import type { RetryPolicy } from "../options/options.ts";

/** Why a failure is final, as `details._retry_state` tells. Names are Temporal's. */
export type RetryState =
  | "non_retryable_failure"
  | "timeout"
  | "maximum_attempts_reached"
  | "retry_policy_not_set"
  | "cancel_requested";

/** Either the wait in milliseconds before the next attempt, or why there is none. */
export type RetryDecision = { delay: number } | { final: RetryState };

/**
 * Decides whether attempt number `attempt` (from 1), which failed at `now`, is followed by another
 * one.
 *
 * @param deadline milliseconds since the epoch; an attempt that would begin after it is not made.
 */
export function decideRetry(
  policy: RetryPolicy,
  failure: Failure,
  attempt: number,
  now: number,
  deadline = Infinity,
): RetryDecision {
  const timedOut = failure.kind === "Timeout" && failure.details?.timeout_type !== undefined;
  if (failure.retryable === false && !timedOut) return { final: "non_retryable_failure" };
  if (policy.nonRetryableKinds?.includes(failure.kind)) return { final: "non_retryable_failure" };
  if (policy.maximumAttempts && attempt >= policy.maximumAttempts) {
    return { final: "maximum_attempts_reached" };
  }
  const delay = retryDelay(policy, attempt);
  return now + delay > deadline ? { final: "timeout" } : { delay };
}

/**
 * Milliseconds between attempt number `attempt` and the next. Unset and senseless values give the
 * defaults.
 */
export function retryDelay(policy: RetryPolicy, attempt: number): number {
  const initial = positive(policy.initialInterval) ?? 1_000;
  const factor = positive(policy.backoffCoefficient) ?? 2;
  const maximum = positive(policy.maximumInterval) ?? 100 * initial;
  return Math.min(maximum, initial * factor ** (attempt - 1));
}

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** A failure with what the wrapper of an activity or a child adds to its details. */
export function withDetails(failure: Failure, details: Record<string, unknown>): Failure {
  return { ...failure, details: { ...failure.details, ...details } };
}

export function canceledFailure(message = "operation canceled"): Failure {
  return { kind: "Canceled", message, retryable: false };
}

/** @param type `start_to_close`, `schedule_to_start`, `schedule_to_close`, `heartbeat`. */
export function timeoutFailure(message: string, type: string): Failure {
  return { kind: "Timeout", message, retryable: false, details: { timeout_type: type } };
}
