import type { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  closeInMemory,
  MemoryHold,
  openInMemory,
} from "../../../../../../src/workflows/providers/sqlite/store/memory.ts";
import { openDatabase } from "../../../../../../src/workflows/providers/sqlite/store/open.ts";
import { temporaryFolder } from "../../../../../conformance/sqlite-place.ts";

function tablesOf(database: Database): unknown[] {
  return database.query("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all();
}

function fill(database: Database): void {
  database.run("INSERT INTO owner (id, journal, epoch, commits) VALUES (1, 'before', 3, 4)");
  database.run("INSERT INTO timers VALUES (1, 'timer', 2, 3)");
  publish(database, new Uint8Array(1));
}

function publish(database: Database, body: Uint8Array): void {
  database.run(
    "INSERT INTO publications (queue, workflow_id, message_id, time, due, body) VALUES ('q', 'w', 'm', 0, 0, ?)",
    [body],
  );
}

test("a journal in memory has the tables of any other, and is empty whatever was in it before", () => {
  const folder = temporaryFolder();
  const usual = openDatabase(`${folder.path}/usual.db`);
  const first = openInMemory();
  expect(tablesOf(first)).toEqual(tablesOf(usual));
  fill(first);
  closeInMemory(first);
  const second = openInMemory();
  expect(second).toBe(first);
  expect(tablesOf(second)).toEqual(tablesOf(usual));
  for (
    const { name } of second.query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table'",
    ).all()
  ) {
    expect([name, second.query(`SELECT count(*) AS n FROM "${name}"`).get()]).toEqual([name, {
      n: 0,
    }]);
  }
  second.close();
  usual.close();
  folder.remove();
});

test("one that was closed in a transaction, or that has grown, is not used again", () => {
  const open = openInMemory();
  open.run("BEGIN");
  closeInMemory(open);
  expect(openInMemory()).not.toBe(open);
  const large = openInMemory();
  for (let i = 0; i < 50; i++) publish(large, new Uint8Array(100_000));
  closeInMemory(large);
  expect(openInMemory()).not.toBe(large);
});

test("two hosts cannot have the same one", () => {
  const hold = MemoryHold.take("/tests/journal.db");
  expect(() => MemoryHold.take("/tests/journal.db")).toThrow("already open in another runtime");
  hold.release();
  MemoryHold.take("/tests/journal.db").release();
});
