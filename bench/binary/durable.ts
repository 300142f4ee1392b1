/**
 * Durable runs of ten steps through the whole runtime: alone, beside ten bare commits to SQLite, and
 * many at once. What is measured: the application in app/.
 * @module
 */
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { answerOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const app = join(import.meta.dir, "app");
const runs = quick ? 40 : 200;
const together = 200;

function ask<T>(command: string, count: number): T {
  const state = temporaryFolder();
  return answerOf<T>([...wippy, "-C", app, "run", "--state", state, command, `${count}`]);
}

function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}

/** Milliseconds of ten commits that wait for the disk, of one small row each. */
function tenCommits(): number[] {
  const database = new Database(join(temporaryFolder(), "bare.db"));
  database.run("PRAGMA journal_mode = WAL");
  database.run("PRAGMA synchronous = FULL");
  database.run("CREATE TABLE step (id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
  const insert = database.query("INSERT INTO step (value) VALUES (?)");
  const times = Array.from({ length: runs }, () => {
    const began = performance.now();
    for (let step = 0; step < 10; step++) insert.run("a result of some forty characters or so.");
    return performance.now() - began;
  });
  database.close();
  return times;
}

for (const [name, part] of [["p50", 0.5], ["p95", 0.95]] as const) {
  await measure({
    figure: `durable.ten_steps_${name}`,
    unit: "ms",
    better: "lower",
    n: runs,
    target: 0.5,
    ours: () => quantile(ask<number[]>("alone", runs), part),
    peer: { name: "ten bare commits", run: () => quantile(tenCommits(), part) },
  });
}

await measure({
  figure: "durable.steps_together",
  unit: "1/s",
  better: "higher",
  n: together,
  target: 15_000,
  ours: () => 10 * together / ask<{ seconds: number }>("together", together).seconds,
});
