/**
 * Options of starts and activities as Temporal's messages have them.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import type {
  IdConflictPolicy,
  IdReusePolicy,
  ParentClosePolicy,
  RetryPolicy,
  RunOptions,
} from "../../../options/options.ts";
import { duration } from "../proto.ts";

const {
  WorkflowIdConflictPolicy: Conflict,
  WorkflowIdReusePolicy: Reuse,
  ParentClosePolicy: Close,
} = temporal.api.enums.v1;

export const conflictPolicies: Readonly<Record<IdConflictPolicy, number>> = {
  fail: Conflict.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
  use_existing: Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
  terminate_existing: Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING,
};

export const reusePolicies: Readonly<Record<IdReusePolicy, number>> = {
  allow_duplicate: Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
  allow_duplicate_failed_only: Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  reject_duplicate: Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
};

export const closePolicies: Readonly<Record<ParentClosePolicy, number>> = {
  terminate: Close.PARENT_CLOSE_POLICY_TERMINATE,
  abandon: Close.PARENT_CLOSE_POLICY_ABANDON,
  request_cancel: Close.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
};

/** The policy with what it leaves out; intervals that make no sense count as left out. */
export function retryPolicy(policy: RetryPolicy): temporal.api.common.v1.IRetryPolicy {
  const positive = (value: number | undefined) =>
    value !== undefined && value > 0 ? value : undefined;
  const initial = positive(policy.initialInterval) ?? 1_000;
  const coefficient = positive(policy.backoffCoefficient) ?? 2;
  const maximum = positive(policy.maximumInterval);
  return {
    initialInterval: duration(initial),
    backoffCoefficient: Math.max(1, coefficient),
    ...maximum !== undefined && { maximumInterval: duration(Math.max(initial, maximum)) },
    maximumAttempts: policy.maximumAttempts ?? 0,
    nonRetryableErrorTypes: policy.nonRetryableKinds ?? [],
  };
}

/** What starts of every kind have: timeouts, retries, cron. */
export function runOptions(options: RunOptions) {
  const { executionTimeout, runTimeout, taskTimeout, cronSchedule } = options;
  return {
    ...executionTimeout !== undefined &&
      { workflowExecutionTimeout: duration(executionTimeout) },
    ...runTimeout !== undefined && { workflowRunTimeout: duration(runTimeout) },
    ...taskTimeout !== undefined && { workflowTaskTimeout: duration(taskTimeout) },
    ...options.retryPolicy && { retryPolicy: retryPolicy(options.retryPolicy) },
    ...cronSchedule !== undefined && { cronSchedule },
  };
}
