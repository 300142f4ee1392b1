import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failure } from "../../../integration/application.ts";
import { pack } from "../../../../src/vm/codec.ts";
import type { Command } from "../../../../src/services/queue/sqlite/commands.ts";
import { QueueDatabase } from "../../../../src/services/queue/sqlite/database.ts";
import { QueueLink } from "../../../../src/services/queue/sqlite/link.ts";
import { cleanAfterTest } from "../../../cleanup.ts";

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-queue-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "queue.db");
}

function open(path: string): QueueDatabase {
  const database = new QueueDatabase(path);
  cleanAfterTest(() => database.close());
  return database;
}

const publish = (seq: number, more: Partial<Extract<Command, { type: "publish" }>> = {}) =>
  ({
    type: "publish",
    queue: "app:work",
    seq,
    id: `m${seq}`,
    headers: pack({}),
    body: pack(seq),
    due: 0,
    leased: false,
    ...more,
  }) satisfies Command;

const take = (limit: number, now = 0) =>
  ({ type: "take", queue: "app:work", limit, now }) satisfies Command;

const ids = (outcome: unknown) => (outcome as { rows: { id: string }[] }).rows.map(({ id }) => id);

test("messages leave in the order of their time, and what is leased is nobody else's", () => {
  const database = open(file());
  database.run([publish(1, { due: 20 }), publish(2), publish(3), publish(4, { leased: true })]);
  const [first, rest, late] = database.run([take(1, 10), take(5, 10), take(5, 30)]);
  expect(ids(first)).toEqual(["m2"]);
  expect(ids(rest)).toEqual(["m3"]);
  expect(rest).toMatchObject({ next: 20 });
  expect(ids(late)).toEqual(["m1"]);
});

test("a lease ends with the runtime that had it, and its attempt counts", () => {
  const path = file();
  const database = new QueueDatabase(path);
  database.run([publish(1), publish(2, { leased: true }), take(1)]);
  database.close();
  const later = open(path);
  expect(later.contents).toEqual({ waiting: { "app:work": 2 }, last: 2 });
  const [taken] = later.run([take(5)]);
  expect(taken).toMatchObject({ rows: [{ id: "m1", attempts: 2 }, { id: "m2", attempts: 2 }] });
  later.run([{ type: "return", seq: 1, forget: true }, { type: "ack", seq: 2 }]);
  expect(later.run([take(5)])).toMatchObject([{ rows: [{ id: "m1", attempts: 2 }] }]);
});

test("a second message of a unique id is dropped, until its time is over", () => {
  const database = open(file());
  const one = (seq: number) => publish(seq, { id: "order", unique: 100 });
  expect(database.run([one(1), one(2), publish(3, { id: "order", queue: "app:other", unique: 1 })]))
    .toEqual([false, true, false]);
  database.run([{ type: "ack", seq: 1 }]);
  expect(database.run([one(4)])).toEqual([true]);
  database.run([{ type: "prune", before: 101 }]);
  expect(database.run([one(5)])).toEqual([false]);
});

test("a batch is done whole or not at all", () => {
  const database = open(file());
  database.run([publish(1)]);
  expect(() => database.run([publish(2), publish(1)])).toThrow("UNIQUE");
  expect(database.contents).toEqual({ waiting: { "app:work": 1 }, last: 1 });
});

test("a scan of what is due has an index", () => {
  const path = file();
  new QueueDatabase(path).close();
  const database = new Database(path);
  const plan = database.query(
    `EXPLAIN QUERY PLAN SELECT seq FROM message WHERE queue = ? AND leased = 0 AND due <= ?
     ORDER BY due, seq LIMIT ?`,
  ).all("app:work", 1, 1) as { detail: string }[];
  database.close();
  expect(plan.map(({ detail }) => detail).join("\n")).toContain("message_waiting");
  expect(plan.map(({ detail }) => detail).join("\n")).not.toContain("TEMP B-TREE");
});

test("a file that another runtime has open, or that a newer one wrote, is refused", async () => {
  const path = file();
  const database = new QueueDatabase(path);
  const locked = await failure(QueueLink.open(path, true, () => {}));
  expect([locked.kind, locked.retryable, locked.message]).toEqual([
    "Unavailable",
    true,
    `${path} is in use by another runtime`,
  ]);
  database.close();
  const plain = new Database(path);
  plain.run("PRAGMA user_version = 99");
  plain.close();
  expect(await failure(QueueLink.open(path, true, () => {}))).toMatchObject({
    kind: "Invalid",
    retryable: false,
  });
});

test("what cannot be written fails and is retryable, and what comes after it works", async () => {
  const { link } = await QueueLink.open(file(), true, () => {});
  cleanAfterTest(() => link.close());
  const both = [link.ask(publish(1)), link.ask(publish(1))];
  const outcomes = await Promise.allSettled(both);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await failure(both[0]!)).toMatchObject({ kind: "Unavailable", retryable: true });
  expect(await link.ask(publish(1))).toEqual(false);
  await link.close();
  expect(await failure(link.ask(publish(2)))).toMatchObject({ kind: "Unavailable" });
});
