import { describe, expect, test } from "bun:test";
import { WippyError } from "../../../src/vm/error.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import type { CodeEntry } from "../../../src/worker/messages.ts";
import { workflowOptions } from "../../../src/worker/workflow-options.ts";

const entry = (options: Record<string, unknown>): CodeEntry => ({
  id: "app:charge",
  kind: "function.lua",
  source: "",
  method: "main",
  modules: [],
  options,
});

function activity(options: LuaValue, defaults: Record<string, unknown> = {}): unknown {
  const entries = new Map([["app:charge", entry(defaults)]]);
  return workflowOptions.get("workflow.activity_options")!(entries, "app:charge", options);
}

const child = (options: LuaValue): unknown =>
  workflowOptions.get("workflow.child_options")!(new Map(), options);

/** The message of the error with which an option is refused. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof WippyError && error.kind === "Invalid") return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("options of an activity", () => {
  test("times are milliseconds or texts", () => {
    expect(
      activity({
        "activity.start_to_close_timeout": "1m30s",
        "activity.schedule_to_close_timeout": 1500,
      }),
    ).toEqual({ options: { startToCloseTimeout: 90_000, scheduleToCloseTimeout: 1500 } });
  });

  test("the call's win over the entry's, in either spelling", () => {
    const defaults = { "activity.id": "default", "temporal.activity.summary": "from the entry" };
    expect(activity({ "temporal.activity.id": "call" }, defaults)).toEqual({
      activityId: "call",
      options: { summary: "from the entry" },
    });
  });

  test("the canonical spelling wins within one table", () => {
    const both = { "temporal.activity.id": "legacy", "activity.id": "canonical" };
    expect(activity(both)).toMatchObject({ activityId: "canonical" });
  });

  test("keys that are not its own are ignored, also beside array items", () => {
    expect(activity(new Map<LuaValue, LuaValue>([[1, "x"], ["timeout", 5]]))).toEqual({
      options: {},
    });
  });

  test("an unknown entry has no defaults", () => {
    const run = workflowOptions.get("workflow.activity_options")!;
    expect(run(new Map(), "app:nobody", undefined)).toEqual({ options: {} });
  });

  test("an empty list of final kinds", () => {
    expect(activity({ "activity.retry_policy": { non_retryable_error_types: {} } })).toEqual({
      options: { retryPolicy: {} },
    });
  });

  test("wrong values of the entry are refused as those of the call are", () => {
    expect(refusal(() => activity(undefined, { "activity.retry_policy": 5 })))
      .toContain("activity.retry_policy");
  });
});

describe("options of a child", () => {
  test("everything that a child takes", () => {
    expect(
      child({
        "workflow.id": "kid",
        "workflow.parent_close_policy": "PARENT_CLOSE_POLICY_ABANDON",
        "workflow.memo": { a: 1 },
        "temporal.workflow.typed_search_attributes": { b: "x" },
        "workflow.retry_policy": { maximumAttempts: 3, initial_interval: "2s" },
      }),
    ).toEqual({
      workflowId: "kid",
      options: {
        parentClosePolicy: "abandon",
        retryPolicy: { maximumAttempts: 3, initialInterval: 2000 },
      },
      memo: { a: 1 },
      searchAttributes: { b: "x" },
    });
  });

  test("refusals name the option", () => {
    expect(refusal(() => child({ "workflow.parent_close_policy": "kill" })))
      .toContain("workflow.parent_close_policy");
    expect(refusal(() => child({ "workflow.cron_schedule": "often" })))
      .toContain("workflow.cron_schedule");
    expect(refusal(() => child({ "workflow.task_queue": "" }))).toContain("workflow.task_queue");
  });
});
