/** Ways of workers to the threads of an SQLite database that do not pass through the node's thread. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../../../../src/platform/machine.ts";
import type { Platform } from "../../../../src/platform/platform.ts";
import { mostQueries } from "../../../../src/services/sql/direct/memory.ts";
import { ReplyPacker, unpackReplies } from "../../../../src/services/sql/direct/messages.ts";
import { DirectQueries } from "../../../../src/services/sql/direct/part.ts";
import { manyQueries } from "../../../../src/services/sql/direct/direct.ts";
import { sqliteWay } from "../../../../src/services/sql/sqlite/part.ts";
import { mostReaders, SqliteDriver } from "../../../../src/services/sql/sqlite/sqlite.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";
import { unpackRows } from "../../../../src/vm/rows.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { until } from "../../../until.ts";
import { ask, DirectWorkers } from "./direct-workers.ts";

const never = new AbortController().signal;
/** Rows that come, without end. */
const flood =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 1 AS i FROM n WHERE i % 9999 = 0";

/** A worker that waits as long as it takes. */
const patient = { setTimer: () => () => {}, precise: () => 0 };

/** A driver with workers, whose parts are in this thread. */
async function opened(count = 1, platform: Pick<Platform, "setTimer" | "precise"> = patient) {
  const directory = mkdtempSync(join(tmpdir(), "wippy-sqlite-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  const direct = new DirectWorkers(
    count,
    (start) => new DirectQueries(start, platform, sqliteWay),
  );
  const driver = new SqliteDriver({
    path: join(directory, "test.db"),
    busyTimeout: 5_000,
    threads: true,
    platform: machine,
    workers: direct.services,
  });
  await driver.open(() => {});
  cleanAfterTest(() => driver.kill());
  return {
    driver,
    workers: direct.workers,
    partOf: (worker: number) => direct.partOf(driver, worker),
    gone: (worker: number) => direct.gone(worker),
  };
}

function valueOf(rows: LuaValue): unknown {
  return unpackRows(rows as Uint8Array)[0]!["i"];
}

test("a worker that asks much asks a thread, which answers all in their order", async () => {
  const { driver, partOf, workers } = await opened();
  for (let i = 1; i < manyQueries; i += 1) driver.asked(0);
  expect(driver.figures().open).toBe(1);
  const part = await partOf(0);
  expect(workers).toHaveLength(1);
  const many = 3 * mostQueries;
  const asked = Array.from({ length: many }, (_, i) => ask(part, "SELECT ? AS i", [i]));
  expect(driver.figures()).toMatchObject({ max: mostReaders + 1, open: 2, inUse: 1 });
  expect((await Promise.all(asked)).map(valueOf)).toEqual(
    Array.from({ length: many }, (_, i) => i),
  );
  expect(driver.figures().inUse).toBe(0);
  expect(driver.direct).toBe(many);
});

test("rows of any size arrive", async () => {
  const { partOf } = await opened();
  const part = await partOf(0);
  const lengths = [0, 1, 2, 3, 70_000, 5, 30_000, 1_000_000, 4];
  const texts = await Promise.all(
    lengths.map((length) => ask(part, "SELECT ? AS i", ["x".repeat(length)])),
  );
  expect(texts.map((rows) => String(valueOf(rows)).length)).toEqual(lengths);
});

test("only reads outside of transactions go there, and the node is asked for what has failed", async () => {
  const { driver, partOf } = await opened();
  const part = await partOf(0);
  const whole = { sql: "SELECT 1", values: [], tags: "" };
  const asks = (run: object) => part.near({ ...whole, ...run }, never, () => {});
  expect(asks({ kind: "query", transaction: 1 })).toBe(false);
  expect(asks({ kind: "execute" })).toBe(false);
  expect(asks({ kind: "query", sql: new Uint8Array([255]) })).toBe(false);
  expect(ask(part, "INSERT INTO t VALUES (1) RETURNING i")).toBeUndefined();
  expect(await ask(part, "SELECT * FROM missing")).toBeUndefined();
  expect(await ask(part, "WITH t AS (SELECT 1) INSERT INTO u SELECT * FROM t")).toBeUndefined();
  expect(driver.direct).toBe(0);
});

test("what nobody waits for any more is called off, before its turn and between rows", async () => {
  const { driver, partOf } = await opened();
  const part = await partOf(0);
  const [runs, waits] = [new AbortController(), new AbortController()];
  const running = ask(part, flood, [], runs.signal);
  await until(() => driver.figures().inUse === 1);
  const waiting = ask(part, "SELECT 1 AS i", [], waits.signal);
  waits.abort();
  await expect(waiting).rejects.toMatchObject({ kind: "Canceled" });
  runs.abort();
  await expect(running).rejects.toMatchObject({ kind: "Canceled" });
  await until(() => driver.figures().inUse === 0);
  expect(ask(part, "SELECT 1 AS i", [], runs.signal)).toBeUndefined();
  expect(valueOf(await ask(part, "SELECT 2 AS i"))).toBe(2);
});

test("a query that takes long keeps no others: the node is asked for them", async () => {
  const timers: (() => void)[] = [];
  const setTimer = (_: number, late: () => void) => {
    timers.push(late);
    return () => {};
  };
  const { partOf, workers } = await opened(1, { ...patient, setTimer });
  const part = await partOf(0);
  const slow = new AbortController();
  const stuck = ask(part, flood, [], slow.signal);
  // Behind the counts are the states of queries: this one runs.
  await until(() => new Int32Array(workers[0]!.memory!).includes(1, 4));
  const behind = Array.from({ length: 20 }, (_, i) => ask(part, "SELECT ? AS i", [i]));
  await Promise.resolve();
  for (const late of timers.splice(0)) late();
  expect(await Promise.all(behind)).toEqual(behind.map(() => undefined));
  expect(ask(part, "SELECT 1 AS i")).toBeUndefined();
  slow.abort();
  await expect(stuck).rejects.toMatchObject({ kind: "Canceled" });
  let last: LuaValue;
  await until(async () => (last = await ask(part, "SELECT 2 AS i")) !== undefined);
  expect(valueOf(last)).toBe(2);
});

test("what a worker has open ends with it, and others go on", async () => {
  const { driver, partOf, gone } = await opened(3);
  const parts = [await partOf(0), await partOf(1), await partOf(2)];
  // Three workers have two connections.
  expect(driver.figures().open).toBe(3);
  ask(parts[0]!, flood);
  await until(() => driver.figures().inUse === 1);
  gone(0);
  expect(driver.figures().inUse).toBe(0);
  for (const part of parts.slice(1)) expect(valueOf(await ask(part, "SELECT 3 AS i"))).toBe(3);
});

test("closing waits for what runs, and the node is asked for the rest", async () => {
  const { driver, partOf } = await opened();
  const part = await partOf(0);
  const asked = Array.from({ length: 2 * mostQueries }, (_, i) => ask(part, "SELECT ? AS i", [i]));
  await Promise.resolve();
  await driver.close();
  const answers = await Promise.all(asked);
  expect(answers.slice(0, mostQueries).map(valueOf)).toEqual(
    Array.from({ length: mostQueries }, (_, i) => i),
  );
  expect(ask(part, "SELECT 1 AS i")).toBeUndefined();
  expect(driver.figures()).toMatchObject({ open: 0, inUse: 0 });
});

test("when the threads are ended by force, the node is asked for what they had", async () => {
  const { driver, partOf, workers } = await opened();
  const part = await partOf(0);
  const asked = [ask(part, flood), ask(part, "SELECT 1 AS i")];
  await until(() => driver.figures().inUse === 1);
  driver.kill();
  expect(await Promise.all(asked)).toEqual([undefined, undefined]);
  expect(workers[0]!.told).toEqual(["lost"]);
  expect(ask(part, "SELECT 1 AS i")).toBeUndefined();
});

test("a driver that was closed gives ways again when it is opened again", async () => {
  const { driver, partOf, workers } = await opened();
  await partOf(0);
  await driver.close();
  delete workers[0]!.part;
  await driver.open(() => {});
  expect(valueOf(await ask(await partOf(0), "SELECT 1 AS i"))).toBe(1);
});

test("replies keep their order and bytes", () => {
  const packer = new ReplyPacker();
  const replies = [new Uint8Array(0), undefined, new Uint8Array([1, 2, 3]), new Uint8Array(50_000)];
  for (const reply of replies) packer.add(reply);
  expect(packer.count).toBe(replies.length);
  expect([...unpackReplies(packer.take())]).toEqual(replies);
  expect([...unpackReplies(packer.take())]).toEqual([]);
});
