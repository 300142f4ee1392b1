/**
 * The demo: `bun examples/flights/demo.ts dist/wippy` (or any words that start wippy).
 *
 * Makes the reports of 20,000 real flights, kills the runtime half way, starts it again, and proves
 * from the outside that nothing was lost and nothing that was finished was done again.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { expectedReports, expectedTotals } from "./check.ts";
import {
  brokenRows,
  compareReports,
  compareTotals,
  judgeRepeats,
  readDisk,
  realRows,
  Run,
  setStage,
} from "./stage.ts";

const PATIENCE = 90_000; // ms that one run of the command may take

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code: number, text: string) => colour ? `\x1b[${code}m${text}\x1b[0m` : text;
const say = (text = "") => console.log(text);
const good = (text: string) => say(`  ${paint(32, "ok")}    ${text}`);

let chapters = 0;
function chapter(title: string): void {
  say();
  say(paint(1, `${++chapters}. ${title}`));
}

/** Ends the demo: something is not as it must be. */
class DemoFailure extends Error {}

function fail(what: string, details: string[] = []): never {
  const more = details.length > 12 ? [`… and ${details.length - 12} more`] : [];
  throw new DemoFailure([what, ...details.slice(0, 12), ...more].join("\n          "));
}

/** Runs a command of the application to its end; anything but status 0 ends the demo. */
async function finish(folder: string, command: string[], args: string[], show = true) {
  say(paint(2, `  $ wippy run ${args.join(" ")}`));
  const run = new Run(folder, command, args, show ? (line) => say(`  | ${line}`) : undefined);
  const patience = setTimeout(() => run.kill(), PATIENCE);
  const ended = await run.ended;
  clearTimeout(patience);
  if (ended.signal) fail(`wippy run ${args.join(" ")} was not done in ${PATIENCE / 1000} s`);
  if (ended.status !== 0) {
    fail(`wippy run ${args.join(" ")} ended with status ${ended.status}`, [ended.errors.trim()]);
  }
  return ended;
}

async function killHalfWay(folder: string, command: string[], batches: number): Promise<void> {
  say(paint(2, "  $ wippy run report"));
  const run = new Run(folder, command, ["report"], (line) => say(`  | ${line}`));
  const half = Math.ceil(batches / 2);
  const deadline = Date.now() + PATIENCE;
  while (run.running && (await readDisk(folder)).recorded.length < half) {
    if (Date.now() > deadline) {
      run.kill();
      fail(`there were not ${half} reports after ${PATIENCE / 1000} s`);
    }
    await Bun.sleep(10);
  }
  run.kill();
  const ended = await run.ended;
  if (ended.signal !== "SIGKILL") {
    fail(`the run ended with status ${ended.status} before it could be killed`, [
      ended.errors.trim(),
    ]);
  }
  say(`  ${paint(31, "kill -9")}: the runtime is gone, without a chance to tidy up`);
}

async function demo(folder: string, command: string[]): Promise<void> {
  chapter("Real flights, and what the answer must be");
  const real = await realRows("20k");
  const broken = await brokenRows();
  const rows = [...real, ...broken];
  await setStage(folder, rows);
  say(`  ${real.length} flights inside the United States, January to March 2001 (vega-datasets),`);
  say(
    `  and ${broken.length} broken rows of our own, so that the cleaning has something to refuse.`,
  );
  const reports = expectedReports(rows);
  const totals = expectedTotals(reports);
  say(`  A TypeScript program that shares no code with the Lua application has worked out what`);
  say(`  ${reports.size} reports and the totals of ${totals.size} airports must say.`);

  chapter("Start the application, and kill it half way");
  say("  Each day is a durable workflow of six steps. Every step is a function that leaves its");
  say("  trace on disk; the totals live in one process an airport, under a supervisor.");
  await killHalfWay(folder, command, reports.size);

  chapter("What is on disk now");
  const before = await readDisk(folder);
  const latest = new Map(before.effects.map((effect) => [effect.batch, effect.step]));
  const midway = [...latest].filter(([, step]) => step !== "publish");
  say(
    `  ${before.recorded.length} of ${reports.size} reports count, ${before.effects.length} steps were done,`,
  );
  say(`  the journal holds ${Math.round(before.journalBytes / 1024)} KiB.`);
  say(`  ${midway.length} reports were in the middle; the last step that each had done:`);
  for (const [batch, step] of midway.sort()) say(`    ${batch}  ${step}`);
  if (midway.length === 0) fail("the kill hit no report in the middle");

  chapter("Start it again");
  await finish(folder, command, ["report"]);

  chapter("Is everything there, and right?");
  const after = await readDisk(folder);
  const wrong = await compareReports(folder, reports, after.recorded);
  if (wrong.length > 0) fail("the reports are not what they must be", wrong);
  const flights = [...reports.values()].reduce((sum, report) => sum + report.flights, 0);
  const refused = rows.length - flights;
  good(
    `${after.recorded.length} reports, ${flights} flights, ${refused} rows refused: all as worked out`,
  );

  const { output } = await finish(folder, command, ["totals", "json"], false);
  const off = compareTotals(output, totals);
  if (off.length > 0) fail("the totals of the processes are not what they must be", off);
  good(`the processes of all ${totals.size} airports hold exactly the worked-out totals`);

  chapter("Was anything done twice?");
  const { repeated, violations } = judgeRepeats(before.effects, after.effects, [...reports.keys()]);
  if (violations.length > 0) fail("a step that had been saved was done again", violations);
  good(`${before.effects.length} steps before the kill; none with a saved result was done again`);
  good(
    repeated.length === 0
      ? "no step had been cut off between its work and the saving of its result"
      : `${repeated.length} of them had been cut off before the result was saved, and ran once more:`,
  );
  for (const { batch, step } of repeated) say(`          ${batch}  ${step}`);

  chapter("Break a process on purpose");
  await finish(folder, command, ["drill", "ORD"]);
}

const words = process.argv.slice(2);
if (words.length === 0) {
  console.error("Error: say how to start wippy: bun examples/flights/demo.ts dist/wippy");
  process.exit(1);
}
const command = words.map((word) => existsSync(word) ? resolve(word) : word);
const folder = await mkdtemp(join(tmpdir(), "wippy-flights-"));
const began = performance.now();
try {
  say(`A working folder for this demo: ${relative(process.cwd(), folder) || folder}`);
  await demo(folder, command);
  say();
  say(paint(32, `All is well, after ${((performance.now() - began) / 1000).toFixed(0)} s.`));
  await rm(folder, { recursive: true, force: true });
} catch (error) {
  if (!(error instanceof DemoFailure)) throw error;
  console.error();
  console.error(`${paint(31, "FAILED")}    ${error.message}`);
  console.error(`The working folder is kept: ${folder}`);
  process.exit(1);
}
