/**
 * The trials by failure in their long form: series of kills, half of them with failing writes and a jumping clock,
 * and kills in the middle of upkeep, until there were `--kills` or `--minutes` are over. Status 1 when something was
 * found.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { wholeNumber } from "../src/cli/command.ts";

interface Flags {
  kills: number;
  seed: number;
  minutes: number;
  sources: boolean;
}

const { kills: wanted, seed, minutes, sources } = new Command("chaos")
  .description("Kills runtimes at work again and again, and checks what is left of their journals.")
  .option("--kills <n>", "ends after so many", wholeNumber(1, 999_999_999), 1000)
  .option("--minutes <n>", "ends after so long; 0: never", wholeNumber(0, 100_000), 0)
  .option(
    "--seed <n>",
    "repeats choices",
    wholeNumber(0, 2 ** 30),
    Math.floor(Math.random() * 2 ** 30),
  )
  .option("--sources", "runs the sources instead of the executable", false)
  .parse().opts<Flags>();
const end = minutes > 0 ? Date.now() + minutes * 60_000 : Infinity;

const root = resolve(import.meta.dir, "..");
if (!sources) {
  const build = Bun.spawnSync([process.execPath, join(root, "build.ts")], { cwd: root });
  if (build.exitCode !== 0) throw new Error(`build: ${build.stderr}`);
  process.env["WIPPY_CHAOS_PROGRAM"] = join(root, "dist/wippy");
}
// They read which program is meant as they load.
const { add, noTally, runSeries } = await import("../tests/chaos/series.ts");
const { compileFaults, noFaults } = await import("../tests/chaos/faults.ts");
const upkeep = await import("../tests/chaos/upkeep.ts");

const begun = Date.now();
const folder = mkdtempSync(join(tmpdir(), "wippy-faults-"));
const library = noFaults === undefined ? compileFaults(folder) : undefined;
console.error(`seed ${seed}${noFaults === undefined ? "" : `; no faults injected: ${noFaults}`}`);

/** Kills of one series; so many lives leave a journal of some thousand events. */
const lives = 25;
let tally = noTally;
const works: Record<string, { kills: number; met: number }> = {};
const found: string[] = [];

function note(name: string, faults: readonly string[], seed: number): void {
  for (const fault of faults) {
    found.push(`${name}, seed ${seed}: ${fault}`);
    console.error(found.at(-1));
  }
}

async function series(number: number, library?: string): Promise<void> {
  const kills = Math.min(lives, Math.max(1, wanted - total()));
  const result = await runSeries({ kills, seed: seed + number, ...library && { library } });
  tally = add(tally, result);
  note(library ? "series with faults" : "series", result.found, seed + number);
}

async function maintain(number: number): Promise<void> {
  const options = { kills: 4, seed: seed + number };
  const results = [];
  for (const file of upkeep.earlier) results.push(await upkeep.killMigrations(file, options));
  results.push(await upkeep.killCompactions(options));
  results.push(await upkeep.killBackups(options));
  results.push(await upkeep.killSweeps(options));
  if (library) results.push(await upkeep.fillDisk(options));
  for (const { name, kills, met, injected, found } of results) {
    tally = { ...tally, injected: tally.injected + injected };
    note(name, found, options.seed);
    if (kills === 0) continue;
    const sum = works[name] ??= { kills: 0, met: 0 };
    sum.kills += kills;
    sum.met += met;
  }
}

function total(): number {
  return tally.kills + Object.values(works).reduce((sum, { met }) => sum + met, 0);
}

for (let number = 0; total() < wanted && Date.now() < end; number += 3) {
  await series(number);
  if (library && total() < wanted && Date.now() < end) await series(number + 1, library);
  // Once in four rounds: each takes as long as a series.
  if (number % 12 === 0 && total() < wanted && Date.now() < end) await maintain(number + 2);
  console.error(
    `${total()} kills, ${found.length} found, ${((Date.now() - begun) / 1000).toFixed(0)} s`,
  );
}
rmSync(folder, { recursive: true, force: true });

const rows: [string, string | number][] = [
  ["seed", seed],
  ["minutes", ((Date.now() - begun) / 60_000).toFixed(1)],
  ["kills of a runtime at work", tally.kills],
  ["starts of it", tally.starts],
  ["starts that gave up for a fault", tally.gaveUp],
  ["runs", tally.runs],
  ["events", tally.events],
  ["effects, each accounted for", tally.effects],
  ["of them by repeated attempts", tally.repeated],
  ["calls made to fail", tally.injected],
  ["jumps of the clock", tally.jumps],
  ["journals checked after a kill", tally.checks],
  ["logs cut off or damaged", tally.tornLogs],
  ["histories replayed", tally.replays],
  ...Object.entries(works).map(([name, { kills, met }]): [string, string] => [
    `kills in ${name}`,
    `${kills}, ${met} at work`,
  ]),
  ["faults found", found.length],
];
const width = Math.max(...rows.map(([name]) => name.length));
for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
for (const fault of found) console.log(fault);
process.exit(found.length > 0 ? 1 : 0);
