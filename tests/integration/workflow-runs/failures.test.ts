import { describe, expect, test } from "bun:test";
import type { LogRecord } from "../../../src/observe/log.ts";
import { type DurableApplication, failure, startDurable } from "./durable-application.ts";

/** Warnings and errors: level, text, attempt and what follows. */
function bad(application: DurableApplication): unknown[][] {
  const records = application.logs.filter(({ level }) => level === "error" || level === "warn");
  return records.map(({ level, message, fields }: LogRecord) => [
    level,
    message,
    fields["attempt"],
    fields["next_attempt_in_ms"] ?? fields["final"] ?? fields["next_run_in_ms"],
    fields["error"],
  ]);
}

const start = 'return workflow.exec("app:main", ...)';
const policy = (more: string) =>
  `["activity.retry_policy"] = { initial_interval = 2, maximum_attempts = 3 }, ${more}`;

/** Runs a workflow that calls `app:step` with these options, and gives what was logged. */
async function attempts(step: string, options: string): Promise<unknown[][]> {
  const application = await startDurable({
    workflows: {
      main: `local _, err = funcs.new():with_options({ ${options} }):call("app:step")
        return err and err:message()`,
    },
    functions: { start, step },
  });
  await application.call("start");
  return bad(application);
}

describe("every failed attempt of an activity is one record with the next try", () => {
  for (const [kind, local] of [["an activity", ""], ["a local one", '["activity.local"] = true']]) {
    test(`${kind} that raises`, async () => {
      const text = "activity app:step failed";
      expect(await attempts('error("boom", 0)', policy(local!))).toEqual([
        ["warn", text, 1, 2, "boom"],
        ["warn", text, 2, 4, "boom"],
        ["warn", text, 3, "maximum_attempts_reached", "boom"],
      ]);
    });

    test(`${kind} that returns an Error that may be tried again`, async () => {
      const step = 'return nil, errors.new{ message = "m", retryable = true }';
      expect((await attempts(step, policy(local!))).map(([, , , next]) => next)).toEqual([
        2,
        4,
        "maximum_attempts_reached",
      ]);
    });

    test(`${kind} that takes too long`, async () => {
      const options = policy(
        `${local ? local + "," : ""} ["activity.start_to_close_timeout"] = 20`,
      );
      const records = await attempts('time.sleep("1h")', options);
      expect(records.map(([, , attempt, next]) => [attempt, next])).toEqual([
        [1, 2],
        [2, 4],
        [3, "maximum_attempts_reached"],
      ]);
      expect(records[0]![4]).toContain("timed out (start_to_close)");
    });

    test(`${kind} whose failure is its answer is not logged`, async () => {
      expect(await attempts('return nil, "no stock"', policy(local!))).toEqual([]);
    });
  }

  test("an activity that succeeds at its second attempt", async () => {
    const step = 'if activity.info().attempt == 1 then error("once", 0) end';
    expect(await attempts(step, policy(""))).toEqual([
      ["warn", "activity app:step failed", 1, 2, "once"],
    ]);
  });

  test("the record has run, activity and traceback", async () => {
    const application = await startDurable({
      workflows: { main: `funcs.new():with_options({ ${policy("")} }):call("app:step")` },
      functions: { start, step: 'local function deep() error("boom") end deep() return 1' },
    });
    await application.call("start");
    const { fields } = await application.reported("activity app:step failed");
    expect(fields).toMatchObject({
      workflow_id: expect.any(String),
      run_id: expect.any(String),
      activity_id: "1",
      entry: "app:step",
      kind: "Internal",
      stack: expect.stringContaining("in local 'deep'"),
    });
  });
});

describe("a run that fails is one record", () => {
  test("when it raises, and when it returns an error", async () => {
    for (const body of ['error("boom", 0)', 'return nil, "boom"']) {
      const application = await startDurable({ workflows: { main: body }, functions: { start } });
      await failure(application.call("start"));
      expect(bad(application)).toEqual([
        ["error", "workflow app:main failed", 1, undefined, "boom"],
      ]);
    }
  });

  test("when it takes too long", async () => {
    const application = await startDurable({
      workflows: { main: 'time.sleep("1h")' },
      functions: {
        start: `process.with_options({ ["workflow.run_timeout"] = 20 })
            :spawn_monitored("app:main", "app:durable")
          process.events():receive()`,
      },
    });
    await application.call("start");
    expect(bad(application).map(([level, message]) => [level, message])).toEqual([
      ["error", "workflow app:main timed out"],
    ]);
  });

  test("when another run follows, with the wait", async () => {
    const application = await startDurable({
      workflows: { main: 'error("boom", 0)' },
      functions: {
        start: `process.with_options({
              ["workflow.retry_policy"] = { initial_interval = 2, maximum_attempts = 2 } })
            :spawn_monitored("app:main", "app:durable")
          process.events():receive()`,
      },
    });
    await application.call("start");
    expect(bad(application)).toEqual([
      ["warn", "workflow app:main failed", 1, 2, "boom"],
      ["error", "workflow app:main failed", 2, undefined, "boom"],
    ]);
  });

  test("of a child the parent is told, and nobody else", async () => {
    const application = await startDurable({
      workflows: {
        main: 'local _, err = workflow.exec("app:child") return err:message()',
        child: 'error("boom", 0)',
      },
      functions: { start },
    });
    expect(await application.call("start")).toBe("workflow exec failed: boom");
    expect(bad(application)).toEqual([]);
  });

  test("a canceled or terminated run is not logged: somebody asked for it", async () => {
    const application = await startDurable({
      workflows: { main: 'local e = process.events():receive() return nil, "ended"' },
      functions: {
        start: `local pid = process.spawn_monitored("app:main", "app:durable")
          process.terminate(pid)
          process.events():receive()`,
      },
    });
    await application.call("start");
    expect(bad(application)).toEqual([]);
  });

  test("many runs that fail are counted", async () => {
    const application = await startDurable({
      workflows: { main: 'error("boom", 0)' },
      functions: {
        start: `for _ = 1, 30 do process.spawn_monitored("app:main", "app:durable") end
          for _ = 1, 30 do process.events():receive() end`,
      },
    });
    await application.call("start");
    const messages = bad(application).map(([, message]) => message);
    expect(messages.filter((message) => message === "workflow app:main failed")).toHaveLength(10);
    expect(messages.slice(10)).toEqual([
      "workflow app:main failed again and again: counted for up to 10s",
    ]);
  });
});

describe("an entry that is not there fails at once, with what is near it", () => {
  const near: [what: string, body: string, message: string][] = [
    [
      "an activity",
      'local _, err = funcs.call("app:stepp") return err:message()',
      "no handler registered for target: app:stepp; did you mean app:step?",
    ],
    [
      "a local activity",
      `local _, err = funcs.new():with_options({ ["activity.local"] = true }):call("app:setp")
        return err:message()`,
      "no handler registered for target: app:setp; did you mean app:step?",
    ],
    [
      "a child",
      'local _, err = workflow.exec("app:chlid") return err:message()',
      "workflow exec failed: workflow not found: app:chlid; did you mean app:child?",
    ],
    [
      "a spawn",
      'local _, err = process.spawn("app:chlid", "app:durable") return err:message()',
      "workflow not found: app:chlid; did you mean app:child?",
    ],
    [
      "nothing near",
      'local _, err = funcs.call("app:something_else") return err:message()',
      "no handler registered for target: app:something_else",
    ],
  ];
  for (const [what, body, message] of near) {
    test(what, async () => {
      const application = await startDurable({
        workflows: { main: body, child: "return 1" },
        functions: { start, step: "return 1" },
      });
      expect(await application.call("start")).toBe(message);
    });
  }

  test("also outside of workflows", async () => {
    const application = await startDurable({
      workflows: { child: "return 1" },
      processes: { worker: "return 1" },
      functions: {
        start: `local told = {}
          local function note(_, err) told[#told + 1] = err:message() end
          note(funcs.call("app:strat"))
          note(process.spawn("app:wroker", "app:processes"))
          note(workflow.exec("app:chlid"))
          return told`,
      },
    });
    expect(await application.call("start")).toEqual([
      "no handler registered for target: app:strat; did you mean app:start?",
      "factory not found: app:wroker; did you mean app:worker?",
      "workflow not found: app:chlid; did you mean app:child?",
    ]);
  });
});
