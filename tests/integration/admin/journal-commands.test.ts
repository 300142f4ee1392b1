import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { separateRows } from "../../journal-events.ts";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

/** A shop with a closed and an open run, whose runtime runs. */
async function busy(): Promise<Shop> {
  const shop = new Shop();
  await shop.open();
  await shop.wippy("workflow", "start", "app:order", "1", "2", "--id", "closed");
  await shop.wippy("workflow", "signal", "closed", "approve");
  await shop.wippy("workflow", "result", "closed");
  await shop.wippy("workflow", "start", "app:trying", "--id", "open");
  await until(
    () => shop.json("workflow", "show", "open"),
    ({ pending_activities: pending }) => JSON.stringify(pending).includes('"retry"'),
  );
  return shop;
}

test("a journal is checked and copied while a runtime writes to it; a copy goes on", async () => {
  const shop = await busy();
  const checked = await shop.wippy("journal", "check");
  expect(checked).toMatchObject({ status: 0, err: "" });
  expect(checked.out).toMatch(/^2 runs, \d+ events: no faults\n$/);
  expect((await shop.wippy("journal", "backup", "copy.db")).out).toMatch(
    /^copy\.db: [\d.]+ KiB\n$/,
  );
  expect((await shop.wippy("journal", "backup", "copy.db")).err).toContain("copy.db exists");
  expect((await shop.wippy("journal", "compact")).err).toContain("already open in another runtime");
  expect((await shop.wippy("journal", "migrate")).err).toContain("already open in another runtime");
  await shop.wippy("workflow", "terminate", "open");
  await shop.stop();
  for (const end of ["", "-wal", "-shm", ".state"]) {
    const path = join(shop.stateDir, `journal.db${end}`);
    if (existsSync(path)) await Bun.file(path).delete();
  }
  copyFileSync(join(shop.directory, "copy.db"), join(shop.stateDir, "journal.db"));
  await shop.open();
  expect(await shop.json("workflow", "show", "open")).toMatchObject({ status: "running" });
  expect((await shop.wippy("journal", "check")).status).toBe(0);
});

test("an older journal is brought up to date, and gives space back", async () => {
  const shop = new Shop();
  mkdirSync(shop.stateDir);
  const fixture = join(import.meta.dir, "../../fixtures/journals/schema-1.db");
  copyFileSync(fixture, join(shop.stateDir, "journal.db"));
  expect((await shop.wippy("journal", "check")).err).toContain('with "wippy journal migrate"');
  expect((await shop.wippy("workflow", "list")).err).toContain("older schema 1");
  expect((await shop.wippy("journal", "migrate")).out).toMatch(/^schema 1 is now \d+\n$/);
  expect((await shop.wippy("journal", "migrate")).out).toMatch(/^schema \d+: up to date\n$/);
  expect((await shop.wippy("journal", "check")).status).toBe(0);
  expect((await shop.wippy("journal", "compact")).out).toMatch(/ before, .* now\n$/);
  expect((await shop.wippy("journal", "check", "--journal", "none.db")).status).toBe(1);
  await Bun.write(
    join(shop.directory, "text.db"),
    "no database, but long enough to be read as one",
  );
  expect((await shop.wippy("journal", "check", "--journal", "text.db")).status).toBe(1);
});

test("every fault that is planted is found", async () => {
  const shop = await busy();
  await shop.stop();
  const path = join(shop.stateDir, "journal.db");
  const planted: [change: string, told: RegExp][] = [
    ["DELETE FROM events WHERE run = 1 AND id = 4", /event 4 is missing before event 5/],
    ["UPDATE events SET type = 'TaskStarted' WHERE run = 1 AND id = 1", /begins with TaskStarted/],
    ["UPDATE events SET data = x'c1' WHERE run = 1 AND id = 3", /data of event 3.* is damaged/],
    ["UPDATE runs SET next_event = 99 WHERE run = 1", /its row counts 98 events/],
    ["UPDATE runs SET status = 'running' WHERE run = 1", /it is running, but ended by/],
    ["UPDATE runs SET status = 'failed' WHERE run = 2", /is failed, but its history has no end/],
    ["DELETE FROM activities", /Activity 1 has neither ended nor is it pending/],
    ["INSERT INTO timers VALUES (2, 'timer', 7, 1)", /Timer 7 is pending, but its history says/],
    ["INSERT INTO timers VALUES (1, 'timer', 7, 1)", /Timer 7 is pending, but the run is closed/],
    ["INSERT INTO timers VALUES (9, 'timer', 7, 1)", /1 rows of timers belong to no run/],
    [
      "INSERT INTO events (run, id, type, time, data) SELECT run, next_event, 'ActivityCompleted', 0, " +
      "(SELECT data FROM events WHERE run = 1 AND type = 'ActivityCompleted') FROM runs WHERE run = 1",
      /comes after its end[\s\S]*decides Activity 1 again/,
    ],
  ];
  for (const [change, told] of planted) {
    const copy = join(shop.directory, "planted.db");
    copyFileSync(path, copy);
    const database = new Database(copy);
    separateRows(database);
    database.run(change);
    database.close();
    const { status, out } = await shop.wippy("journal", "check", "--journal", "planted.db");
    expect(out, change).toMatch(told);
    expect(status, change).toBe(1);
  }
});
