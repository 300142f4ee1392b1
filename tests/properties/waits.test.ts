/**
 * Thousands of processes that wait in every way and end at any moment, many on the coroutine of one that has ended, in
 * a simulation on one to three workers: each is woken only by what it asked for. `WIPPY_SEED` begins with another
 * seed, `WIPPY_RUNS` tries more.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Simulation } from "../../src/platform/simulation.ts";
import { startApplication } from "../integration/application.ts";

const directory = import.meta.dirname;
const code = async (name: string) => ({
  source: await Bun.file(`${directory}/${name}.lua`).text(),
});
const sources = {
  functions: {
    storm: await code("storm"),
    echo: `local time = require("time")
      return { main = function(value, ms)
        if ms > 0 then time.sleep(ms .. "ms") end
        return value
      end }`,
  },
  processes: {
    waiting: await code("waiting"),
    killer: await code("killer"),
    brief: `local time = require("time")
      return { main = function(value) time.sleep("1ms") return value end }`,
    brittle: `local time = require("time")
      return { main = function() time.sleep("1ms") error("on purpose") end }`,
    // Its body runs below what started it.
    restless: `local time, funcs = require("time"), require("funcs")
      local function never(...) assert(not pcall(...), "waited in a body") end
      never(time.sleep, "2ms")
      never(funcs.call, "app:echo", 1, 1)
      never(process.registry.lookup, "nobody")
      never(coroutine.spawn, function() end)
      never(channel.select, { time.after("2ms"):case_receive() })
      return { main = function() time.sleep("1ms") end }`,
  },
};

/** What the storm reports. */
interface Report {
  faults: unknown;
  missing: unknown;
  started: number;
  done: number;
}

const runs = {
  seed: Number(process.env["WIPPY_SEED"] ?? 1),
  numRuns: Number(process.env["WIPPY_RUNS"] ?? 6),
};

test("a process is woken only by what it asked for", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2 ** 31),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 40 }),
      async (seed, workers, count, most) => {
        const simulation = new Simulation({ seed });
        const application = await startApplication(sources, { simulation, workers });
        try {
          const report = await application.call("storm", seed, count, most) as unknown as Report;
          const { faults, missing, started } = report;
          expect({ faults, missing, started }).toEqual({ faults: {}, missing: {}, started: count });
          // The others were told to end another way, or were ended.
          expect(report.done).toBeGreaterThan(count / 4 - 10);
          // Of those that fail on purpose most are only counted.
          const wrong = application.logs.filter(({ level, message, fields }) =>
            level === "error" && !message.includes("crashed again and again") &&
            !Bun.inspect(fields).includes("on purpose")
          );
          expect(wrong).toEqual([]);
        } finally {
          await application.stop();
        }
      },
    ),
    runs,
  );
}, 600_000);
