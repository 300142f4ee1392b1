/**
 * Puts a runtime under load for a long time, kills its workers meanwhile, and checks the account at the end.
 * @module
 */
import { Command, Option } from "commander";
import { wholeNumber } from "../../src/cli/command.ts";
import { soakNetwork } from "./network.ts";
import { soakProcesses } from "./processes.ts";
import type { LoadReport, SoakOptions } from "./runtime.ts";

const loads: Record<string, (options: SoakOptions) => Promise<LoadReport>> = {
  processes: soakProcesses,
  network: soakNetwork,
};

interface Flags {
  load?: string;
  minutes: number;
  seed: number;
  workers: number;
}

await new Command("soak")
  .description("Keeps a runtime under load while its workers are killed, and checks the account.")
  .addOption(
    new Option("--load <name>", "one load instead of one after the other")
      .choices(Object.keys(loads)),
  )
  .option("--minutes <n>", "how long, of each load", wholeNumber(1, 10_000), 10)
  .option("--seed <n>", "repeats choices", wholeNumber(0, 999_999_999), Date.now() % 1_000_000)
  .option("--workers <n>", "worker threads", wholeNumber(1, 64), 2)
  .action(async ({ load, minutes, seed, workers }: Flags) => {
    for (const name of load === undefined ? Object.keys(loads) : [load]) {
      const report = await loads[name]!({ seconds: minutes * 60, seed, workers });
      console.log(JSON.stringify({ load: name, ...report }, undefined, 2));
      if (report.wrong.length > 0) process.exitCode = 1;
    }
  })
  .parseAsync();
