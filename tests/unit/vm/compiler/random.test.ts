import { expect, test } from "bun:test";
import fc from "fast-check";
import { Differences } from "./differences.ts";
import { randomProgram } from "./random_program.ts";

test("random programs behave alike interpreted and compiled, and burn the same fuel", async () => {
  const differences = await Differences.start();
  fc.assert(
    fc.property(
      fc.array(fc.nat(9999), { minLength: 20, maxLength: 250, size: "max" }),
      fc.constantFrom(1, 7, 40, 1000, 1_000_000),
      (decisions, slice) => {
        const source = randomProgram(decisions);
        const { interpreted, compiled } = differences.run(source, slice);
        expect({ source, behaviour: compiled }).toEqual({ source, behaviour: interpreted });
      },
    ),
    {
      numRuns: Number(process.env.RUNS ?? 300),
      ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}),
    },
  );
}, 60_000);
