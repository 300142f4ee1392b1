import { expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
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
}, 30_000);

test("the seed does not choose who comes next within a run: a replay under another one is the same", async () => {
  const crowd = {
    workflows: {
      crowd: `local values, ended = {}, channel.new(8)
        for i = 1, 8 do
          coroutine.spawn(function()
            values[i] = funcs.call("app:same", i)
            ended:send(true)
          end)
        end
        for _ = 1, 8 do ended:receive() end
        time.sleep("2h")
        return values`,
    },
    functions: {
      same: "return ...",
      begin:
        `assert(process.with_options{ ["workflow.id"] = "crowd" }:spawn("app:crowd", "app:durable"))
        time.sleep("1h")`,
      finish:
        `process.monitor("{app:durable|crowd}") return process.events():receive().result.value`,
    },
  };
  const application = await startDurable(crowd, { simulation: new Simulation({ seed: 3 }) });
  await application.call("begin");
  await application.start(crowd, { simulation: new Simulation({ seed: 4 }) });
  expect(await application.call("finish")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
