import { describe, expect, test } from "bun:test";
import { Crowd } from "../../../src/worker/crowd.ts";
import { machine } from "../../../src/platform/machine.ts";
import { Simulation } from "../../../src/platform/simulation.ts";

function crowd(platform = machine) {
  const crowds = new Int32Array(new SharedArrayBuffer(8));
  return { crowds, made: new Crowd({ crowds, index: 1 }, platform) };
}

describe("a crowd", () => {
  test("forms of many units, once, and dissolves", () => {
    const { crowds, made } = crowd();
    expect(made.forms(31, 0, 0)).toBe(false);
    expect(made.forms(32, 0, 0)).toBe(true);
    expect([...crowds]).toEqual([0, 1]);
    expect(made.forms(33, 0, 0)).toBe(false);
    expect(made.forms(3, 0, 0)).toBe(false);
    expect([...crowds]).toEqual([0, 0]);
    expect(made.forms(32, 0, 0)).toBe(true);
  });

  test("forms of much work that waits", () => {
    expect(crowd().made.forms(1, 0, 19_999)).toBe(false);
    expect(crowd().made.forms(1, 0, 20_000)).toBe(true);
  });

  test("runs that wait are none while the thread has time", () => {
    const { made } = crowd();
    expect(made.forms(500, 480, 0)).toBe(false);
    expect(made.forms(500, 468, 0)).toBe(true);
  });

  test("and are one in a simulation, which has no threads", () => {
    expect(crowd(new Simulation({ seed: 1 })).made.forms(32, 32, 0)).toBe(true);
  });
});
