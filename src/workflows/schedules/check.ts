import { checkSpec, invalidField } from "./spec.ts";
import {
  minCatchupWindow,
  overlapPolicies,
  type ScheduleAction,
  type ScheduleDefinition,
  type SchedulePolicies,
} from "./schedules.ts";

const longestId = 1_000;
const longestNote = 10_000;

/** @throws WippyError Invalid */
export function checkScheduleId(scheduleId: string): void {
  if (scheduleId !== "" && scheduleId.length <= longestId) return;
  throw invalidField("id", `a text of 1 to ${longestId} characters expected`);
}

/** @throws WippyError Invalid */
export function checkNote(note: string): void {
  if (note.length > longestNote) {
    throw invalidField("note", `at most ${longestNote} characters expected`);
  }
}

/** @throws WippyError Invalid */
export function checkRemaining(remaining: number): void {
  if (Number.isSafeInteger(remaining) && remaining >= 0) return;
  throw invalidField("remaining_actions", "a whole number, 0 or more, expected");
}

/** Refuses a schedule that cannot be. @throws WippyError Invalid, naming the field */
export function checkDefinition({ spec, action, policies = {} }: ScheduleDefinition): void {
  checkSpec(spec);
  checkAction(action);
  checkPolicies(policies);
}

/** @throws WippyError Invalid, naming the field */
export function checkPolicies({ overlap, catchupWindow }: SchedulePolicies): void {
  if (overlap !== undefined && !overlapPolicies.includes(overlap)) {
    throw invalidField(
      "policies.overlap",
      `${overlapPolicies.join(" | ")} expected, got "${overlap}"`,
    );
  }
  if (catchupWindow !== undefined && !(catchupWindow >= minCatchupWindow)) {
    throw invalidField("policies.catchup_window", "a duration of at least 10s expected");
  }
}

/** @throws WippyError Invalid, naming the field */
export function checkAction(action: Pick<ScheduleAction, "workflowId" | "options">): void {
  if (action.workflowId === "" || action.workflowId.includes("|")) {
    throw invalidField("action.workflow_id", 'a text that is not empty and without "|" expected');
  }
  const { options = {} } = action;
  for (
    const [key, name, why] of [
      ["cronSchedule", "cron_schedule", "the spec of the schedule says when"],
      ["startDelay", "start_delay", "the spec of the schedule says when"],
      ["idConflictPolicy", "id_conflict_policy", "policies.overlap says it"],
      ["idReusePolicy", "id_reuse_policy", "each run has a workflow id of its own"],
      [
        "errorWhenAlreadyStarted",
        "execution_error_when_already_started",
        "policies.overlap says it",
      ],
    ] as const
  ) {
    if (key in options) {
      throw invalidField(
        `action.options: workflow.${name}`,
        `a scheduled run cannot have it; ${why}`,
      );
    }
  }
}
