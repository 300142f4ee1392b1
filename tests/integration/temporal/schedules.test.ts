/** Schedules of a real Temporal server. */
import { expect } from "bun:test";
import { pack } from "../../../src/vm/codec.ts";
import type { NewSchedule, ScheduleSpec } from "../../../src/workflows/schedules/schedules.ts";
import { refusal, type RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const { open } = onServer();

const scripts: RuntimeOptions["scripts"] = {
  "app:quick": (_run, value) => value,
  "app:waits": function* (run) {
    return yield run.signal();
  },
};

const hour = 3_600_000;
const yearly: ScheduleSpec = { cron: ["0 0 1 1 *"], timeZone: "Europe/Oslo" };

function schedule(
  scheduleId: string,
  more: Partial<NewSchedule> = {},
  entry = "app:quick",
): NewSchedule {
  const action = { entry, hostId: "app:workflows", workflowId: scheduleId, args: pack([7]) };
  return { scheduleId, spec: yearly, action, ...more };
}

withTemporal("a schedule is what its author wrote, and changes as told", async () => {
  const { provider: { schedules } } = await open({ scripts });
  await schedules.create(schedule("s", { note: "first", remainingActions: 3 }));
  expect(await refusal(schedules.create(schedule("s")))).toMatchObject({ kind: "AlreadyExists" });
  const info = await schedules.describe("s");
  expect(info).toMatchObject({
    scheduleId: "s",
    hostId: "app:workflows",
    entry: "app:quick",
    spec: yearly,
    note: "first",
    paused: false,
    remainingActions: 3,
    policies: { overlap: "skip", pauseOnFailure: false },
    counts: { actions: 0 },
  });
  expect(new Date(info.nextTime!).toISOString()).toMatch(/^\d{4}-12-31T23:00:00/);
  await schedules.update("s", {
    spec: { intervals: [{ every: hour, offset: 60_000 }] },
    policies: { overlap: "allow_all" },
    remainingActions: null,
  });
  const changed = await schedules.describe("s");
  expect(changed).toMatchObject({
    spec: { intervals: [{ every: hour, offset: 60_000 }] },
    policies: { overlap: "allow_all" },
    note: "first",
  });
  expect(changed.remainingActions).toBeUndefined();
  expect(changed.nextTimes).toHaveLength(10);
  expect(changed.nextTimes[0]! % hour).toBe(60_000);
  await schedules.pause("s", true, "for a while");
  expect(await schedules.describe("s")).toMatchObject({ paused: true, note: "for a while" });
  await schedules.pause("s", false);
  expect(await schedules.describe("s")).toMatchObject({ paused: false, note: "for a while" });
  await schedules.create(schedule("a"));
  const listed = await until(() => schedules.list({}), ({ schedules }) => schedules.length === 2);
  expect(listed.schedules.map(({ scheduleId }) => scheduleId)).toEqual(["a", "s"]);
  await schedules.delete("s");
  expect(await refusal(schedules.describe("s"))).toMatchObject({ kind: "NotFound" });
});

withTemporal(
  "a schedule starts runs at its times, when asked, and for times that have passed",
  async () => {
    const r = await open({ scripts });
    const { schedules } = r.provider;
    await schedules.create(schedule("every", { spec: { intervals: [{ every: 1_000 }] } }));
    await until(async () => (await schedules.describe("every")).recent.length > 0);
    const [made] = (await schedules.describe("every")).recent;
    expect(made!.workflowId).toStartWith("every-20");
    expect(await r.result(made!.workflowId)).toBe(7);
    await schedules.delete("every");

    const waits = schedule("waits", { spec: { intervals: [{ every: hour }] } }, "app:waits");
    await schedules.create(waits);
    const triggered = await schedules.trigger("waits");
    expect(triggered).toMatchObject({ fate: "started" });
    expect(await schedules.trigger("waits")).toEqual({ fate: "skipped" });
    expect(await schedules.trigger("waits", "buffer_one")).toEqual({ fate: "buffered" });
    await r.signal(triggered.workflowId!, "go");
    await until(async () => (await schedules.describe("waits")).counts.actions === 2);
    // The server names a run by the second of its start: while it terminates the run of the same name
    // it may take the new one for a start that was made already, and forget it.
    // Sleeps because the next name is that of the next second.
    await Bun.sleep(1_000 - Date.now() % 1_000);
    expect(await schedules.trigger("waits", "terminate_other")).toMatchObject({ fate: "started" });
    const noon = Math.floor(Date.now() / hour) * hour;
    const range = { from: noon - 3 * hour, to: noon - hour, overlap: "allow_all" } as const;
    expect(await schedules.backfill("waits", [range])).toEqual({
      started: 3,
      buffered: 0,
      skipped: 0,
    });
    const { recent } = await schedules.describe("waits");
    expect(recent.slice(-3).map(({ scheduledTime }) => scheduledTime)).toEqual([
      noon - 3 * hour,
      noon - 2 * hour,
      noon - hour,
    ]);
  },
);

withTemporal("what entries declare is kept in step with them", async () => {
  const { provider: { schedules } } = await open({ scripts });
  const own = schedule("own");
  await schedules.create(own);
  const declared = (id: string, spec: ScheduleSpec) =>
    schedule(id, { spec, declaredBy: `app:${id}` });
  await schedules.declare([declared("one", yearly), declared("two", yearly)]);
  await schedules.pause("one", true);
  const seen = () =>
    schedules.list({}).then(({ schedules }) => schedules.map(({ scheduleId }) => scheduleId));
  await until(seen, (ids) => ids.includes("two") && ids.includes("own"));
  const hourly = { intervals: [{ every: hour }] };
  await schedules.declare([declared("one", hourly), declared("three", hourly)]);
  expect(await schedules.describe("one")).toMatchObject({
    spec: hourly,
    paused: true,
    declaredBy: "app:one",
  });
  expect(await schedules.describe("three")).toMatchObject({ spec: hourly });
  expect(await refusal(schedules.describe("two"))).toMatchObject({ kind: "NotFound" });
  expect(await schedules.describe("own")).toMatchObject({ spec: yearly });
});
