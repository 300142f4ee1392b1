/**
 * Signals a second through the whole runtime, two hundred under way at a time: from the first one sent
 * until the code has taken the last. What is measured: signals.lua of app/.
 * @module
 */
import { join } from "node:path";
import { answerOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const app = join(import.meta.dir, "app");

for (const [name, runs, each] of [["one_run", 1, 20_000], ["1000_runs", 1_000, 20]] as const) {
  const signals = quick ? each / (runs === 1 ? 10 : 4) : each;
  await measure({
    figure: `durable.signals_to_${name}`,
    unit: "1/s",
    better: "higher",
    n: runs * signals,
    target: null,
    ours: () => {
      const command = ["run", "--state", temporaryFolder(), "signals", `${runs}`, `${signals}`];
      const { seconds } = answerOf<{ seconds: number }>([...wippy, "-C", app, ...command]);
      return runs * signals / seconds;
    },
  });
}
