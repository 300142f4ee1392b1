/** The write-ahead log has space at its end, which changes nothing of what it holds. */
import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
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

const [header, frame] = [32, 4_096 + 24];
const most = (checkpointPages + 256) * frame;

describe("space", () => {
  let log: string;
  let database: Database;
  let space: LogSpace;

  /** Rewrites `pages` pages in one transaction, after which nothing of the log is in the file. */
  function commit(pages: number): void {
    const isShort = space.isShort();
    database.run("BEGIN IMMEDIATE");
    if (isShort) space.extend();
    database.run("UPDATE large SET data = randomblob(3000) WHERE id <= ?", [pages]);
    database.run("COMMIT");
  }

  beforeEach(() => {
    log = `${path}-wal`;
    database = new Database(path);
    for (const [name, value] of [["journal_mode", "WAL"], ["wal_autocheckpoint", "0"]]) {
      database.run(`PRAGMA ${name} = ${value}`);
    }
    database.run("CREATE TABLE large (id INTEGER PRIMARY KEY, data BLOB)");
    database.run(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) " +
        "INSERT INTO large SELECT i, zeroblob(3000) FROM n",
    );
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    database.run("UPDATE large SET data = randomblob(3000) WHERE id = 1");
    space = new LogSpace(database, log);
  });

  afterEach(() => {
    space.close();
    database.close();
  });

  test("is zeros after what the log holds, added when it is nearly used up", () => {
    const before = readFileSync(log);
    commit(0);
    const length = before.length + 64 * 1024;
    expect(lengthOf(log)).toBe(length);
    expect(readFileSync(log).subarray(0, before.length).equals(before)).toBe(true);
    expect(readFileSync(log).subarray(before.length).every((byte) => byte === 0)).toBe(true);
    for (let used = before.length; used + 16 * frame <= length; used += frame) {
      expect(space.isShort()).toBe(false);
      commit(1);
    }
    expect([lengthOf(log), space.isShort()]).toEqual([length, true]);
    commit(1);
    expect(lengthOf(log)).toBe(2 * length);
    expect(space.isShort()).toBe(false);
  });

  test("is added after a commit that was larger than it", () => {
    commit(0);
    commit(500);
    const full = lengthOf(log);
    expect(full).toBeGreaterThan(500 * frame);
    commit(1);
    expect(lengthOf(log)).toBe(full + 1024 * 1024);
  });

  test("is not added to an empty log, and again to one that was cut off", () => {
    commit(0);
    commit(500);
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    commit(0);
    expect(lengthOf(log)).toBe(0);
    commit(1);
    const once = header + frame;
    commit(0);
    expect(lengthOf(log)).toBe(once + 64 * 1024);
  });

  test("is not added to a log that begins again from the front", () => {
    commit(500);
    commit(1);
    database.run("PRAGMA wal_checkpoint(RESTART)");
    const full = lengthOf(log);
    for (let i = 0; i < 100; i++) commit(1);
    expect(lengthOf(log)).toBe(full);
  });

  test("ends where the log is full", () => {
    while (lengthOf(log) < most) commit(1_000);
    const full = lengthOf(log);
    commit(0);
    expect([lengthOf(log), space.isShort()]).toEqual([full, false]);
  });
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
