import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { checkJournal } from "../../../../../src/workflows/providers/sqlite/offline/check.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";
import { hour, ScheduleHarness } from "../../../../conformance/schedule-harness.ts";

test.each<[change: string, fault: RegExp, schedule: string]>([
  ["UPDATE schedules SET definition = x'c1'", /^its definition is damaged/, "s"],
  ["UPDATE schedules SET due = NULL", /^its next match and its due time differ$/, "s"],
  ["UPDATE schedules SET due = 1", /^it is due before its next match$/, "s"],
  ["UPDATE schedules SET paused = 1", /^it is due, but paused/, "s"],
  [
    "UPDATE schedules SET remaining = 0",
    /^it is due, but paused or at the end of its actions/,
    "s",
  ],
  [
    "UPDATE schedule_actions SET run_id = 'x'",
    /is open, but the journal has no such open run$/,
    "s",
  ],
  ["UPDATE schedules SET last_action = 0", /^it counts 0 actions, but has number 1$/, "s"],
  ["UPDATE schedule_actions SET open = 0", /^2 starts wait for the end of a run, but none/, "s"],
  ["UPDATE schedules SET last_buffered = 1", /^it counts 1 starts that have waited, but has/, "s"],
  ["DELETE FROM schedules", /^1 rows of schedule_actions belong to no schedule$/, ""],
])("a fault is found: %s", async (change, fault, scheduleId) => {
  const place = new SqlitePlace();
  const t = await ScheduleHarness.open({ name: "sqlite", make: () => place });
  const policies = { overlap: "buffer_all" as const };
  await t.create("s", { intervals: [{ every: hour }] }, "app:waits", { policies });
  await t.machine.advance(3 * hour);
  await t.stop();
  expect(checkJournal(place.path)).toMatchObject({ runs: 1, schedules: 1, faults: [] });
  const copy = `${place.path}.copy`;
  copyFileSync(place.path, copy);
  const database = new Database(copy);
  database.run(change);
  database.close();
  expect(checkJournal(copy).faults).toContainEqual({
    message: expect.stringMatching(fault),
    ...scheduleId !== "" && { scheduleId },
  });
});
