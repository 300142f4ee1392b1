import { describe, expect, test } from "bun:test";
import { main, runFunction, runProcess, startApplication } from "../application.ts";

/** A function that tells how many of its kind run at once: it asks the process `counter`. */
const counted = main(`process.send("counter", "in")
  time.sleep("2ms")
  process.send("counter", "out")`);

/** Runs `calls` calls of `app:counted` at once, and gives the most that ran together. */
const most = (pool: Record<string, unknown>, calls: number) =>
  runProcess(
    `process.registry.register("counter")
     local inbox, now, most = process.inbox(), 0, 0
     for _ = 1, ${calls} do funcs.async("app:counted") end
     for _ = 1, ${calls * 2} do
       now = now + (inbox:receive():topic() == "in" and 1 or -1)
       most = math.max(most, now)
     end
     return most`,
    { functions: { counted: { source: counted, pool } } },
  );

describe("how many calls of a function run at once", () => {
  test("inline: one", async () => {
    expect(await most({ type: "inline" }, 4)).toBe(1);
  });

  test("static: its workers, else its size, else 8", async () => {
    expect(await most({ type: "static", workers: 3 }, 7)).toBe(3);
    expect(await most({ size: 2 }, 5)).toBe(2);
    expect(await most({ type: "static" }, 12)).toBe(8);
  });

  test("lazy and adaptive: up to max_size, 16 unless given", async () => {
    expect(await most({ type: "lazy", max_size: 2 }, 5)).toBe(2);
    expect(await most({ type: "adaptive", max_size: 3 }, 7)).toBe(3);
    expect(await most({}, 20)).toBe(16);
  });
});

test("calls that wait are served in order", async () => {
  expect(
    await runProcess(
      `local done, log = channel.new(5), {}
       for i = 1, 5 do
         coroutine.spawn(function()
           table.insert(log, (funcs.call("app:one", i)))
           done:send(true)
         end)
       end
       for _ = 1, 5 do done:receive() end
       return log`,
      {
        functions: {
          one: { source: main('time.sleep("1ms") return ...'), pool: { type: "inline" } },
        },
      },
    ),
  ).toEqual([1, 2, 3, 4, 5]);
});

test("a failed call gives its place back", async () => {
  expect(
    await runFunction(
      `local kinds = {}
       for i = 1, 5 do
         local _, err = funcs.call("app:one")
         kinds[i] = err:kind()
       end
       return kinds`,
      {
        functions: {
          one: { source: main('time.sleep("1ms") error("x")'), pool: { type: "inline" } },
        },
      },
    ),
  ).toEqual(Array(5).fill("Internal"));
});

test("a call that fails in a coroutine beside its main gives its place back", async () => {
  expect(
    await runFunction(
      `local log = {}
       for i = 1, 3 do
         local _, err = funcs.call("app:one", "fail")
         log[i] = err:message():match("beside")
       end
       log[4] = funcs.call("app:one", "well")
       return log`,
      {
        functions: {
          one: {
            source: main(`local how = ...
              if how == "well" then return how end
              coroutine.spawn(function() time.sleep("1ms") error("beside") end)
              time.sleep("1h")`),
            pool: { type: "inline" },
          },
        },
      },
    ),
  ).toEqual(["beside", "beside", "beside", "well"]);
});

test("what a call leaves behind does not disturb the next call of its instance", async () => {
  expect(
    await runFunction(
      `local log = {}
       for i = 1, 3 do
         log[#log + 1] = funcs.call("app:one", i)
         time.sleep("2ms")
       end
       return log`,
      {
        functions: {
          one: {
            source: main(`local n = ...
              local inbox = process.inbox()
              local before = channel.select{ inbox:case_receive(), default = true }.default
              coroutine.spawn(function() time.sleep("1ms") error("of an earlier call") end)
              local after = time.after("1ms")
              process.send(process.pid(), "left behind")
              return before and n`),
            pool: { type: "inline" },
          },
        },
      },
    ),
  ).toEqual([1, 2, 3]);
});

test("the loading error of a pooled function reaches every caller that waits", async () => {
  const app = await startApplication({
    functions: { broken: { source: 'error("at load")', pool: { type: "static", size: 2 } } },
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => app.call("broken")));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});
