import { describe, expect, test } from "bun:test";
import { acrossRestart, pause } from "./across-restart.ts";
import { failure, runWorkflow, startDurable } from "./durable-application.ts";

/** What a Lua test tells of an error. */
const told = `local function told(value, err)
  if not err then return { value = value } end
  local details = err:details() or {}
  return { kind = err:kind(), message = err:message(), retryable = err:retryable(),
    state = details._retry_state, wrapper = details._wrapper, timeout = details.timeout_type }
end `;
const quick = `funcs.new():with_options{ ["activity.retry_policy"] = {
  initial_interval = 1, maximum_attempts = 3 } }`;

describe("results", () => {
  test("the arguments, holes included, and the first return value", async () => {
    const units = { functions: { list: 'return { select("#", ...), ... }, nil' } };
    expect(await runWorkflow('return funcs.call("app:list", 1, nil, "x", nil)', units)).toEqual(
      new Map<unknown, unknown>([[1, 4], [2, 1], [4, "x"]]),
    );
  });

  test("arguments are copies of what they were at the call", async () => {
    const body = `local t = { n = 1 }
      local future = funcs.async("app:same", t)
      t.n = 2
      return future:channel():receive():data().n`;
    expect(await runWorkflow(body, { functions: { same: "return ..." } })).toBe(1);
  });

  test("metatables cross with arguments and results, also of child runs, and are there after a restart", async () => {
    const body = `local class = { kind = "class" }
      class.__index = class
      local same = funcs.call("app:same", setmetatable({ n = 1 }, class))
      local child = process.exec("app:child", "app:durable", setmetatable({ n = 2 }, class))
      ${pause}
      return { same.kind, same.n, child.kind, child.n, getmetatable(same) ~= class }`;
    const { value } = await acrossRestart(body, {
      functions: { same: "return ..." },
      workflows: { child: "return ..." },
    });
    expect(value).toEqual(["class", 1, "class", 2, true]);
  });

  test("what cannot be copied is refused at once", async () => {
    const body = `${told}
      local deep = {}
      for i = 1, 200 do deep = { deep } end
      return told(funcs.call("app:same", deep))`;
    expect(await runWorkflow(body, { functions: { same: "return ..." } })).toMatchObject({
      kind: "Invalid",
      message: expect.stringContaining("128 levels"),
    });
  });

  test("functions and coroutines among the arguments are nil", async () => {
    const body = `return funcs.call("app:kinds", print, 1, coroutine.create(print))`;
    const kinds = "return type((...)) .. type(select(2, ...)) .. type((select(3, ...)))";
    expect(await runWorkflow(body, { functions: { kinds } })).toBe("nilnumbernil");
  });

  test("many at once, through futures", async () => {
    const body = `local futures, sum = {}, 0
      for i = 1, 20 do futures[i] = funcs.async("app:double", i) end
      for i = 1, 20 do sum = sum + futures[i]:channel():receive():data() end
      return sum`;
    expect(await runWorkflow(body, { functions: { double: "return 2 * ..." } })).toBe(420);
  });

  test("a process with a default host is called like a function", async () => {
    const body = 'return funcs.call("app:worker", 20)';
    const worker = { body: "return 1 + ...", meta: { default_host: "app:processes" } };
    expect(await runWorkflow(body, { processes: { worker } })).toBe(21);
  });
});

describe("failures", () => {
  test("a returned text is final", async () => {
    const application = await startDurable({
      workflows: { main: `${told} return told(${quick}:call("app:fails"))` },
      functions: {
        fails: 'note("attempt") return nil, "out of stock"',
        start: 'return workflow.exec("app:main")',
      },
    });
    expect(await application.call("start")).toEqual({
      kind: "Internal",
      message: "out of stock",
      retryable: false,
      state: "non_retryable_failure",
      wrapper: "activity",
    });
    expect(application.notes()).toEqual(["attempt"]);
  });

  test("a raised error is retried, the last attempt's error is seen", async () => {
    const application = await startDurable({
      workflows: { main: `${told} return told(${quick}:call("app:fails"))` },
      functions: {
        fails: 'note("attempt") error("boom")',
        start: 'return workflow.exec("app:main")',
      },
    });
    expect(await application.call("start")).toMatchObject({
      kind: "Internal",
      message: expect.stringMatching(/app:fails:\d+: boom/),
      state: "maximum_attempts_reached",
    });
    expect(application.notes()).toHaveLength(3);
  });

  test("a listed kind is final", async () => {
    const application = await startDurable({
      workflows: {
        main: `${told} return told(funcs.new():with_options{ ["activity.retry_policy"] = {
          non_retryable_error_types = { "Conflict" } } }:call("app:fails"))`,
      },
      functions: {
        fails: 'note("attempt") return nil, errors.new{ message = "taken", kind = "Conflict" }',
        start: 'return workflow.exec("app:main")',
      },
    });
    expect(await application.call("start")).toMatchObject({ kind: "Conflict", message: "taken" });
    expect(application.notes()).toHaveLength(1);
  });

  test("an attempt that succeeds later", async () => {
    const application = await startDurable({
      workflows: { main: `return ${quick}:call("app:second")` },
      functions: {
        second: `local volume = fs.get("app:files")
          if not volume:exists("notes.txt") then note("first") error("not yet") end
          return "done"`,
        start: 'return workflow.exec("app:main")',
      },
    });
    expect(await application.call("start")).toBe("done");
  });

  test("an entry that is not there, and targets that are none", async () => {
    const body = `${told} return { told(funcs.call("app:nobody")), told(funcs.call("")),
      told(funcs.call("nobody")), told(funcs.call("app:")) }`;
    expect(await runWorkflow(body)).toMatchObject([
      { kind: "NotFound", retryable: false },
      { kind: "Invalid" },
      { kind: "Invalid" },
      { kind: "Invalid" },
    ]);
  });

  test("an attempt that takes too long", async () => {
    const body = `${told} return told(funcs.new():with_options{
      ["activity.start_to_close_timeout"] = 20,
      ["activity.retry_policy"] = { maximum_attempts = 1 } }:call("app:slow"))`;
    expect(await runWorkflow(body, { functions: { slow: 'time.sleep("1h")' } })).toMatchObject({
      kind: "Timeout",
      retryable: false,
      timeout: "start_to_close",
    });
  });

  test("all attempts together take too long", async () => {
    const body = `${told} return told(funcs.new():with_options{
      ["activity.schedule_to_close_timeout"] = "30ms",
      ["activity.retry_policy"] = { initial_interval = 1 } }:call("app:fails"))`;
    expect(await runWorkflow(body, { functions: { fails: 'error("again")' } })).toMatchObject({
      state: "timeout",
    });
  });
});

describe("options", () => {
  test("wrong ones are refused by name before anything is scheduled", async () => {
    const wrong: [string, string][] = [
      ['["activity.start_to_close_timeout"] = "soon"', "activity.start_to_close_timeout"],
      ['["activity.id"] = ""', "activity.id"],
      ['["temporal.activity.id"] = 5', "activity.id"],
      ['["activity.wait_for_cancellation"] = "yes"', "activity.wait_for_cancellation"],
      ['["activity.retry_policy"] = { maximum_attempts = 1.5 }', "maximum_attempts"],
      ['["activity.retry_policy"] = { non_retryable_error_types = { 5 } }', "non_retryable"],
      ['["activity.task_queue"] = ""', "activity.task_queue"],
    ];
    const application = await startDurable({
      workflows: {
        main: `local answers = {}
          for i, options in ipairs{ ${wrong.map(([options]) => `{ ${options} }`).join(", ")} } do
            local executor = funcs.new():with_options(options)
            local value, err = executor:call("app:effect")
            local future, second = executor:async("app:effect")
            answers[i] = { err:kind(), err:message(), future == nil and second:message() }
          end
          return answers`,
      },
      functions: { effect: 'note("ran")', start: 'return workflow.exec("app:main")' },
    });
    const answers = await application.call("start") as string[][];
    for (const [i, [, key]] of wrong.entries()) {
      const [kind, message, second] = answers[i]!;
      expect([kind, second]).toEqual(["Invalid", message!]);
      expect(message).toContain(key);
    }
    expect(application.notes()).toEqual([]);
  });

  test("the entry's own options are the defaults, the call's win", async () => {
    const application = await startDurable({
      workflows: {
        main: `funcs.call("app:fails")
          funcs.new():with_options{ ["temporal.activity.retry_policy"] = {
            maximum_attempts = 3, initial_interval = 1 } }:call("app:fails")`,
      },
      functions: {
        fails: {
          body: 'note("attempt") error("no")',
          meta: { options: { "activity.retry_policy": { maximum_attempts: 1 } } },
        },
        start: 'return workflow.exec("app:main")',
      },
    });
    await application.call("start");
    expect(application.notes()).toHaveLength(4);
  });

  test("an executor's context values overlay the run's for its calls", async () => {
    const application = await startDurable({
      workflows: {
        main: `local own = funcs.call("app:values")
          local other = funcs.new():with_context{ b = 3 }:call("app:values")
          return { own, other, ctx.get("b") }`,
      },
      functions: {
        values: 'return { ctx.get("a"), ctx.get("b") }',
        start: `local pid = process.with_context{ a = 1, b = 2 }
            :spawn_monitored("app:main", "app:durable")
          return process.events():receive().result.value`,
      },
    });
    expect(await application.call("start")).toEqual([[1, 2], [1, 3], 2]);
  });
});

describe("futures", () => {
  /** A function that does not end by itself; its name is gone when it has been aborted. */
  const endless = {
    endless: 'process.registry.register("endless") time.sleep("1h")',
    gone: 'while process.registry.lookup("endless") do time.sleep("2ms") end return true',
    start: 'return workflow.exec("app:main")',
  };
  const begun = 'while not process.registry.lookup("endless") do time.sleep("2ms") end ';

  test("a cancelled future is Canceled at once, and its activity is aborted", async () => {
    const application = await startDurable({
      workflows: {
        main: `local future = funcs.async("app:endless")
          ${begun}
          future:cancel()
          local value, err = future:result()
          return { err:kind(), future:is_canceled(), (select(2, future:channel():receive())),
            funcs.call("app:gone") }`,
      },
      functions: endless,
    });
    expect(await application.call("start")).toEqual(["Canceled", true, false, true]);
  });

  test("a failed call is an error in the channel", async () => {
    const body = `local future = funcs.async("app:fails")
      local got = future:channel():receive()
      return { errors.is(got, "Conflict"), future:error():message(), future:is_complete() }`;
    const fails =
      'return nil, errors.new{ message = "taken", kind = "Conflict", retryable = false }';
    expect(await runWorkflow(body, { functions: { fails } })).toEqual([true, "taken", true]);
  });

  test("activities of a run that is over are aborted", async () => {
    const application = await startDurable({
      workflows: { main: `funcs.async("app:endless") ${begun} return 1` },
      functions: endless,
    });
    expect(await application.call("start")).toBe(1);
    expect(await application.call("gone")).toBe(true);
  });
});

test("an uncaught failure of an activity call does not fail the run by itself", async () => {
  const body = 'local value, err = funcs.call("app:nobody") return err:kind()';
  expect(await runWorkflow(body)).toBe("NotFound");
});

test("a call's error can be the run's", async () => {
  const found = await failure(runWorkflow('return funcs.call("app:nobody")'));
  expect(found.kind).toBe("NotFound");
});
