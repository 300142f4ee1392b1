import { expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";

test("a clock that stands still lets tasks run, and no timer", async () => {
  const simulation = new Simulation({ seed: 1 });
  const happened: string[] = [];
  const began = simulation.now();
  simulation.stand(true);
  simulation.setTimer(1000, () => happened.push("timer"));
  await new Promise<void>((resolve) => simulation.defer(resolve));
  // Real turns of the event loop, in which the timer would have fired.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([happened, simulation.now()]).toEqual([[], began]);
  const fired = new Promise<void>((resolve) => simulation.setTimer(1000, resolve));
  simulation.stand(false);
  await fired;
  expect([happened, simulation.now() - began]).toEqual([["timer"], 1000]);
});
