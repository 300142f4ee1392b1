import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { main, runFunction, runProcess, startApplication } from "../application.ts";
import { until } from "../../until.ts";

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

  test("lazy: up to max_size, 16 unless given", async () => {
    expect(await most({ type: "lazy", max_size: 2 }, 5)).toBe(2);
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

/** A function whose body says when an instance is made, and whose calls take a second. */
const made = `local time = require("time")
print("made")
return { main = function() time.sleep("1s") end }`;

test("a lazy pool gives its instances up when it was unused for 30 seconds", async () => {
  const application = await startApplication({
    functions: {
      made: { source: made, pool: { type: "lazy" } },
      main: {
        modules: ["funcs", "time"],
        source: main(`
          local counts = {}
          for _, pause in ipairs({ "1s", "20s", "29s", "46s" }) do
            local first, second = funcs.async("app:made"), funcs.async("app:made")
            first:response():receive()
            second:response():receive()
            time.sleep(pause)
          end
          funcs.call("app:made")`),
      },
    },
  }, { simulation: new Simulation({ seed: 1 }) });
  await application.call("main");
  // Two for all calls before the long pause, one for the call after it.
  expect(application.logs.filter(({ message }) => message === "made").length).toBe(3);
});

/** The most calls that ran together in each second of `seconds`, while `load` calls. */
const adapting = async (load: string, most: number, seconds: number, work: string) => {
  const application = await startApplication({
    functions: {
      work: { source: main(work), pool: { type: "adaptive", max_size: most } },
      main: {
        modules: ["funcs", "time"],
        source: main(`
          process.registry.register("counter")
          local inbox, now, most, tops = process.inbox(), 0, 0, {}
          local over = false
          ${load}
          local second = time.ticker("1s")
          while #tops < ${seconds} do
            local got = channel.select({ inbox:case_receive(), second:response():case_receive() })
            if got.channel == inbox then
              now = now + (got.value:topic() == "in" and 1 or -1)
              most = math.max(most, now)
            else
              tops[#tops + 1], most = most, now
            end
          end
          over = true
          return tops`),
      },
      one: { source: main('time.sleep("100ms")'), pool: { type: "inline" } },
    },
  }, { simulation: new Simulation({ seed: 1 }) });
  return await application.call("main") as number[];
};

const waits = `process.send("counter", "in")
  time.sleep("10ms")
  process.send("counter", "out")`;

test("an adaptive pool grows while that lets more calls through, up to its most", async () => {
  const callers = `for i = 1, 40 do
    coroutine.spawn(function()
      while not over do funcs.call("app:work") end
    end)
  end`;
  const tops = await adapting(callers, 8, 60, waits);
  expect(tops[0]).toBeLessThan(5);
  expect(Math.max(...tops)).toBe(8);
  expect(tops.at(-1)).toBe(8);
}, 30_000);

test("an adaptive pool takes back what brought nothing", async () => {
  // However many run, ten a second come through, and more than that are asked for.
  const tops = await adapting(
    `coroutine.spawn(function()
      while not over do
        funcs.async("app:work")
        time.sleep("20ms")
      end
    end)`,
    16,
    60,
    `process.send("counter", "in")
     funcs.call("app:one")
     process.send("counter", "out")`,
  );
  expect(Math.max(...tops)).toBeGreaterThan(1);
  expect(tops.at(-1)).toBeLessThan(8);
});

test("a recursion that holds its whole pool ends with an error instead of waiting for itself", async () => {
  const deep = (pool: Record<string, unknown>) =>
    runFunction('return funcs.call("app:deep", 5)', {
      functions: {
        deep: {
          source: main(`local n = ...
            if n == 0 then return "bottom" end
            local value, err = funcs.call("app:deep", n - 1)
            return value or err:kind() .. ": " .. err:message()`),
          pool,
        },
      },
    });
  const text = (most: number) =>
    `Internal: calls of app:deep within each other hold all ${most} instances of its pool; ` +
    "set pool.max_size above the depth of the recursion";
  expect(await deep({ type: "inline" })).toBe(text(1));
  expect(await deep({ type: "lazy", max_size: 5 })).toBe(text(5));
  expect(await deep({ type: "lazy", max_size: 6 })).toBe("bottom");
});

test("calls that wait for a function that is removed fail; the one that runs ends in its time", async () => {
  const app = await startApplication({
    functions: {
      slow: { source: main('time.sleep("200ms") return "done"'), pool: { type: "inline" } },
    },
  });
  const calls = [app.call("slow"), app.call("slow"), app.call("slow")].map((call) =>
    call.catch(({ kind, message, retryable }) => ({ kind, message, retryable }))
  );
  await until(async () => {
    const pools = await app.node.control.functions();
    return pools.some(({ id, queued }) => id === "app:slow" && queued === 2);
  });
  await app.node.registry.apply([{
    kind: "entry.delete",
    entry: app.node.registry.versions.entries.get("app:slow")!,
  }]);
  const closed = { kind: "Unavailable", message: "pool is closed", retryable: false };
  expect(await Promise.all(calls)).toEqual(["done", closed, closed]);
  await expect(app.call("slow")).rejects.toMatchObject({ kind: "NotFound" });
});
