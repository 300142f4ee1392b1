/**
 * Random workflow programs, run in a simulation with crashes of the runtime, deaths of workers and a small cache: what comes of
 * them equals what comes of the same program undisturbed. `WIPPY_SEED` begins with another seed, `WIPPY_RUNS` tries more; a
 * failure prints the smallest program.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Disturbance, essence, runProgram } from "./crashing.ts";

const how = fc.constantFrom("ok", "ok", "fail", "flaky");
const op = <Fields extends Record<string, fc.Arbitrary<unknown>>>(name: string, fields: Fields) =>
  fc.record({ op: fc.constant(name), ...fields });
const list = (step: fc.Arbitrary<unknown>, maxLength: number) => fc.array(step, { maxLength });

/** Steps whose time does not depend on attempts, for what is canceled at a time. */
const quiet = fc.oneof(
  op("call", { how: fc.constantFrom("ok", "fail") }),
  op("sleep", { ms: fc.integer({ min: 1, max: 5 }).map((n) => n * 1000) }),
  op("async", { calls: list(fc.constantFrom("ok", "fail"), 3) }),
  op("race", { never: fc.boolean() }),
);
const plain = fc.oneof(
  op("call", { how }),
  op("sleep", { ms: fc.integer({ min: 1, max: 50 }).map((n) => n * 100) }),
  op("here", { how: fc.constantFrom("ok", "fail") }),
  op("uuid", {}),
  op("random", {}),
  op("async", { calls: list(how, 4) }),
  op("race", { never: fc.boolean() }),
  op("version", { change: fc.integer({ min: 1, max: 3 }) }),
  op("upsert", { n: fc.integer({ min: 0, max: 9 }) }),
  op("update", { n: fc.integer({ min: -1, max: 5 }) }),
  op("query", {}),
  op("scope", { late: fc.boolean(), program: list(quiet, 3) }),
);
const nested = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 2, arbitrary: op("child", { program: list(plain, 3) }) },
  {
    weight: 1,
    arbitrary: op("both", { programs: fc.array(list(plain, 3), { minLength: 1, maxLength: 3 }) }),
  },
);
const top = fc.oneof(
  { weight: 6, arbitrary: nested },
  { weight: 2, arbitrary: op("upgrade", {}) },
  { weight: 1, arbitrary: op("victim", { raises: fc.boolean(), program: list(quiet, 3) }) },
);
const program = fc.array(top, { minLength: 1, maxLength: 7 });

const fraction = fc.integer({ min: 0, max: 1000 });
const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  crashes: fc.array(fraction, { minLength: 1, maxLength: 4 }),
  deaths: fc.array(fc.record({ after: fraction, worker: fc.nat(2) }), { maxLength: 2 }),
  cachedRuns: fc.constantFrom(1, 2, 1000),
});

const runs = {
  seed: Number(process.env["WIPPY_SEED"] ?? 1),
  numRuns: Number(process.env["WIPPY_RUNS"] ?? 25),
};

test("a program that is disturbed comes to the same as undisturbed", async () => {
  let crashed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2 ** 30),
      fc.integer({ min: 1, max: 3 }),
      program,
      disturbance,
      async (seed, workers, program, disturbance) => {
        const calm = { crashes: [], deaths: [], cachedRuns: 1000 };
        const expected = await runProgram(program, seed, workers, calm);
        expect(expected.faults).toEqual([]);
        const found = await runProgram(program, seed + 1000, workers, disturbance, expected.tasks);
        expect(found.faults).toEqual([]);
        expect(essence(found)).toEqual(essence(expected));
        crashed += found.crashed;
      },
    ),
    runs,
  );
  expect(crashed).toBeGreaterThan(runs.numRuns / 2);
}, 600_000);
