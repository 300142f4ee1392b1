import type { Failure } from "./engine/outcome.ts";
import type { RetryState } from "./history/retry.ts";
import type { ProviderReport } from "./provider.ts";

/** An attempt of an activity, local or not, that failed. */
export interface FailedAttempt {
  workflowId: string;
  runId: string;
  activityId: string;
  entry: string;
  /** From 1. */
  attempt: number;
  failure: Failure;
  /** Milliseconds until the next attempt, or why there is none. */
  next: number | RetryState;
}

/** What a failure says in a record of the log. */
export function failureFields({ kind, message, luaStack }: Failure): Record<string, unknown> {
  return {
    ...(kind !== "" && { kind }),
    error: message,
    ...(luaStack !== undefined && { stack: luaStack }),
  };
}

/**
 * Returns the record of a failed attempt; undefined where the failure is the activity's answer, of which the workflow
 * is told at once.
 */
export function attemptRecord(attempt: FailedAttempt): ProviderReport | undefined {
  const { next } = attempt;
  if (next === "non_retryable_failure") return undefined;
  return {
    level: "warn",
    message: `activity ${attempt.entry} failed`,
    fields: {
      workflow_id: attempt.workflowId,
      run_id: attempt.runId,
      activity_id: attempt.activityId,
      entry: attempt.entry,
      attempt: attempt.attempt,
      ...(typeof next === "number" ? { next_attempt_in_ms: Math.round(next) } : { final: next }),
      ...failureFields(attempt.failure),
    },
  };
}
