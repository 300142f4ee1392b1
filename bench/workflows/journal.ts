/**
 * Durable runs on the journal alone, with an engine that costs next to nothing: ten steps of one
 * run beside ten bare commits on a file of the same settings, and many runs at once.
 * @module
 */
import { join } from "node:path";
import { LogSpace } from "../../src/workflows/providers/sqlite/store/log-space.ts";
import { openDatabase } from "../../src/workflows/providers/sqlite/store/open.ts";
import { Store } from "../../src/workflows/providers/sqlite/store/store.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quantile, quick } from "../kernel/measurement/measurement.ts";
import { BenchNode } from "./journal/bench-node.ts";

const runs = quick ? 100 : 400;
const together = 200;
const commits = quick ? 200 : 1_000;
const rounds = quick ? 3 : 10;

/** Milliseconds of each of `runs` runs of ten steps, one after the other. */
async function tenSteps(): Promise<number[]> {
  const node = await BenchNode.open(10);
  const times: number[] = [];
  for (let i = 0; i < 2 * runs; i++) {
    const began = performance.now();
    await node.run();
    // The first half warms up.
    if (i >= runs) times.push(performance.now() - began);
  }
  await node.close();
  return times;
}

/**
 * Milliseconds of ten commits, of one event each, that wait for the disk: as often as `tenSteps`.
 */
function tenCommits(): number[] {
  const store = new Store(openDatabase(join(temporaryFolder(), "journal.db")));
  const data = new Uint8Array(60);
  const times = Array.from({ length: runs }, (_, run) => {
    const began = performance.now();
    for (let id = 1; id <= 10; id++) {
      store.begin();
      store.insertEvent({ run, id, type: "ActivityCompleted", time: 0, data });
      store.commit();
    }
    return performance.now() - began;
  });
  store.close();
  return times;
}

/** Median microseconds of a commit that waits for the disk, to a log that begins empty, with space or without. */
function commit(withSpace: boolean): number {
  const path = join(temporaryFolder(), "journal.db");
  const database = openDatabase(path);
  const store = new Store(database);
  const data = new Uint8Array(60);
  const commitOne = (id: number) => {
    const isShort = space?.isShort();
    store.begin();
    if (isShort) space?.extend();
    store.insertEvent({ run: 1, id, type: "ActivityCompleted", time: 0, data });
    store.commit();
  };
  let space: LogSpace | undefined;
  commitOne(1);
  if (withSpace) space = new LogSpace(database, `${path}-wal`);
  const times = Array.from({ length: commits }, (_, i) => {
    const began = performance.now();
    commitOne(i + 2);
    return 1_000 * (performance.now() - began);
  });
  space?.close();
  store.close();
  return quantile(times, 0.5);
}

for (const [name, part] of [["p50", 0.5], ["p95", 0.95]] as const) {
  await measure({
    figure: `journal.ten_steps_${name}`,
    unit: "ms",
    better: "lower",
    n: runs,
    target: 0.5,
    ours: async () => quantile(await tenSteps(), part),
    peer: { name: "ten bare commits", run: () => quantile(tenCommits(), part) },
  });
}

await measure({
  figure: "journal.commit",
  unit: "µs",
  better: "lower",
  n: commits,
  target: null,
  ours: () => commit(true),
  peer: { name: "a log that grows", run: () => commit(false) },
});

await measure({
  figure: "journal.steps_together",
  unit: "1/s",
  better: "higher",
  n: rounds * together * 10,
  target: 15_000,
  ours: async () => {
    const node = await BenchNode.open(10);
    const round = () => Promise.all(Array.from({ length: together }, () => node.run()));
    await round();
    const began = performance.now();
    for (let i = 0; i < rounds; i++) await round();
    const seconds = (performance.now() - began) / 1_000;
    await node.close();
    return rounds * together * 10 / seconds;
  },
});
