/**
 * What it costs that a runtime can be looked into while nobody looks: rates of the kernel beside those of a kernel
 * without the counters of functions and the questions whether somebody wants to hear of starts and ends.
 * @module
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answerOf, temporaryFolder } from "./measurement/command.ts";
import { measure, quick } from "./measurement/measurement.ts";

const root = join(import.meta.dir, "../..");
const app = join(import.meta.dir, "app");

/** What is taken out of the kernel: file, text, how often it is there. */
const cuts: readonly [file: string, text: RegExp, times: number][] = [
  ["lua/kernel/functions/functions.lua", /^ +if timing\.on then\n.*\n +end\n/gm, 1],
  [
    "lua/kernel/functions/functions.lua",
    /^ +if err then\n +instance\.pool\.failed.*\n +end\n/gm,
    1,
  ],
  ["lua/kernel/functions/functions.lua", /^ +if instance\.since then\n.*\n.*\n +end\n/gm, 1],
  [
    "lua/kernel/core/unit.lua",
    /^ +if unit\.observer then\n +unit\.observer\("(?:start|exit)".*\n +end\n/gm,
    3,
  ],
];

/** Sources of a runtime that cannot be looked into. */
function blind(): string {
  const folder = temporaryFolder();
  for (const part of ["src", "lua", "package.json"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, "build"));
  cpSync(join(root, "build"), join(folder, "build"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [file, text, times] of cuts) {
    const path = join(folder, file);
    const before = readFileSync(path, "utf8");
    const found = before.match(text)?.length ?? 0;
    if (found !== times) throw new Error(`${file}: ${text} is there ${found} times, not ${times}`);
    writeFileSync(path, before.replace(text, ""));
  }
  return folder;
}

const without = blind();

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
