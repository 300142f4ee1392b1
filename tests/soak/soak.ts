/**
 * Puts a runtime under load for a long time, kills its workers meanwhile, and checks the account at the end.
 * `scripts/soak [--load processes|network] [--minutes N] [--seed N] [--workers N]`; without `--load`, one load after
 * the other.
 * @module
 */
import { parseArgs } from "node:util";
import { soakNetwork } from "./network.ts";
import { soakProcesses } from "./processes.ts";
import type { LoadReport, SoakOptions } from "./runtime.ts";

const loads: Record<string, (options: SoakOptions) => Promise<LoadReport>> = {
  processes: soakProcesses,
  network: soakNetwork,
};

const { values } = parseArgs({
  options: {
    load: { type: "string" },
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    workers: { type: "string", default: "2" },
  },
});
const chosen = values.load === undefined ? Object.keys(loads) : [values.load];
for (const name of chosen) {
  const load = loads[name];
  if (load === undefined) {
    throw new Error(`there is no load ${name}; --load takes ${Object.keys(loads).join(" or ")}`);
  }
  const report = await load({
    seconds: Number(values.minutes) * 60,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    workers: Number(values.workers),
  });
  console.log(JSON.stringify({ load: name, ...report }, undefined, 2));
  if (report.wrong.length > 0) process.exitCode = 1;
}
