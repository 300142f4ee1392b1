import { expect, test } from "bun:test";
import { Simulation } from "../../../src/surroundings/simulation.ts";
import { startDurable } from "./durable-application.ts";

const units = {
  workflows: {
    patient: `local before = time.now():unix()
      for day = 1, 30 do time.sleep("24h") end
      return { math.floor((time.now():unix() - before) / 86400), funcs.call("app:flaky"), uuid.v4() }`,
  },
  functions: {
    flaky: `return "done"`,
    start: `return process.exec("app:patient", "app:durable")`,
  },
};

async function run(seed: number): Promise<{ result: unknown; trace: string }> {
  const simulation = new Simulation({ seed });
  const application = await startDurable(units, { simulation, workers: 2 });
  const result = await application.call("start");
  return { result, trace: simulation.trace };
}

test("a workflow's month passes at once, and a seed replays it", async () => {
  const first = await run(3);
  expect(first.result).toEqual([30, "done", expect.any(String)]);
  expect(await run(3)).toEqual(first);
  expect((await run(4)).trace).not.toBe(first.trace);
});
