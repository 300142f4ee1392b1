import { expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { main, startApplication } from "../application.ts";
import { traceOf } from "./simulated-run.ts";

const sources = {
  functions: {
    race: {
      modules: ["funcs", "time", "uuid"],
      source: `local time, uuid = require("time"), require("uuid")
return { main = function()
  local inbox = process.inbox()
  local me = process.pid()
  for i = 1, 12 do
    assert(process.spawn("app:runner", "app:processes", me, i))
  end
  local order = {}
  for i = 1, 36 do
    order[i] = (inbox:receive():payload():data())
  end
  order[#order + 1] = tostring(math.random(1000000))
  order[#order + 1] = uuid.v4()
  return table.concat(order, " ")
end }`,
    },
    day: `local time = require("time")
return { main = function()
  local before = time.now():unix()
  time.sleep("24h")
  return time.now():unix() - before
end }`,
    busy: `local time = require("time")
return { main = function()
  local before = time.now():unix_nano()
  for _ = 1, 3000000 do end
  return time.now():unix_nano() - before
end }`,
  },
  processes: {
    runner: main(`local to, i = ...
      for round = 1, 3 do
        process.send(to, "step", i .. "." .. round)
        if round == 1 then time.sleep((i % 3) .. "ms") end
      end`),
  },
};

async function run(seed: number, workers: number): Promise<{ result: unknown; trace: string }> {
  const simulation = new Simulation({ seed });
  const application = await startApplication(sources, { simulation, workers });
  const result = await application.call("race");
  const { trace } = simulation;
  await application.stop();
  return { result, trace };
}

for (const workers of [1, 3]) {
  test(`a seed replays a run on ${workers} workers, another seed is another run`, async () => {
    const first = await run(7, workers);
    expect(await run(7, workers)).toEqual(first);
    const other = await run(8, workers);
    expect(other.result).not.toEqual(first.result);
    expect(other.trace).not.toBe(first.trace);
  });
}

test("a day passes at once", async () => {
  const simulation = new Simulation({ seed: 1, startTime: 1_000_000_000_000 });
  const application = await startApplication(sources, { simulation });
  expect(simulation.now()).toBeLessThan(1_000_000_001_000);
  expect(await application.call("day")).toBe(86_400);
});

test("virtual time passes while a unit computes", async () => {
  const application = await startApplication(sources, { simulation: new Simulation({ seed: 1 }) });
  expect(Number(await application.call("busy"))).toBeGreaterThanOrEqual(5_000_000);
});

test("without a simulation two runtimes draw different numbers", async () => {
  const draw = {
    functions: { draw: "return { main = function() return math.random(1 << 52) end }" },
  };
  const [one, other] = [await startApplication(draw), await startApplication(draw)];
  expect(await one.call("draw")).not.toBe(await other.call("draw"));
});

test("a seed is the same run in another process", async () => {
  const path = `${import.meta.dirname}/simulated-run.ts`;
  const other = Bun.spawn([process.execPath, path, "5"], { stdout: "pipe", stderr: "inherit" });
  const trace = (await new Response(other.stdout).text()).trim();
  expect(trace).toBe(await traceOf(5));
  expect(trace).not.toBe(await traceOf(6));
});
