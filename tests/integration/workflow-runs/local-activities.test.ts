import { describe, expect, test } from "bun:test";
import { startDurable } from "./durable-application.ts";
import { events, faults, local, pid, run, told, types, units, virtual } from "./local-runs.ts";
import { until } from "../../until.ts";

describe("local activities", () => {
  test("run at once, and are recorded with the other commands of their task", async () => {
    const { value, application } = await run(
      `
      local steps = ${local()}
      local first = steps:call("app:step", 1)
      local id = uuid.v4()
      return { first, tostring(steps:call("app:nothing")), #id, steps:call("app:step", { a = { 2.5 } }) }`,
      {
        functions: { nothing: "return" },
      },
    );
    expect(value).toEqual([1, "nil", 36, { a: [2.5] }]);
    expect(await types(application)).toEqual([
      "ExecutionStarted",
      "TaskStarted",
      "TaskCompleted",
      "LocalActivityRecorded",
      "SideEffectRecorded",
      "LocalActivityRecorded",
      "LocalActivityRecorded",
      "ExecutionCompleted",
    ]);
    expect((await events(application))[3]).toMatchObject({
      seq: 1,
      entry: "app:step",
      activityId: "1",
      attempt: 1,
    });
    expect(faults(application)).toEqual([]);
  });

  test("know what they are; a heartbeat of theirs leaves nothing", async () => {
    const { value } = await run(
      `
      local info = ${local('["activity.id"] = "mine"')}:call("app:tell")
      local outer = ${local()}:call("app:outer")
      local plain = funcs.call("app:tell")
      return { info, outer, plain.is_local, workflow.info().run_id, workflow.info().workflow_id }`,
      {
        functions: {
          tell: `local info = activity.info()
          info.beat = activity.heartbeat("details")
          info.details = select("#", activity.heartbeat_details())
          return info`,
          outer: 'return { activity.info().activity_type, funcs.call("app:inner") }',
          inner: "return activity.info().idempotency_token",
        },
      },
    );
    const [info, outer, plain, runId, id] = value as [unknown, unknown, unknown, string, string];
    expect(info).toMatchObject({
      is_local: true,
      activity_id: "mine",
      activity_type: "app:tell",
      attempt: 1,
      idempotency_token: `${runId}.1`,
      workflow_id: id,
      workflow_pid: pid,
      beat: true,
      details: 0,
    });
    expect(outer).toEqual(["app:outer", `${runId}.2`]);
    expect(plain).toBe(false);
  });

  test("are the default of an entry that says so; a call may say otherwise", async () => {
    const { application } = await run(
      `
      funcs.call("app:small")
      funcs.call("app:other")
      funcs.new():with_options{ ["activity.local"] = false }:call("app:small")
      return 1`,
      {
        functions: {
          small: { body: "return 1", meta: { temporal: { activity: { local: true } } } },
          other: { body: "return 1", meta: { options: { "activity.local": true } } },
        },
      },
    );
    const steps = (await events(application)).filter(({ entry }) => entry !== "app:main");
    expect(steps.map(({ type, entry }) => `${type} ${entry}`)).toEqual([
      "TaskStarted undefined",
      "TaskCompleted undefined",
      "LocalActivityRecorded app:small",
      "LocalActivityRecorded app:other",
      "ActivityScheduled app:small",
      "ActivityCompleted undefined",
      "TaskStarted undefined",
      "TaskCompleted undefined",
      "ExecutionCompleted undefined",
    ]);
  });

  test("refuse options that they cannot have, before they begin", async () => {
    const { value, application } = await run(`${told}
      return {
        told(${local('["activity.heartbeat_timeout"] = "1s"')}:call("app:step", 1)),
        told(${local('["activity.schedule_to_start_timeout"] = "1s"')}:call("app:step", 1)),
        told(funcs.new():with_options{ ["activity.local"] = "yes" }:call("app:step", 1)),
      }`);
    const list = value as { kind: string; message: string }[];
    expect(list.map(({ kind }) => kind)).toEqual(["Invalid", "Invalid", "Invalid"]);
    expect(list[0]?.message).toContain("activity.heartbeat_timeout: a local activity has none");
    expect(list[2]?.message).toContain("activity.local: true or false expected");
    expect(application.notes()).toEqual([]);
  });

  test("move the time of the workflow on", async () => {
    const { value } = await run(
      `
      local before = time.now()
      ${local()}:call("app:sleep", "700ms")
      return time.now():sub(before):milliseconds()`,
      {
        functions: { sleep: "time.sleep(...)" },
      },
      virtual(),
    );
    expect(value).toBe(700);
  });
});

describe("failures of local activities", () => {
  test("are the error that the function gave, with why there was no other attempt", async () => {
    const { value } = await run(
      `${told}
      local steps = ${
        local('["activity.retry_policy"] = { maximum_attempts = 2, initial_interval = 1 }')
      }
      return { told(steps:call("app:refuse")), told(steps:call("app:raise")), told(steps:call("app:unknown")),
        told(steps:call("app:huge")) }`,
      {
        functions: {
          refuse: 'note("refuse") return nil, "no stock"',
          raise: 'note("raise") error("broken")',
          huge: 'note("huge") return ("x"):rep(3 * 1024 * 1024)',
        },
      },
    );
    expect(value).toMatchObject([
      { message: "no stock", state: "non_retryable_failure", wrapper: "activity", id: "1" },
      { state: "maximum_attempts_reached", id: "2" },
      { kind: "NotFound", state: "non_retryable_failure", id: "3" },
      { kind: "Invalid", state: "non_retryable_failure", id: "4" },
    ]);
  });

  test("are tried again within the task, with the same token", async () => {
    const { value, application } = await run(
      `return ${
        local('["activity.retry_policy"] = { initial_interval = "2s" }')
      }:call("app:flaky")`,
      {
        functions: {
          flaky: `local info = activity.info()
            note(info.idempotency_token:match("%d+$") .. " " .. info.attempt)
            if info.attempt < 3 then error("again") end
            return info.attempt`,
        },
      },
      virtual(),
    );
    expect(value).toBe(3);
    expect(application.notes()).toEqual(["1 1", "1 2", "1 3"]);
    const all = await events(application);
    expect(all.filter(({ type }) => type === "LocalActivityRecorded")).toMatchObject([
      { attempt: 3 },
    ]);
    expect(all.map(({ type }) => type)).not.toContain("TimerStarted");
  });

  test("of a listed kind are final", async () => {
    const { value, application } = await run(
      `${told} return told(${
        local('["activity.retry_policy"] = { non_retryable_error_types = { "Conflict" } }')
      }:call("app:fail"))`,
      {
        functions: { fail: 'note("x") error(errors.new{ kind = errors.CONFLICT, message = "c" })' },
      },
    );
    expect(value).toMatchObject({ kind: "Conflict", state: "non_retryable_failure" });
    expect(application.notes()).toEqual(["x"]);
  });

  test("wait by a durable timer when the wait is long", async () => {
    const { value, application } = await run(
      `return ${
        local('["activity.retry_policy"] = { initial_interval = "1h", maximum_attempts = 5 }')
      }
        :call("app:flaky", "word")`,
      {
        functions: {
          flaky: `local info = activity.info()
            note(info.attempt .. " " .. info.idempotency_token:match("%d+$") .. " " .. ...)
            if info.attempt < 3 then error("again") end
            return { info.attempt, info.scheduled_time }`,
        },
      },
      virtual(),
    );
    expect((value as number[])[0]).toBe(3);
    expect(application.notes()).toEqual(["1 1 word", "2 1 word", "3 1 word"]);
    const round = ["TaskStarted", "TaskCompleted", "LocalActivityRecorded"];
    expect(await types(application)).toEqual([
      "ExecutionStarted",
      ...round,
      "TimerStarted",
      "TimerFired",
      ...round,
      "TimerStarted",
      "TimerFired",
      ...round,
      "ExecutionCompleted",
    ]);
    expect(faults(application)).toEqual([]);
  });

  test("that wait by a durable timer go on after a restart, counting", async () => {
    const main = `return ${
      local(
        '["activity.retry_policy"] = { initial_interval = 300, maximum_attempts = 3 }, ["activity.local_retry_threshold"] = 0',
      )
    }:call("app:flaky")`;
    const more = {
      functions: {
        flaky: `note(activity.info().attempt) print("tried")
          if activity.info().attempt < 2 then error("again") end
          return activity.info().attempt`,
      },
    };
    const application = await startDurable(units(main, more));
    await application.call("begin");
    await application.printedBy("flaky");
    await until(async () => (await types(application)).includes("TimerStarted"));
    await application.start(units(main, more));
    expect(await application.call("result")).toBe(2);
    expect(application.notes()).toEqual(["1", "2"]);
  });

  test("by time: an attempt, and all of them together", async () => {
    const { value, application } = await run(
      `${told}
      local one = ${
        local(
          '["activity.start_to_close_timeout"] = "1m", ["activity.retry_policy"] = { maximum_attempts = 2 }',
        )
      }
      local all = ${local('["activity.schedule_to_close_timeout"] = "90s"')}
      local waits = ${
        local(
          '["activity.schedule_to_close_timeout"] = "90s", ["activity.retry_policy"] = { initial_interval = "2m" }',
        )
      }
      return { told(one:call("app:slow", "one")), told(all:call("app:slow", "all")), told(waits:call("app:raise")) }`,
      {
        functions: {
          slow: 'note((...) .. activity.info().attempt) time.sleep("2h") note("never")',
          raise: 'error("broken")',
        },
      },
      virtual(),
    );
    expect(value).toMatchObject([
      { kind: "Timeout", timeout: "start_to_close", state: "maximum_attempts_reached" },
      { kind: "Timeout", timeout: "schedule_to_close", state: "timeout" },
      { message: expect.stringContaining("broken"), state: "timeout" },
    ]);
    expect(application.notes()).toEqual(["one1", "one2", "all1"]);
  });
});

describe("canceled local activities", () => {
  const slow = `note("began")
    for _ = 1, 60 do
      time.sleep("1m")
      if activity.is_canceled() then note("told") return nil, errors.new{ kind = errors.CANCELED, message = "stopped" } end
    end
    note("ended")
    return "late"`;

  test("end as their cancellation type says", async () => {
    const outcomes: unknown[] = [];
    for (const type of ["try_cancel", "wait_cancellation_completed", "abandon"]) {
      const { value, application } = await run(
        `local future = ${local(`["activity.cancellation_type"] = "${type}"`)}:async("app:slow")
        time.sleep("90s")
        future:cancel()
        local began = time.now()
        time.sleep("2h")
        return { future:is_canceled(), future:is_complete() }`,
        { functions: { slow } },
        virtual(),
      );
      const recorded = (await events(application)).filter(({ type }) =>
        type === "LocalActivityRecorded"
      );
      expect(faults(application)).toEqual([]);
      outcomes.push([
        value,
        application.notes(),
        recorded.map((
          { canceled, failure },
        ) => [canceled, (failure as { message: string }).message]),
      ]);
    }
    expect(outcomes).toEqual([
      [[true, false], ["began"], [[true, "operation canceled"]]],
      [[true, false], ["began", "told"], [[true, "stopped"]]],
      [[true, false], ["began", "ended"], [[true, "operation canceled"]]],
    ]);
  });

  test("before they have begun do not run", async () => {
    const { value, application } = await run(`
      local future = ${local()}:async("app:step", "never")
      future:cancel()
      local _, err = future:result()
      return err:kind()`);
    expect(value).toBe("Canceled");
    expect(application.notes()).toEqual([]);
  });

  test("by their scope, in an attempt and in the wait for the next one", async () => {
    const { value, application } = await run(
      `
      local kinds = {}
      local function try(executor, entry)
        local _, err = workflow.cancellation_scope(function(scope)
          coroutine.spawn(function() time.sleep("90s") scope:cancel("enough") end)
          return executor:call(entry)
        end)
        kinds[#kinds + 1] = err:kind()
      end
      try(${local()}, "app:slow")
      try(${local('["activity.retry_policy"] = { initial_interval = "1h" }')}, "app:raise")
      try(${
        local(
          '["activity.retry_policy"] = { initial_interval = "1h" }, ["activity.local_retry_threshold"] = "2h"',
        )
      }, "app:raise")
      local kept = workflow.non_cancellable(function() return ${local()}:call("app:step", "kept") end)
      return { kinds, kept }`,
      { functions: { slow, raise: 'note("raised") error("broken")' } },
      virtual(),
    );
    expect(value).toEqual([["Canceled", "Canceled", "Canceled"], "kept"]);
    expect(application.notes()).toEqual(["began", "raised", "raised", "kept"]);
    expect(faults(application)).toEqual([]);
  });

  test("are told when the run closes", async () => {
    const { value, application } = await run(
      `local future = ${local()}:async("app:slow")
      time.sleep("10s")
      return "done"`,
      { functions: { slow } },
      virtual(),
    );
    expect(value).toBe("done");
    expect(application.notes()).toEqual(["began"]);
    expect(faults(application)).toEqual([]);
  });
});
