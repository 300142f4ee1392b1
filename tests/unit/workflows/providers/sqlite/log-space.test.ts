/** The write-ahead log has space at its end, which changes nothing of what it holds. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { pack } from "../../../../../src/vm/codec.ts";
import { checkJournal } from "../../../../../src/workflows/providers/sqlite/offline/check.ts";
import { SqliteProvider } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import { LogSpace } from "../../../../../src/workflows/providers/sqlite/store/log-space.ts";
import { checkpointPages } from "../../../../../src/workflows/providers/sqlite/store/open.ts";
import { temporaryFolder } from "../../../../conformance/sqlite-place.ts";
import { commitsOf } from "../../../../chaos/wal.ts";

let folder: ReturnType<typeof temporaryFolder>;
let path: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = `${folder.path}/journal.db`;
});

afterEach(() => folder.remove());

const lengthOf = (file: string) => statSync(file).size;

function runsIn(file: string): number {
  const database = new Database(file, { readonly: true });
  try {
    // A thread that has just closed it may hold it for a moment.
    database.run("PRAGMA busy_timeout = 5000");
    return database.query<{ n: number }, []>("SELECT count(*) AS n FROM runs").get()!.n;
  } finally {
    database.close();
  }
}

test("space is added where the file has been written to its end, and only there", () => {
  const log = `${folder.path}/log`;
  writeFileSync(log, "");
  const space = new LogSpace(log);
  space.extend();
  expect(lengthOf(log)).toBe(0);
  writeFileSync(log, Buffer.alloc(100, 7));
  space.extend();
  const first = lengthOf(log);
  expect(first).toBe(100 + 64 * 1024);
  expect(readFileSync(log).subarray(100).every((byte) => byte === 0)).toBe(true);
  expect(readFileSync(log).subarray(0, 100).every((byte) => byte === 7)).toBe(true);
  space.extend();
  expect(lengthOf(log)).toBe(first);
  writeFileSync(log, Buffer.alloc(10), { flag: "a" });
  space.extend();
  expect(lengthOf(log)).toBe(2 * (first + 10));
  // Cut off, and begun again.
  truncateSync(log, 0);
  space.extend();
  expect(lengthOf(log)).toBe(0);
  writeFileSync(log, Buffer.alloc(100));
  space.extend();
  expect(lengthOf(log)).toBe(first);
  // At its full length: it begins again from the front.
  const most = (checkpointPages + 256) * (4_096 + 24);
  truncateSync(log, most - 5);
  space.extend();
  expect(lengthOf(log)).toBe(most);
  truncateSync(log, most + 1);
  space.extend();
  expect(lengthOf(log)).toBe(most + 1);
  space.close();
});

test("commits go into the space, and a log with space holds the same as without", async () => {
  const provider = new SqliteProvider({ path });
  await provider.open();
  const start = (workflowId: string) =>
    provider.start({ entry: "app:w", hostId: "app:h", workflowId, args: pack([]) });
  const lengths = new Set<number>();
  for (let i = 0; i < 40; i++) {
    await start(`w${i}`);
    lengths.add(lengthOf(`${path}-wal`));
  }
  // It grew a few times, not with every commit.
  expect(lengths.size).toBeLessThan(10);
  const log = readFileSync(`${path}-wal`);
  const end = commitsOf(log).at(-1)!;
  expect(end).toBeLessThan(log.length);
  for (const [name, bytes] of [["with", log], ["without", log.subarray(0, end)]] as const) {
    const copy = `${folder.path}/${name}.db`;
    copyFileSync(path, copy);
    writeFileSync(`${copy}-wal`, bytes);
    expect(checkJournal(copy).faults).toEqual([]);
    const left = new SqliteProvider({ path: copy });
    await left.open();
    await left.close();
    expect([name, runsIn(copy), checkJournal(copy).faults]).toEqual([name, 40, []]);
  }
  // SQLite copies the log into the file and begins it again, over what is there.
  const other = new Database(path);
  other.run("PRAGMA wal_checkpoint(RESTART)");
  other.close();
  for (let i = 0; i < 10; i++) await start(`again${i}`);
  copyFileSync(path, `${folder.path}/killed.db`);
  copyFileSync(`${path}-wal`, `${folder.path}/killed.db-wal`);
  expect(checkJournal(`${folder.path}/killed.db`).faults).toEqual([]);
  expect(runsIn(`${folder.path}/killed.db`)).toBe(50);
  await provider.close();
  expect(runsIn(path)).toBe(50);
});
