import type { Failure } from "../../../engine/outcome.ts";
import { attemptRecord, failureFields } from "../../../failure-records.ts";
import type { RetryState } from "../../../history/retry.ts";
import type { PendingActivity, RunState } from "../store/run-states.ts";
import type { Transaction } from "../transaction/transaction.ts";

/**
 * Reports an attempt that failed.
 *
 * @param next milliseconds until the next attempt, or why there is none
 */
export function reportAttempt(
  tx: Transaction,
  { workflowId, runId }: RunState,
  { row, scheduled }: PendingActivity,
  failure: Failure,
  next: number | RetryState,
): void {
  const { activityId, entry } = scheduled;
  const report = attemptRecord({
    workflowId,
    runId,
    activityId,
    entry,
    attempt: row.attempt,
    failure,
    next,
  });
  if (report) tx.out.push({ type: "report", report });
}

/**
 * Reports a run that failed or took too long. One that has a parent is not reported: the parent is told.
 *
 * @param next milliseconds until the run that follows, if one does
 */
export function reportRun(
  tx: Transaction,
  { workflowId, runId, entry, attempt, parentRun }: RunState,
  status: "failed" | "timed_out",
  failure: Failure,
  next?: number,
): void {
  if (parentRun !== null) return;
  tx.out.push({
    type: "report",
    report: {
      level: next === undefined ? "error" : "warn",
      message: `workflow ${entry} ${status === "failed" ? "failed" : "timed out"}`,
      fields: {
        workflow_id: workflowId,
        run_id: runId,
        entry,
        attempt,
        ...(next !== undefined && { next_run_in_ms: Math.round(next) }),
        ...failureFields(failure),
      },
    },
  });
}
