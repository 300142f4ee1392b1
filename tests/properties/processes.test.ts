/**
 * Random programs of processes that send, link, monitor, name, cancel and terminate each other, in a simulation on one to
 * three workers. `WIPPY_SEED` begins with another seed, `WIPPY_RUNS` tries more; a failure prints the smallest program.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Simulation } from "../../src/platform/simulation.ts";
import type { LuaValue } from "../../src/vm/value.ts";
import { startApplication } from "../integration/application.ts";
import { faults, type Outcome } from "./model.ts";

const directory = import.meta.dirname;
const code = async (name: string) => ({
  source: await Bun.file(`${directory}/${name}.lua`).text(),
});
const sources = {
  functions: { drive: await code("driver") },
  processes: { actor: await code("actor") },
};

const slots = 7;
const slot = fc.integer({ min: 1, max: slots });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant("send"), to: slot }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom("link", "monitor"), to: slot }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom("unlink", "unmonitor", "terminate", "cancel"),
      to: slot,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("register", "unregister", "sleep"),
      to: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("spawn"),
      to: slot,
      how: fc.constantFrom("spawn", "spawn_linked", "spawn_monitored", "spawn_linked_monitored"),
    }),
  },
);
const script = fc.record({
  trap: fc.boolean(),
  steps: fc.array(step, { maxLength: 10 }),
  ending: fc.constantFrom("wait", "wait", "wait", "return", "fail"),
});
const program = fc.record({
  roots: fc.integer({ min: 2, max: 4 }),
  scripts: fc.array(script, { minLength: slots, maxLength: slots }),
});

const runs = {
  seed: Number(process.env["WIPPY_SEED"] ?? 1),
  numRuns: Number(process.env["WIPPY_RUNS"] ?? 40),
};

type Program = typeof program extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs programs, one after the other; the rules hold for each, and nothing is left. */
async function hold(seed: number, workers: number, programs: readonly Program[]): Promise<void> {
  const application = await startApplication(sources, {
    simulation: new Simulation({ seed }),
    workers,
  });
  try {
    for (const { roots, scripts } of programs) {
      const outcome = await application.call("drive", scripts as unknown as LuaValue, roots);
      expect(faults(scripts, outcome as unknown as Outcome)).toEqual([]);
    }
    const { units } = await application.node.control.units({});
    expect(units).toEqual([]);
  } finally {
    await application.stop();
  }
}

test("every end is told once, links and names hold, messages keep their order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2 ** 31),
      fc.integer({ min: 1, max: 3 }),
      fc.array(program, { minLength: 1, maxLength: 40 }),
      hold,
    ),
    runs,
  );
}, 600_000);

test("two that link each other end together, whenever one of them is terminated", async () => {
  const script = (...steps: Program["scripts"][number]["steps"]) => ({
    trap: false,
    steps,
    ending: "wait" as const,
  });
  const scripts = [
    script({ op: "link", to: 2 }),
    script({ op: "link", to: 1 }),
    script(),
    script({ op: "terminate", to: 1 }),
    ...Array.from({ length: slots - 4 }, () => script()),
  ];
  for (let seed = 0; seed < 40; seed++) await hold(seed, 2, Array(4).fill({ roots: 4, scripts }));
}, 60_000);

test("the same holds when a worker dies in the middle", async () => {
  let survived = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2 ** 31),
      program,
      fc.integer({ min: 0, max: 2 }),
      fc.double({ min: 0, max: 4, noNaN: true }),
      async (seed, { roots, scripts }, worker, delay) => {
        const simulation = new Simulation({ seed });
        const application = await startApplication(sources, { simulation, workers: 3 });
        try {
          simulation.setTimer(delay, () => application.node.killWorker(worker));
          const outcome = await application.call("drive", scripts as unknown as LuaValue, roots)
            .catch((error: Error) => error.message);
          if (typeof outcome === "string") {
            // The driver itself was on it: its caller hears so, and nobody is left to give an account.
            expect(outcome).toBe(`worker ${worker} was killed`);
            return;
          }
          survived++;
          expect(faults(scripts, outcome as unknown as Outcome)).toEqual([]);
          expect((await application.node.control.units({})).units).toEqual([]);
        } finally {
          await application.stop();
        }
      },
    ),
    runs,
  );
  expect(survived).toBeGreaterThan(runs.numRuns / 4);
}, 600_000);
