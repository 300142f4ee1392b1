/** Schedules of a journal whose file is locked, damaged, or large. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { hour, minute, ScheduleHarness } from "../../../../conformance/schedule-harness.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";

const hourly = { intervals: [{ every: hour }] };

async function opened(): Promise<{ t: ScheduleHarness; place: SqlitePlace }> {
  const place = new SqlitePlace();
  const t = await ScheduleHarness.open({ name: "sqlite", make: () => place });
  return { t, place };
}

test("while nothing can be committed matches wait, and are acted on once afterwards", async () => {
  const { t, place } = await opened();
  await t.create("s", hourly, "app:quick", { policies: { overlap: "allow_all" } });
  await t.machine.advance(30 * minute);
  const other = new Database(place.path);
  other.run("BEGIN IMMEDIATE");
  await t.machine.advance(2 * hour);
  expect(t.runtime.reports.map(({ level }) => level)).toEqual(["error"]);
  other.run("ROLLBACK");
  other.close();
  await t.machine.advance(30 * minute);
  expect((await t.times()).map((time) => time.slice(11, 16))).toEqual(["01:00", "02:00", "03:00"]);
  expect((await t.schedules.describe("s")).counts).toMatchObject({ actions: 3, missedCatchup: 0 });
});

test("a schedule whose row is damaged is paused and told, and keeps nobody from working", async () => {
  const { t, place } = await opened();
  await t.create("bad", hourly);
  await t.create("good", hourly);
  await t.stop();
  const database = new Database(place.path);
  database.run("UPDATE schedules SET definition = x'c1' WHERE schedule_id = 'bad'");
  database.close();
  await t.start();
  await t.machine.advance(90 * minute);
  expect(await t.runs()).toEqual(["good-2026-01-01T01:00:00Z completed"]);
  expect(t.runtime.reports.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^schedule bad: paused: the definition of the schedule bad is damaged/),
  ]);
  await expect(t.schedules.describe("bad")).rejects.toMatchObject({ kind: "Internal" });
  await t.schedules.delete("bad");
  expect(t.faults()).toEqual([]);
});

test(
  "10,000 schedules that are due at once are found by an index and started in batches",
  async () => {
    const { t, place } = await opened();
    const created: Promise<void>[] = [];
    for (let n = 0; n < 10_000; n++) {
      created.push(t.create(`s${String(n).padStart(4, "0")}`, { cron: ["0 0 1 2 *"] }));
    }
    await Promise.all(created);
    const { runtime, machine } = t;
    await machine.advance(Date.UTC(2026, 1, 1) - machine.time - 1);
    expect((await runtime.provider.list({})).runs).toEqual([]);
    runtime.answering = false;
    await machine.advance(20);
    const { runs } = await runtime.provider.list({ limit: 1 });
    expect(runs[0]!.workflowId).toBe("s9999-2026-02-01T00:00:00Z");
    const database = new Database(place.path, { readonly: true });
    const count = database.query<{ n: number }, []>("SELECT count(*) AS n FROM runs").get();
    expect(count?.n).toBe(10_000);
    const plan = database.query<{ detail: string }, []>(
      "EXPLAIN QUERY PLAN SELECT * FROM schedules WHERE due IS NOT NULL AND due <= 1 ORDER BY due, schedule LIMIT 9",
    ).all();
    database.close();
    expect(plan.map(({ detail }) => detail))
      .toEqual(["SEARCH schedules USING INDEX schedules_due (due>? AND due<?)"]);
  },
  60_000,
);
