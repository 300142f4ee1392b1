/**
 * What it costs that a runtime can be looked into while nobody looks: rates of the kernel beside those of a kernel
 * without the counters of functions and the questions whether somebody wants to hear of starts and ends.
 * @module
 */
import { join } from "node:path";
import { cutObservation } from "./measurement/blind.ts";
import { answerOf, temporaryFolder } from "./measurement/command.ts";
import { measure, quick } from "./measurement/measurement.ts";

const app = join(import.meta.dir, "app");
const root = join(import.meta.dir, "../..");
const without = temporaryFolder();
cutObservation(without);

/** Rounds a second that the sources in a folder do. */
function rate(sources: string, run: string, count: number): number {
  const { count: done, seconds } = answerOf<{ count: number; seconds: number }>([
    process.execPath,
    join(sources, "src/main.ts"),
    "-C",
    app,
    "run",
    "--state",
    temporaryFolder(),
    "--workers",
    "1",
    "measure",
    run,
    `${count}`,
  ]);
  return done / seconds;
}

for (
  const [name, run, count] of [["spawn", "spawn", 200_000], ["calls", "calls", 300_000]] as const
) {
  const n = quick ? count / 4 : count;
  /** The best of some: what disturbs only slows down. */
  const best = (sources: string) =>
    Math.max(...Array.from({ length: quick ? 2 : 5 }, () => rate(sources, run, n)));
  await measure({
    figure: `observe.${name}`,
    unit: "1/s",
    better: "higher",
    n,
    target: 0.99,
    ours: () => best(root),
    peer: { name: "a kernel that cannot be seen", run: () => best(without) },
  });
}
