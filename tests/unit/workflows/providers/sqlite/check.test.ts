/** What must not be in a journal is found in it. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { copyFileSync, writeFileSync } from "node:fs";
import { pack } from "../../../../../src/vm/codec.ts";
import { checkJournal } from "../../../../../src/workflows/providers/sqlite/offline/check.ts";
import { separateRows } from "../../../../journal-events.ts";
import { Runtime, settle, VirtualMachine } from "../../../../conformance/runtime.ts";
import { SqlitePlace, temporaryFolder } from "../../../../conformance/sqlite-place.ts";
import { type Script, ScriptError } from "../../../../conformance/scripted-engine.ts";

const scripts: Record<string, Script> = {
  "app:order": function* (run) {
    run.attributes({ state: "open" });
    yield run.activity("app:step");
    const child = run.child("app:child", [], { workflowId: "child" });
    yield child.started;
    const retryPolicy = { initialInterval: 3_600_000 };
    run.activity("app:fails", [], { retryPolicy });
    run.sleep(3_600_000);
    return yield child.closed;
  },
  "app:child": function* (run) {
    run.activity("app:waits");
    return yield run.signal();
  },
};

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(async () => {
  folder = temporaryFolder();
  const runtime = await Runtime.open({
    place: new SqlitePlace({}, { path: `${folder.path}/journal.db` }),
    machine: new VirtualMachine(),
    scripts,
    activities: {
      "app:step": () => "done",
      "app:waits": () => new Promise<never>(() => {}),
      "app:fails": () => {
        throw new ScriptError({ kind: "Internal", message: "no" });
      },
    },
  });
  await runtime.start("app:order", [], { workflowId: "order" });
  await settle();
  void runtime.provider.update("order", {
    updateId: "u",
    name: "later",
    args: pack([]),
    sender: "",
  }, "completed").catch(() => {});
  await settle();
  await runtime.provider.close();
  const database = new Database(`${folder.path}/journal.db`);
  separateRows(database);
  database.close();
});

afterEach(() => folder.remove());

/** Changes the journal behind its writer's back; answers what is found. */
function tampered(...statements: string[]): string[] {
  const path = `${folder.path}/journal.db`;
  expect(checkJournal(path).faults).toEqual([]);
  const database = new Database(path);
  for (const statement of statements) expect(database.run(statement).changes).toBeGreaterThan(0);
  database.close();
  return checkJournal(path).faults.map(({ workflowId, message }) =>
    workflowId === undefined ? message : `${workflowId}: ${message}`
  );
}

const order = "run = (SELECT run FROM runs WHERE workflow_id = 'order')";
const child = "run = (SELECT run FROM runs WHERE workflow_id = 'child')";

test.each<[string, string, RegExp]>([
  ["a missing event", `DELETE FROM events WHERE ${order} AND id = 4`, /event 4 is missing/],
  [
    "an outcome twice",
    `UPDATE events SET type = 'ActivityCompleted', data = (SELECT data FROM events WHERE ${order} AND type = 'ActivityCompleted')
     WHERE ${order} AND type = 'UpdateDelivered'`,
    /decides Activity 1 again/,
  ],
  ["an event from before", `UPDATE events SET time = 5 WHERE ${order} AND id = 3`, /older than/],
  ["an event less in its row", `UPDATE runs SET bytes = bytes - 1 WHERE ${order}`, /bytes/],
  ["a task of nobody", `UPDATE runs SET task_event = 2 WHERE ${order}`, /has the task of event 2/],
  [
    "a forgotten wake-up",
    `UPDATE events SET type = 'TaskFailed' WHERE ${order}
     AND id = (SELECT max(id) FROM events WHERE ${order} AND type = 'TaskCompleted')`,
    /no task is to show event/,
  ],
  ["a start that nothing begins", `UPDATE runs SET held = 1 WHERE ${order}`, /waits for its start/],
  ["a retry that nobody makes", `DELETE FROM timers WHERE kind = 'retry'`, /nothing will try/],
  [
    "an activity of which no row tells",
    `UPDATE runs SET pending_from = 0 WHERE ${child}`,
    /Activity 1 has neither ended nor is it pending/,
  ],
  [
    "an activity that is looked for from a later event on",
    `UPDATE runs SET pending_from = 99 WHERE ${child}`,
    /Activity 1 has neither ended nor is it pending/,
  ],
  [
    "activities that are looked for in vain",
    `UPDATE runs SET pending_from = 2 WHERE ${order}`,
    /activities are pending from event 2 on, but none is/,
  ],
  ["a timer that is gone", `DELETE FROM timers WHERE kind = 'timer'`, /neither ended nor/],
  ["a timer at another time", `UPDATE timers SET due = 9 WHERE kind = 'timer'`, /is due at 9/],
  ["an update without row", `DELETE FROM updates`, /update u has neither ended nor a row/],
  ["an update decided in its row", `UPDATE updates SET outcome = 3`, /outcome 3/],
  ["a request unheard of", `UPDATE runs SET cancel_requested = 1 WHERE ${order}`, /cancellation/],
  ["attributes by which nobody finds it", `DELETE FROM attributes`, /search attributes/],
  ["a child that is gone", `DELETE FROM runs WHERE ${child}`, /Child 1 does not run/],
  [
    "a child that outlives its parent",
    `UPDATE runs SET status = 'completed' WHERE ${order}`,
    /child: it runs, but its parent order is closed/,
  ],
  ["events of nobody", `DELETE FROM runs WHERE ${child}`, /rows of events belong to no run/],
])("%s is found", (_, statement, fault) => {
  expect(tampered(statement).join("\n")).toMatch(fault);
});

test("a file whose first write was cut off says so to who only reads it", () => {
  const path = `${folder.path}/new.db`;
  const database = new Database(path, { create: true });
  database.run("PRAGMA cache_size = 1");
  database.run("CREATE TABLE t (a)");
  database.run("BEGIN");
  // More than fits into the cache: some of it goes to the file, and what was there before into a journal of SQLite's.
  database.run("INSERT INTO t SELECT randomblob(4000) FROM (VALUES (1), (2), (3), (4), (5), (6))");
  database.run("UPDATE t SET a = randomblob(4001)");
  const copy = `${folder.path}/copy.db`;
  copyFileSync(path, copy);
  copyFileSync(`${path}-journal`, `${copy}-journal`);
  database.close();
  expect(() => checkJournal(copy)).toThrow("in the middle of a write; start the runtime once");
});

test("a file in which nothing was written yet is no damaged one", () => {
  const path = `${folder.path}/empty.db`;
  writeFileSync(path, "");
  expect(() => checkJournal(path)).toThrow("has schema 0, this program's is");
});
