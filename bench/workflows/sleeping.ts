/**
 * A million runs that sleep: what each takes on disk and in memory, how long the runtime takes to start
 * with them, and how late timers are when ten thousand of them are due within one second. What is
 * measured: sleeper.lua, idle.lua and timers.lua of app/.
 *
 * The million is made by the journal's own code without a runtime (journal/build.ts); the runs whose
 * timers fire are started by the runtime, beside the million.
 * @module
 */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import { join } from "node:path";
import { unpackPlain } from "../../src/workflows/history/history.ts";
import { type EventRow, eventsOf } from "../../src/workflows/providers/sqlite/store/event-rows.ts";
import { Conversation, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import {
  type Kind,
  quantile,
  quick,
  report,
  rounds,
  wanted,
} from "../kernel/measurement/measurement.ts";
import { buildSleepers } from "./journal/build.ts";

const app = join(import.meta.dir, "app");
const sleepers = quick ? 20_000 : 1_000_000;
/** Runs that a runtime has started before it is weighed, and those that it starts then. */
const first = quick ? 5_000 : 20_000;
const started = quick ? 10_000 : 100_000;
const timers = quick ? 2_000 : 10_000;

/** A figure of this file; lower is better in all of them. */
type Named = Omit<Kind, "better">;

const weights: readonly [disk: Named, memory: Named] = [
  { figure: "durable.sleeping_disk", unit: "B", n: sleepers, target: null },
  { figure: "durable.sleeping_memory", unit: "B", n: sleepers, target: null },
];
const starts: readonly [full: Named, empty: Named] = [
  { figure: "durable.start_with_sleeping", unit: "ms", n: sleepers, target: 2_000 },
  { figure: "durable.start_without_sleeping", unit: "ms", n: 0, target: null },
];
const startedMemory: Named = {
  figure: "durable.started_memory",
  unit: "B",
  n: started,
  target: null,
};
const lates = ([["p50", 0.5, null], ["p99", 0.99, null], ["max", 1, 50]] as const).flatMap((
  [name, part, target],
) =>
  (["fired", "seen"] as const).map((which) => ({
    figure: `durable.timer_${which}_late_${name}`,
    unit: "ms",
    n: timers,
    target,
    which,
    part,
  }))
);

function print(named: Named, values: number[]): void {
  report({ ...named, better: "lower" }, values);
}

function anyWanted(figures: readonly Named[]): boolean {
  return figures.some(({ figure }) => wanted(figure));
}

function runtime(state: string, ...command: string[]): Conversation {
  return new Conversation([...wippy, "-C", app, "run", "--state", state, ...command]);
}

/** Starts a runtime on a journal and ends it: milliseconds until code runs, bytes then. */
async function startOn(state: string): Promise<{ milliseconds: number; bytes: number }> {
  const began = performance.now();
  const program = runtime(state, "idle", "0", "0");
  await program.hear("first");
  const milliseconds = performance.now() - began;
  // What the start leaves to do later belongs to what it takes.
  await Bun.sleep(1_000);
  const bytes = program.residentBytes;
  program.answer();
  await program.hear("full");
  await program.end();
  return { milliseconds, bytes };
}

/** Bytes that each further run adds to the runtime that starts it. */
async function bytesOfStarted(): Promise<number> {
  const program = runtime(temporaryFolder(), "idle", `${first}`, `${started}`);
  await program.hear("first");
  const before = program.residentBytes;
  program.answer();
  await program.hear("full");
  const after = program.residentBytes;
  await program.end();
  return (after - before) / started;
}

/**
 * Milliseconds between the due time of each timer and its record, and between it and the record of what
 * the code did then.
 */
async function lateness(state: string): Promise<{ fired: number[]; seen: number[] }> {
  const since = Date.now();
  const program = runtime(state, "timers", `${timers}`);
  await program.hear("started");
  const journal = new Database(join(state, "journal.db"), { readonly: true });
  const open = journal.query<{ n: number }, []>(
    "SELECT count(*) AS n FROM runs WHERE entry = 'durable:waker' AND +status = 'running'",
  );
  const began = performance.now();
  while (open.get()!.n > 0) {
    if (performance.now() - began > 120_000) {
      throw new Error(`${open.get()!.n} of ${timers} runs still sleep after two minutes`);
    }
    await Bun.sleep(500);
  }
  const rows = journal.query<EventRow, [number]>(
    "SELECT run, id, type, time, data FROM events JOIN runs USING (run) " +
      "WHERE entry = 'durable:waker' AND start_time >= ? ORDER BY run, id",
  ).all(since);
  journal.close();
  await program.end();
  const fired: number[] = [];
  const seen: number[] = [];
  let due = 0;
  for (const { type, time, data } of rows.flatMap(eventsOf)) {
    if (type === "TimerStarted") due = unpackPlain<{ due: number }>(data).due;
    else if (type === "TimerFired") fired.push(time - due);
    else if (type === "ExecutionCompleted") seen.push(time - due);
  }
  if (fired.length !== timers || seen.length !== timers) {
    throw new Error(`${fired.length} timers fired and ${seen.length} runs ended, not ${timers}`);
  }
  return { fired, seen };
}

/** The million, and what is measured with it. */
async function measureSleeping(): Promise<void> {
  const state = temporaryFolder();
  const path = join(state, "journal.db");
  const began = performance.now();
  console.error(`making ${sleepers} sleeping runs …`);
  await buildSleepers(path, sleepers, Date.now() + 365 * 86_400_000);
  console.error(`they took ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  print(weights[0], [statSync(path).size / sleepers]);

  if (anyWanted([weights[1], ...starts])) {
    const empty: { milliseconds: number; bytes: number }[] = [];
    const full: typeof empty = [];
    for (let round = 0; round < rounds; round++) {
      empty.push(await startOn(temporaryFolder()));
      full.push(await startOn(state));
    }
    const each = full.map(({ bytes }, i) => Math.max(0, bytes - empty[i]!.bytes) / sleepers);
    print(weights[1], each);
    print(starts[0], full.map(({ milliseconds }) => milliseconds));
    print(starts[1], empty.map(({ milliseconds }) => milliseconds));
  }
  if (anyWanted(lates)) {
    const late = [];
    for (let round = 0; round < rounds; round++) {
      console.error(`${timers} timers within a second, round ${round + 1} of ${rounds} …`);
      late.push(await lateness(state));
    }
    for (const { which, part, ...named } of lates) {
      print(named, late.map((times) => quantile(times[which], part)));
    }
  }
}

if (wanted(startedMemory.figure)) {
  const each = [];
  for (let round = 0; round < rounds; round++) each.push(await bytesOfStarted());
  print(startedMemory, each);
}
if (anyWanted([...weights, ...starts, ...lates])) await measureSleeping();
