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

const warnings: string[] = [];
const readers = workflowOptions((line) => {
  if (line.type === "log") warnings.push(line.record.message);
}, () => 0);

function activity(options: LuaValue, defaults: Record<string, unknown> = {}): unknown {
  const entries = new Map([["app:charge", entry(defaults)]]);
  return readers.get("workflow.activity_options")!(entries, "app:charge", options);
}

const child = (options: LuaValue): unknown =>
  readers.get("workflow.child_options")!(new Map(), options);

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
    const run = readers.get("workflow.activity_options")!;
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

describe("no option takes a value that cannot be", () => {
  const impossible: Record<string, LuaValue[]> = {
    duration: ["-1s", -1, "soon", "", true, {}, Number.NaN, Infinity, -0.5],
    flag: ["true", 1, {}],
    text: ["", 1, true, {}],
    table: ["x", 1, [1], true],
    word: ["other", "", 7, 1.5, true, {}],
  };
  const policies: [LuaValue, string][] = [
    [{ initial_interval: "-1s" }, "initial_interval"],
    [{ initial_interval: -1000 }, "initial_interval"],
    [{ maximum_interval: "-1s" }, "maximum_interval"],
    [{ backoff_coefficient: -3 }, "backoff_coefficient: a number of at least 1"],
    [{ backoff_coefficient: 0.5 }, "backoff_coefficient: a number of at least 1"],
    [{ backoff_coefficient: Number.NaN }, "backoff_coefficient"],
    [{ maximum_attempts: -1 }, "maximum_attempts: a whole number of at least 0"],
    [{ maximum_attempts: 1.5 }, "maximum_attempts"],
    [{ non_retryable_error_types: 5 }, "non_retryable_error_types"],
    [{ maximum_atempts: 5 }, 'unknown field maximum_atempts; did you mean "maximum_attempts"?'],
    [{ x: 5 }, "unknown field x; possible: initial_interval, maximum_interval"],
  ];
  const kinds: [string, string, readonly string[]][] = [
    [
      "duration",
      "activity",
      [
        "start_to_close_timeout",
        "schedule_to_close_timeout",
        "schedule_to_start_timeout",
        "heartbeat_timeout",
        "local_retry_threshold",
      ],
    ],
    ["duration", "workflow", ["execution_timeout", "run_timeout", "task_timeout"]],
    ["flag", "activity", ["local", "wait_for_cancellation", "disable_eager_execution"]],
    ["flag", "workflow", ["wait_for_cancellation", "enable_eager_start"]],
    ["text", "activity", ["id", "summary", "task_queue"]],
    ["text", "workflow", ["id", "summary", "details", "task_queue", "cron_schedule"]],
    ["table", "activity", ["priority", "retry_policy"]],
    ["table", "workflow", ["priority", "memo", "search_attributes", "retry_policy"]],
    ["word", "activity", ["cancellation_type"]],
    ["word", "workflow", ["parent_close_policy", "id_conflict_policy", "id_reuse_policy"]],
  ];
  for (const [kind, group, names] of kinds) {
    const read = group === "activity" ? activity : child;
    test.each([...names])(`${group}.%s, a ${kind}`, (name) => {
      for (const value of impossible[kind]!) {
        const key = `${group}.${name}`;
        expect(refusal(() => read({ [key]: value }))).toContain(`option ${key}: `);
        expect(refusal(() => read({ [`temporal.${key}`]: value }))).toContain(key);
      }
    });
  }
  test.each(policies)("retry policy %j", (policy, message) => {
    for (const [group, read] of [["activity", activity], ["workflow", child]] as const) {
      const told = refusal(() => read({ [`${group}.retry_policy`]: policy }));
      expect(told).toContain(message);
      expect(told).toContain(`${group}.retry_policy`);
    }
  });
});

test("a timeout of 0 is none", () => {
  expect(child({ "workflow.run_timeout": 0, "workflow.execution_timeout": "0s" }))
    .toEqual(child({}));
  expect(activity({ "activity.heartbeat_timeout": 0 })).toEqual(activity({}));
});

test("an unknown option is ignored, with one warning that names the nearest", () => {
  warnings.length = 0;
  expect(child({ "workflow.runtimeout": "1h" })).toEqual(child({}));
  child({ "workflow.runtimeout": "2h" });
  child({ "temporal.workflow.memos": {}, "workflow.xyz": 1 });
  // Options of other calls stand in the same table.
  activity({ timeout: "1s", network: true, "activity.heartbeat": "1s" });
  expect(warnings).toEqual([
    "option workflow.runtimeout is unknown and ignored; did you mean workflow.run_timeout?",
    "option temporal.workflow.memos is unknown and ignored; did you mean workflow.memo?",
    "option workflow.xyz is unknown and ignored",
    "option activity.heartbeat is unknown and ignored",
  ]);
});
