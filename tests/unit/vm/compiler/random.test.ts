import { expect, test } from "bun:test";
import fc from "fast-check";
import { Differences } from "./differences.ts";
import { randomProgram } from "./random_program.ts";

/** With it, twenty thousand programs are run. */
const long = process.env["WIPPY_LONG_COMPILED_PROGRAMS"] !== undefined;

test("random programs behave alike interpreted and compiled, and burn the same fuel", async () => {
  const differences = await Differences.start();
  fc.assert(
    fc.property(
      fc.array(fc.nat(9999), { minLength: 20, maxLength: 250, size: "max" }),
      fc.constantFrom(7, 40, 1000, 1_000_000),
      (decisions, slice) => {
        const source = randomProgram(decisions);
        const { interpreted, compiled } = differences.run(source, slice);
        expect({ source, behaviour: compiled }).toEqual({ source, behaviour: interpreted });
      },
    ),
    { numRuns: long ? 20_000 : 200 },
  );
}, long ? 3_600_000 : 60_000);
