/** The connections of an SQLite database, on threads of their own. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../../../../src/platform/machine.ts";
import type { Outcome, SqlValue, Statement } from "../../../../src/services/sql/driver.ts";
import { SqliteLink } from "../../../../src/services/sql/sqlite/link.ts";
import { packStatements, unpackStatements } from "../../../../src/services/sql/sqlite/messages.ts";
import { SqliteDriver } from "../../../../src/services/sql/sqlite/sqlite.ts";
import { unpackRows } from "../../../../src/vm/rows.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { until } from "../../../until.ts";

const never = new AbortController().signal;

function query(sql: string, ...params: SqlValue[]): Statement {
  return { kind: "query", sql, params };
}

/** Rows without end. */
const endless = query(
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0",
);
/** Rows that come, without end. */
const flood = query(
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 1 AS i FROM n WHERE i % 9999 = 0",
);

function valueOf(outcome: Outcome): unknown {
  return unpackRows(outcome as Uint8Array)[0]!["i"];
}

function file(): string {
  const directory = mkdtempSync(join(tmpdir(), "wippy-sqlite-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "test.db");
}

async function opened(): Promise<SqliteDriver> {
  const driver = new SqliteDriver({
    path: file(),
    busyTimeout: 5_000,
    threads: true,
    platform: machine,
  });
  await driver.open(() => {});
  cleanAfterTest(() => driver.kill());
  return driver;
}

async function link(): Promise<SqliteLink> {
  const one = await SqliteLink.open(
    { path: ":memory:", readOnly: false, busyTimeout: 100 },
    true,
    () => {},
  );
  cleanAfterTest(() => one.kill());
  return one;
}

test("statements that are asked for together run in order, and each has its own outcome", async () => {
  const one = await link();
  const texts = ["CREATE TABLE t (i INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (7)"];
  const [made, put, twice, read] = await Promise.allSettled([
    ...texts.map((sql) => one.run({ kind: "execute", sql, params: [] })),
    one.run({ kind: "execute", sql: texts[1]!, params: [] }),
    one.run(query("SELECT i FROM t")),
  ]);
  expect(made!.status).toBe("fulfilled");
  expect(put).toMatchObject({ value: { lastInsertId: 7n, rowsAffected: 1n } });
  expect(twice).toMatchObject({ reason: { kind: "AlreadyExists" } });
  expect(valueOf((read as PromiseFulfilledResult<Outcome>).value)).toBe(7);
  const many = Array.from({ length: 300 }, (_, i) => one.run(query("SELECT ? AS i", BigInt(i))));
  expect((await Promise.all(many)).map(valueOf)).toEqual(Array.from({ length: 300 }, (_, i) => i));
});

test("a statement is called off while it waits, before its turn on the thread, and between rows", async () => {
  const one = await link();
  const [first, second, third] = Array.from({ length: 3 }, () => new AbortController());
  const running = one.run(flood, first!.signal);
  const given = one.run(query("SELECT 1 AS i"), second!.signal);
  await Promise.resolve();
  const waiting = one.run(query("SELECT 2 AS i"), third!.signal);
  third!.abort();
  await expect(waiting).rejects.toMatchObject({ kind: "Canceled" });
  second!.abort();
  await expect(given).rejects.toMatchObject({ kind: "Canceled" });
  first!.abort();
  await expect(running).rejects.toMatchObject({ kind: "Canceled" });
  await expect(one.run(query("SELECT 1 AS i"), first!.signal)).rejects.toMatchObject({
    kind: "Canceled",
  });
  expect(valueOf(await one.run(query("SELECT 3 AS i")))).toBe(3);
  expect(one.pending).toBe(0);
});

test("a query that takes long does not keep those that came with it", async () => {
  const driver = await opened();
  // So that there is one that all of them take.
  await driver.run(query("SELECT 0 AS i"), never);
  const slow = new AbortController();
  const stuck = driver.run(flood, slow.signal);
  const canceled = new AbortController();
  const quick = Array.from(
    { length: 20 },
    (_, i) => driver.run(query("SELECT ? AS i", BigInt(i)), never),
  );
  expect((await Promise.all(quick)).map(valueOf)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  const other = driver.run(flood, canceled.signal);
  canceled.abort();
  await expect(other).rejects.toMatchObject({ kind: "Canceled" });
  slow.abort();
  await expect(stuck).rejects.toMatchObject({ kind: "Canceled" });
  await until(() => driver.figures().inUse === 0);
  await driver.close();
});

/** Runs a query, and the same one turn later, so that both do not go to a thread together. */
async function overlapping(driver: SqliteDriver, sql: string): Promise<void> {
  const later = Promise.resolve().then(() => Promise.resolve()).then(() =>
    driver.run(query(sql), never)
  );
  await Promise.all([driver.run(query(sql), never), later]);
}

test("queries that end at once share a connection", async () => {
  let open = 0;
  // On a busy machine a thread may be kept from running, so that its query seems to take long.
  for (let attempt = 0; attempt < 20 && open !== 2; attempt++) {
    const driver = await opened();
    // So that there is one that both can take.
    await driver.run(query("SELECT 0 AS i"), never);
    for (let i = 0; i < 5; i++) await overlapping(driver, "SELECT 1 AS i");
    open = driver.figures().open;
    await driver.close();
  }
  expect(open).toBe(2);
});

test("queries that take long have several connections", async () => {
  const driver = await opened();
  const long =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000) SELECT sum(i) AS i FROM n";
  for (let i = 0; i < 20 && driver.figures().open < 3; i++) await overlapping(driver, long);
  // A third one that reads is there where a query has waited too long behind another.
  expect(driver.figures().open).toBeOneOf([3, 4]);
  await driver.close();
});

test("what is asked of a thread that is ended fails", async () => {
  const one = await link();
  const running = one.run(endless);
  const waiting = one.run(query("SELECT 1 AS i"));
  one.kill();
  for (const each of [running, waiting, one.run(query("SELECT 1 AS i"))]) {
    await expect(each).rejects.toMatchObject({ kind: "Unavailable" });
  }
});

test("parameters keep their types on the way to a thread", () => {
  const params = [1n, 2n ** 62n, -1n, 1, 1.5, 2 ** 40, "ü", true, null, Uint8Array.of(0, 255)];
  const [back] = unpackStatements(packStatements([query("SELECT 1", ...params)]));
  expect(back!.params.map((each) => each instanceof Uint8Array ? new Uint8Array(each) : each))
    .toEqual(params);
});
