import { describe, expect, test } from "bun:test";
import { main, runProcess, startApplication } from "../application.ts";

const endless = main(`process.send(..., "looping")
  process.events()
  while true do end`);

describe("an endless loop", () => {
  test("lets the others go on, ignores cancel, ends by terminate", async () => {
    expect(
      await runProcess(
        `local looping = process.listen("looping")
         local pid = process.spawn_monitored("app:endless", "app:processes", process.pid())
         looping:receive()
         local log = {}
         for i = 1, 3 do time.sleep("1ms") log[i] = funcs.call("app:add", i, 1) end
         assert(process.cancel(pid))
         time.sleep("1ms")
         log[4] = channel.select{ process.events():case_receive(), default = true }.default
         assert(process.terminate(pid))
         log[5] = process.events():receive().result.error:message()
         return log`,
        { processes: { endless }, functions: { add: "return function(a, b) return a + b end" } },
      ),
    ).toEqual([2, 3, 4, true, "process terminated"]);
  });

  test("in any disguise", async () => {
    const disguises = {
      protected: "while true do pcall(function() while true do end end) end",
      recursion: "local function f() return f() end f()",
      wrapped: "coroutine.wrap(function() while true do end end)()",
      generator:
        "local g = coroutine.wrap(function() while true do coroutine.yield() end end) while true do g() end",
      metamethod:
        "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
      spawned: "coroutine.spawn(function() while true do end end) time.sleep('1h')",
      yielding: "while true do coroutine.yield() end",
      sending: "while true do process.send('nobody', 't') end",
      strings: "while true do local s = ('x'):rep(10) end",
    };
    const processes: Record<string, string> = {};
    for (const [name, code] of Object.entries(disguises)) {
      processes[name] = main(`process.send(..., "up")\n${code}`);
    }
    const names = Object.keys(disguises).map((name) => `"${name}"`).join(", ");
    expect(
      await runProcess(
        `local up, ended = process.listen("up"), {}
         for _, name in ipairs({ ${names} }) do
           local pid = process.spawn_monitored("app:" .. name, "app:processes", process.pid())
           up:receive()
           time.sleep("1ms")
           assert(process.terminate(pid))
           local e = process.events():receive()
           table.insert(ended, e.result.error:message())
         end
         return ended`,
        { processes },
      ),
    ).toEqual(Array(Object.keys(disguises).length).fill("process terminated"));
  });

  test("of a function ends with its caller", async () => {
    expect(
      await runProcess(
        `local up = process.listen("looping")
         local pid = process.spawn("app:caller", "app:processes", process.pid())
         up:receive()
         process.terminate(pid)
         return funcs.call("app:add", 1, 2)`,
        {
          functions: { endless, add: "return function(a, b) return a + b end" },
          processes: { caller: main('funcs.call("app:endless", ...)') },
        },
      ),
    ).toBe(3);
  });

  test("inside a sort comparator or a pattern cannot be interrupted, but ends", async () => {
    const app = await startApplication({
      processes: {
        stuck: main("table.sort({ 1, 2, 3 }, function() while true do end end)"),
      },
      functions: {
        drive: main(`process.spawn_monitored("app:stuck", "app:processes")
          return process.events():receive().result.error:message()`),
        works: "return function() return true end",
      },
    });
    const outcome = await app.call("drive").catch((error) => error.message);
    expect(outcome).toBeString();
    expect(await app.call("works")).toBe(true);
  });

  test("units take turns", async () => {
    const counter = main(`local parent, name = ...
      for _ = 1, 5 do
        for _ = 1, 500000 do end
        process.send(parent, "turn", name)
      end`);
    const turns = await runProcess(
      `local turn, log = process.listen("turn"), {}
       for _, name in ipairs({ "a", "b" }) do
         process.spawn("app:counter", "app:processes", process.pid(), name)
       end
       for i = 1, 10 do log[i] = turn:receive() end
       return table.concat(log)`,
      { processes: { counter } },
    ) as string;
    expect(turns).toHaveLength(10);
    expect(turns).not.toMatch(/^(aaaaabbbbb|bbbbbaaaaa)$/);
  });
});

describe("many", () => {
  test("20,000 processes live at once and each answers", async () => {
    const one = main(`local parent = ...
      local m = process.inbox():receive()
      process.send(parent, "answer", m:payload():data())`);
    expect(
      await runProcess(
        `local answer, pids, sum = process.listen("answer"), {}, 0
         for i = 1, 20000 do pids[i] = assert(process.spawn("app:one", "app:processes", process.pid())) end
         for i = 1, 20000 do process.send(pids[i], "ask", i) end
         for _ = 1, 20000 do sum = sum + answer:receive() end
         return sum`,
        { processes: { one } },
      ),
    ).toBe(20000 * 20001 / 2);
  }, 20000);

  test("1,000 coroutines and timers of one process", async () => {
    expect(
      await runProcess(`local done = channel.new(1000)
        for i = 1, 1000 do
          coroutine.spawn(function()
            time.sleep(i % 7 * time.MILLISECOND)
            done:send(i)
          end)
        end
        local sum = 0
        for _ = 1, 1000 do sum = sum + done:receive() end
        return sum`),
    ).toBe(500500);
  });
});

test("sleepers wake in the order of their times", async () => {
  expect(
    await runProcess(`local log, done = {}, channel.new(5)
      for _, ms in ipairs({ 5, 1, 4, 2, 3 }) do
        coroutine.spawn(function()
          time.sleep(ms * time.MILLISECOND)
          table.insert(log, ms)
          done:send(true)
        end)
      end
      for _ = 1, 5 do done:receive() end
      return log`),
  ).toEqual([1, 2, 3, 4, 5]);
});
