/**
 * Prints the trace of a short simulation with the seed of its argument, for a test that compares processes.
 * @module
 */
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import { Simulation } from "../../../src/platform/simulation.ts";

const start = `return { main = function()
  local inbox = process.inbox()
  for i = 1, 10 do assert(process.spawn("app:echo", "app:processes", process.pid(), i)) end
  for _ = 1, 10 do inbox:receive() end
end }`;
const echo = `return { main = function(to, i) process.send(to, "echo", i, math.random()) end }`;

/** The trace of a short simulation on three workers. */
export async function traceOf(seed: number): Promise<string> {
  const simulation = new Simulation({ seed });
  const lua = { method: "main", modules: [] };
  const lifecycle = { auto_start: true, stop_timeout: "200ms" };
  const node = await Node.start({
    entries: [
      { id: "app:processes", kind: "process.host", meta: {}, data: { lifecycle } },
      { id: "app:start", kind: "function.lua", meta: {}, data: { ...lua, source: start } },
      { id: "app:echo", kind: "process.lua", meta: {}, data: { ...lua, source: echo } },
    ],
    config: Config.empty,
    directory: import.meta.dirname,
    stateDir: import.meta.dirname,
    workers: 3,
    inline: true,
    log: { log() {} },
    simulation,
  });
  await node.launch();
  await node.call("app:start", []);
  const { trace } = simulation;
  await node.stop();
  return trace;
}

if (import.meta.main) console.log(await traceOf(Number(process.argv[2])));
