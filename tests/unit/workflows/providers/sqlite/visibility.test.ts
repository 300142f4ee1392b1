import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { pack } from "../../../../../src/vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../../../../src/vm/value.ts";
import type { RunQuery } from "../../../../../src/workflows/provider.ts";
import { listRuns } from "../../../../../src/workflows/providers/sqlite/read/describe.ts";
import { migrate } from "../../../../../src/workflows/providers/sqlite/migrations.ts";
import { Runs } from "../../../../../src/workflows/providers/sqlite/store/run-states.ts";
import { type RunRow, Store } from "../../../../../src/workflows/providers/sqlite/store/store.ts";
import { selectRuns } from "../../../../../src/workflows/providers/sqlite/store/visibility.ts";

function catalogue() {
  const database = new Database(":memory:");
  migrate(database, 0);
  const store = new Store(database);
  const add = (run: number, fields: Partial<RunRow>, attributes?: Record<string, LuaValue>) => {
    store.insertRun({
      run,
      runId: `run-${run}`,
      workflowId: `order-${run}`,
      firstRunId: `run-${run}`,
      entry: "app:order",
      hostId: "app:durable",
      status: "completed",
      attempt: 1,
      startTime: 1000 + run,
      closeTime: 5000 - run,
      nextEvent: 2,
      bytes: 0,
      lease: 0,
      taskEvent: 0,
      wake: 0,
      held: 0,
      cancelRequested: 0,
      parentRun: null,
      parentSeq: null,
      parentClosePolicy: null,
      terms: null,
      memo: null,
      searchAttributes: attributes ? pack(attributes) : null,
      blocked: null,
      pendingFrom: 0,
      ...fields,
    });
  };
  const list = (query: RunQuery) =>
    listRuns({ store, runs: new Runs(store, 10), settings: { node: "local" } }, query);
  const ids = (query: RunQuery) => list(query).runs.map(({ runId }) => Number(runId.slice(4)));
  return { database, store, add, list, ids };
}

test("runs are found by everything that is known of them, and by all of it together", () => {
  const { add, ids, store } = catalogue();
  add(1, { entry: "app:other" }, { city: "Oslo", n: 3 });
  add(2, { status: "running", closeTime: null }, { city: "Bonn", n: new LuaFloat(3), ok: true });
  add(3, { status: "failed", workflowId: "ordinary" }, { city: ["Oslo", "Bonn", "Oslo"] });
  add(4, {}, { n: 3.5, ok: "true" });
  expect(ids({})).toEqual([4, 3, 2, 1]);
  expect(ids({ status: "running" })).toEqual([2]);
  expect(ids({ entry: "app:order" })).toEqual([4, 3, 2]);
  expect(ids({ workflowId: "order-2" })).toEqual([2]);
  expect(ids({ workflowIdPrefix: "order-" })).toEqual([4, 2, 1]);
  expect(ids({ workflowIdPrefix: "ord" })).toEqual([4, 3, 2, 1]);
  expect(ids({ startedFrom: 1002, startedBefore: 1004 })).toEqual([3, 2]);
  expect(ids({ closedFrom: 4997 })).toEqual([1, 3]);
  expect(ids({ closedBefore: 4999 })).toEqual([3, 4]);
  expect(ids({ attributes: { city: "Oslo" } })).toEqual([3, 1]);
  expect(ids({ attributes: { n: 3 } })).toEqual([2, 1]);
  expect(ids({ attributes: { ok: true } })).toEqual([2]);
  expect(ids({ attributes: { ok: "true" } })).toEqual([4]);
  expect(ids({ attributes: { city: "Bonn", n: 3 } })).toEqual([2]);
  expect(ids({ attributes: { city: "Oslo" }, status: "failed", startedFrom: 1000 })).toEqual([3]);
  expect(ids({ attributes: { city: "Rome" } })).toEqual([]);
  store.saveAttributes(1, pack({ city: "Rome" }));
  expect(ids({ attributes: { city: "Rome" } })).toEqual([1]);
  expect(ids({ attributes: { city: "Oslo" } })).toEqual([3]);
  store.deleteRun(1);
  expect(ids({ attributes: { city: "Rome" } })).toEqual([]);
});

test("pages of any order hold every run once", () => {
  const { add, list } = catalogue();
  for (let run = 1; run <= 25; run++) {
    // Several runs at one time: the number parts them.
    add(run, { startTime: 1000 + (run % 4), closeTime: 9000 - (run % 3) }, { n: 1 });
  }
  for (
    const query of [
      {},
      { attributes: { n: 1 } },
      { startedFrom: 0 },
      { closedFrom: 0, status: "completed" as const },
    ]
  ) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = list({ ...query, limit: 4, ...(cursor !== undefined && { cursor }) });
      seen.push(...page.runs.map(({ runId }) => runId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  }
  expect(() => list({ cursor: "1.2" })).toThrow('"1.2" is no cursor of this list');
  expect(() => list({ startedFrom: 0, cursor: "7" })).toThrow("no cursor");
});

test("no filter looks at all runs: each goes through an index", () => {
  const { database } = catalogue();
  const queries: Record<string, RunQuery> = {
    runs_status: { status: "failed" },
    runs_workflow: { workflowId: "x" },
    "runs_workflow ": { workflowIdPrefix: "x" },
    runs_entry: { entry: "app:order" },
    runs_start: { startedFrom: 1, startedBefore: 2 },
    runs_closed: { closedFrom: 1, closedBefore: 2 },
    attributes_text: { attributes: { city: "Oslo" } },
    attributes_number: { attributes: { n: 1 } },
    "attributes_text ": { attributes: { city: "Oslo", n: 1 } },
    runs_entry_status: { entry: "app:order", status: "failed" },
    runs_status_start: { status: "failed", startedFrom: 1 },
    runs_entry_start: { entry: "app:order", startedBefore: 2 },
  };
  for (const [index, query] of Object.entries(queries)) {
    for (const after of [undefined, { run: 10, time: 5 }]) {
      const { sql, params } = selectRuns(drizzle({ client: database }), query, after, 10).toSQL();
      const plan = database.query<{ detail: string }, never[]>(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...params as never[]).map(({ detail }) => detail);
      expect(plan.join("; "), index).toContain(`INDEX ${index.trim()} `);
      // Only a beginning of the id, and attributes, are sorted: of the runs that have them.
      if (/^runs_(?!workflow )/.test(index)) expect(plan.join("; ")).not.toContain("TEMP B-TREE");
      expect(
        plan.filter((step) => /^SCAN (?!CONSTANT)/.test(step) && !step.includes("INDEX")),
        index,
      )
        .toEqual([]);
    }
  }
});
