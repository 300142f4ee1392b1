import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { main, runFunction, runProcess, startApplication } from "../application.ts";

const functions = {
  add: "return function(a, b) return a + b end",
  slow: main('time.sleep("2ms") return ...'),
  nothing: "return function() end",
  many: "return function() return 1, nil, 3 end",
  fails: main(`error(errors.new{ message = "m", kind = errors.CONFLICT, retryable = true,
    details = { a = 1 } })`),
  text: 'return function() return nil, "text" end',
  endless: main("time.sleep('1h')"),
};
const run = (body: string, more: Record<string, string> = {}) =>
  runProcess(body, { functions: { ...functions, ...more } });

describe("call", () => {
  test("gives the first value", async () => {
    expect(await run('return { funcs.call("app:add", 1, 2), (funcs.call("app:many")) }')).toEqual([
      3,
      1,
    ]);
    expect(
      await run('return { select("#", funcs.call("app:nothing")), funcs.call("app:nothing") }'),
    )
      .toEqual([2]);
  });

  test("gives the function's own error", async () => {
    expect(
      await run(`local value, err = funcs.call("app:fails")
        local _, text = funcs.call("app:text")
        return { value == nil, err:kind(), err:message(), err:retryable(), err:details().a,
          text:kind(), text:message(), text:retryable() }`),
    ).toEqual([true, "Conflict", "m", true, 1, "Internal", "text", false]);
  });

  test("a result that takes many slices to copy arrives", async () => {
    const large = `return function(n)
      local t = {}
      for i = 1, n do t["k" .. i] = { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6 } end
      return t
    end`;
    const long = `return function(n)
      local t = {}
      for i = 1, n do t[i] = true end
      return t
    end`;
    expect(
      await run(
        `local list = {}
        for _, n in ipairs({ 10, 20000 }) do
          local count = 0
          for _ in pairs((funcs.call("app:large", n))) do count = count + 1 end
          table.insert(list, count)
        end
        local _, err = funcs.call("app:long", 1000001)
        table.insert(list, err:kind() .. ": " .. err:message())
        return list`,
        { large, long },
      ),
    ).toEqual([
      10,
      20000,
      "Invalid: cannot copy more than 1000000 values at once; send them in parts",
    ]);
  });

  test("what it refuses", async () => {
    expect(
      await run(`local list = {}
        for _, name in ipairs({ "call", "async" }) do
          for _, target in ipairs({ "", "add", ":add", "app:" }) do
            local value, err = funcs[name](target)
            table.insert(list, tostring(value) .. " " .. err:kind() .. " " .. err:message())
          end
        end
        local value, err = funcs.call("app:nowhere")
        table.insert(list, tostring(value) .. " " .. err:kind() .. " " .. err:message())
        table.insert(list, err:details().target)
        return list`),
    ).toEqual([
      ...Array.from({ length: 2 }, () => [
        "nil Invalid function ID required",
        "nil Invalid namespace required in function ID",
        "nil Invalid namespace required in function ID",
        "nil Invalid name required in function ID",
      ]).flat(),
      "nil NotFound no handler registered for target: app:nowhere",
      "app:nowhere",
    ]);
  });

  test("a target that is no text raises", async () => {
    expect(
      await run("return { (pcall(funcs.call)), (pcall(funcs.async, 1)), (pcall(funcs.call, {})) }"),
    )
      .toEqual([false, false, false]);
  });

  test("libraries and processes without a default host cannot be called", async () => {
    expect(
      await runProcess(
        `local kinds = {}
         for _, id in ipairs({ "app:lib", "app:main", "app:processes" }) do
           local _, err = funcs.call(id)
           table.insert(kinds, err:kind())
         end
         return kinds`,
        { libraries: { lib: "return {}" } },
      ),
    ).toEqual(["NotFound", "NotFound", "NotFound"]);
  });

  test("many arguments and many calls reuse instances safely", async () => {
    expect(
      await run(
        `local total = 0
        for i = 1, 500 do
          total = total + funcs.call("app:add", i, 1)
          total = total + #funcs.call("app:list", i, nil, 2, 3, 4)
          local _, err = funcs.call("app:fails")
          assert(err:kind() == "Conflict")
        end
        return total`,
        { list: "return function(...) return { select('#', ...), 0 } end" },
      ),
    ).toBe(500 * 501 / 2 + 500 + 1000);
  });

  test("two callers of one function do not mix", async () => {
    expect(
      await run(`local results, done = {}, channel.new(10)
        for i = 1, 10 do
          coroutine.spawn(function()
            results[i] = funcs.call("app:slow", i)
            done:send(true)
          end)
        end
        for _ = 1, 10 do done:receive() end
        return results`),
    ).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("a function calls a function that calls a function", async () => {
    const fib = main(`local n = ...
      if n < 2 then return n end
      return funcs.call("app:fib", n - 1) + funcs.call("app:fib", n - 2)`);
    expect(await run('return funcs.call("app:fib", 10)', { fib })).toBe(55);
  });

  test("upgrade in a function ends the call with nil", async () => {
    expect(
      await run(
        'return { select("#", funcs.call("app:up")), funcs.call("app:up"), funcs.call("app:add", 1, 1) }',
        {
          up: 'return function() process.upgrade("app:add") return "not reached" end',
        },
      ),
    ).toEqual(new Map([[1, 2], [3, 2]]));
  });
});

describe("cancellation", () => {
  test("a terminated caller takes everything that it called along", async () => {
    const outer = main('process.send(..., "outer", process.pid()) funcs.call("app:inner", ...)');
    const inner = main(`process.send(..., "inner", process.pid())
      local ok = pcall(time.sleep, "1h")
      process.send(..., "went on", ok)`);
    expect(
      await runProcess(
        `local inbox = process.inbox()
         local caller = process.spawn("app:caller", "app:processes", process.pid())
         local outer = inbox:receive():payload():data()
         local inner = inbox:receive():payload():data()
         process.monitor(outer)
         process.monitor(inner)
         process.terminate(caller)
         local log = {}
         for _ = 1, 2 do
           local e = process.events():receive()
           table.insert(log, e.result.error:kind() .. " " .. e.result.error:message())
         end
         local rest = channel.select{ inbox:case_receive(), default = true }
         table.insert(log, rest.default)
         return log`,
        {
          functions: { outer, inner },
          processes: { caller: main('funcs.call("app:outer", ...)') },
        },
      ),
    ).toEqual(["Canceled context canceled", "Canceled context canceled", true]);
  });

  test("asynchronous calls end with their caller", async () => {
    const inner = main('process.send(..., "inner", process.pid()) time.sleep("1h")');
    expect(
      await runProcess(
        `local inbox = process.inbox()
         process.spawn("app:caller", "app:processes", process.pid())
         local inner = inbox:receive():payload():data()
         process.monitor(inner)
         local caller = inbox:receive():payload():data()
         process.send(caller, "end")
         return process.events():receive().result.error:kind()`,
        {
          functions: { inner },
          processes: {
            caller: main(`funcs.async("app:inner", ...)
              local inbox = process.inbox()
              time.sleep("2ms")
              process.send(..., "caller", process.pid())
              inbox:receive()`),
          },
        },
      ),
    ).toBe("Canceled");
  });

  test("a caller that waits for a free instance can be ended", async () => {
    const app = await startApplication({
      functions: {
        one: { source: main('time.sleep("20ms") return ...'), pool: { type: "inline" } },
        drive: main(`local first = funcs.async("app:one", 1)
          local caller = process.spawn_monitored("app:caller", "app:processes")
          time.sleep("1ms")
          process.terminate(caller)
          process.events():receive()
          return { first:channel():receive():data(), (funcs.call("app:one", 2)) }`),
      },
      processes: { caller: main('funcs.call("app:one", "never")') },
    });
    expect(await app.call("drive")).toEqual([1, 2]);
  });
});

describe("async", () => {
  test("the channel gives the Payload, then is closed", async () => {
    expect(
      await run(`local f = funcs.async("app:slow", { 1 })
        local before = { f:is_complete(), f:result() == nil, select(2, f:error()) }
        local payload, ok = f:channel():receive()
        local rest, open = f:response():receive()
        return { before, payload:data()[1], payload:get_format(), ok, rest == nil, open,
          f:is_complete(), f:result():data()[1], select("#", f:result()), select(2, f:error()),
          f:channel() == f:response(), type(f) }`),
    ).toEqual([
      [false, true, false],
      1,
      "lua/any",
      true,
      true,
      false,
      true,
      1,
      2,
      false,
      true,
      "userdata",
    ]);
  });

  test("a failure is an Error on the channel, kind kept", async () => {
    expect(
      await run(`local f = funcs.async("app:fails")
        local err, ok = f:channel():receive()
        local _, open = f:channel():receive()
        local value, same = f:result()
        local failure, failed = f:error()
        return { err:kind(), ok, open, value == nil, same:kind(), failure:kind(), failed }`),
    ).toEqual(["Conflict", true, false, true, "Conflict", "Conflict", true]);
  });

  test("an unknown function fails the Future, not the call", async () => {
    expect(
      await run(`local f, err = funcs.async("app:nowhere")
        return { err == nil, f:channel():receive():kind(), f:is_complete() }`),
    ).toEqual([true, "NotFound", true]);
  });

  test("a function without result gives a Payload of nil", async () => {
    expect(
      await run(`local p, ok = funcs.async("app:nothing"):channel():receive()
        return { type(p), p:data() == nil, ok }`),
    ).toEqual(["userdata", true, true]);
  });

  test("cancel closes the channel and drops the result", async () => {
    expect(
      await run(`local f = funcs.async("app:endless")
        local log = { f:is_canceled(), f:cancel(), f:cancel() }
        local v, ok = f:channel():receive()
        local value, err = f:result()
        for _, x in ipairs({ v == nil, ok, f:is_canceled(), value == nil, err:kind(), err:message() }) do
          table.insert(log, x)
        end
        return log`),
    ).toEqual([false, true, true, true, false, true, true, "Canceled", "canceled"]);
  });

  test("cancel after completion still counts for result", async () => {
    expect(
      await run(`local f = funcs.async("app:add", 1, 2)
        local p = f:channel():receive()
        f:cancel()
        local value, err = f:result()
        return { p:data(), value == nil, err:kind() }`),
    ).toEqual([3, true, "Canceled"]);
  });

  test("the one that is done first decides a select", async () => {
    expect(
      await run(`local slow, quick = funcs.async("app:endless"), funcs.async("app:add", 1, 2)
        local r = channel.select{ slow:channel():case_receive(), quick:channel():case_receive() }
        slow:cancel()
        return { r.channel == quick:channel(), r.value:data() }`),
    ).toEqual([true, 3]);
  });

  test("cancelled calls give their places back", async () => {
    expect(
      await runFunction(
        `for _ = 1, 5 do
           local f = funcs.async("app:one", "1h")
           f:cancel()
         end
         return funcs.call("app:one", "1ms")`,
        {
          functions: {
            one: {
              source: main('time.sleep(...) return "free"'),
              pool: { type: "static", size: 1 },
            },
          },
        },
      ),
    ).toBe("free");
  });
});

describe("Executor", () => {
  test("context values reach the function and what it calls, merged per key", async () => {
    const seen = main('return (require("ctx").all())');
    const relay = main('return (funcs.call("app:seen"))');
    expect(
      await runFunction(
        `local one = funcs.new():with_context({ a = 1, b = 1 })
         local two = one:with_context({ b = 2 })
         return { (one:call("app:seen")), (two:call("app:relay")), (funcs.call("app:seen")),
           two:async("app:seen"):channel():receive():data() }`,
        { functions: { seen, relay } },
      ),
    ).toEqual([{ a: 1, b: 1 }, { a: 1, b: 2 }, {}, { a: 1, b: 2 }]);
  });

  test("the callee gets a snapshot", async () => {
    expect(
      await runFunction(
        `local values = { list = { 1 } }
         local executor = funcs.new():with_context(values)
         values.list[1] = 2
         local seen = executor:call("app:change")
         return { seen, (executor:call("app:change")) }`,
        {
          functions: {
            change: main(`local list = require("ctx").get("list")
              local before = list[1]
              list[1] = "changed"
              return before`),
          },
        },
      ),
    ).toEqual([1, 1]);
  });

  test("has the same checks", async () => {
    expect(
      await run(`local e = funcs.new()
        local _, err = e:call("")
        local _, second = e:async("x")
        return { err:kind(), second:kind(), (pcall(e.call, {}, "app:add")), (pcall(e.with_context, e)),
          (pcall(e.with_options, e, 1)) }`),
    ).toEqual(["Invalid", "Invalid", false, false, false]);
  });
});

describe("a failure that nobody reads", () => {
  /** Runs code that lives as long as its function, and gives what was logged of unread futures. */
  async function unread(body: string, workers = 1): Promise<unknown[]> {
    const application = await startApplication({
      functions: { ...functions, run: { modules: ["funcs", "time"], source: main(body) } },
    }, { workers });
    await application.call("run");
    return application.logs.filter(({ logger }) => logger === "funcs")
      .map(({ level, message, fields }) => ({ level, message, ...fields }));
  }

  test.each([
    ["at the end of its unit", 'local f = funcs.async("app:fails") time.sleep("5ms") return 1'],
    ["with its channel held", 'local ch = funcs.async("app:fails"):channel() time.sleep("5ms")'],
    [
      "that was only asked whether it is complete",
      'local f = funcs.async("app:fails") time.sleep("5ms") return f:is_complete()',
    ],
    ["of a function that does not exist", 'funcs.async("app:none")'],
  ])("is one record: %s", async (_when, body) => {
    expect(await unread(body)).toEqual([
      expect.objectContaining({
        level: "warn",
        message: expect.stringMatching(/^app:(fails|none) failed, and nobody read its future$/),
        caller: "app:run",
      }),
    ]);
  });

  test("on another worker is one record too", async () => {
    expect(await unread('for _ = 1, 4 do funcs.async("app:fails") end time.sleep("300ms")', 2))
      .toHaveLength(4);
  });

  test.each([
    [
      "result",
      'local f = funcs.async("app:fails") time.sleep("5ms") local _, err = f:result() return err:kind()',
    ],
    ["error", 'local f = funcs.async("app:fails") time.sleep("5ms") return f:error():kind()'],
    ["channel", 'return funcs.async("app:fails"):channel():receive():kind()'],
    ["cancel", 'local f = funcs.async("app:endless") f:cancel()'],
    ["cancel after it failed", 'local f = funcs.async("app:fails") time.sleep("5ms") f:cancel()'],
    ["success", 'funcs.async("app:add", 1, 2) time.sleep("5ms")'],
  ])("is none once it was read: %s", async (_how, body) => {
    expect(await unread(body)).toEqual([]);
  });

  test("is told while its unit lives on, once the future is dropped", async () => {
    const application = await startApplication({
      functions: {
        ...functions,
        run: {
          modules: ["funcs", "time", "logger"],
          source: main(`
            funcs.async("app:fails")
            time.sleep("1s")
            for i = 1, 300000 do local garbage = { i } end
            time.sleep("15s")
            require("logger"):warn("still there")`),
        },
      },
    }, { simulation: new Simulation({ seed: 1 }) });
    await application.call("run");
    expect(application.logs.map(({ message }) => message)).toEqual([
      "app:fails failed, and nobody read its future",
      "still there",
    ]);
  });
});

test("context values that no other unit can have arrive as their text", async () => {
  const texts = await runFunction(
    `local values = { f = print, c = channel.new(1), list = { 1, 2, x = 3 }, map = { [5] = "five" } }
    local found = funcs.new():with_context(values):call("app:context")
    return { type(found.f), type(found.c), #found.list, found.list.x == nil, found.map["5"] }`,
    { functions: { context: 'return { main = function() return require("ctx").all() end }' } },
  );
  expect(texts).toEqual(["string", "string", 2, true, "five"]);
});
