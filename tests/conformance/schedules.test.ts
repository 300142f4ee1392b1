import { describe, expect } from "bun:test";
import { pack, unpack } from "../../src/vm/codec.ts";
import type { NewSchedule } from "../../src/workflows/schedules/schedules.ts";
import { settle } from "./runtime.ts";
import { day, hour, minute, ScheduleHarness } from "./schedule-harness.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  const hourly = { intervals: [{ every: hour }] };

  test("a schedule starts a run at each match, with its facts", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.schedules.create({
      scheduleId: "report",
      spec: { cron: ["30 6 * * *"] },
      action: {
        entry: "app:quick",
        hostId: "app:workflows",
        workflowId: "nightly",
        args: pack(["x"]),
        memo: pack({ team: "a" }),
        searchAttributes: pack({ region: "north" }),
        options: { runTimeout: hour },
      },
    });
    await t.machine.advance(2 * day);
    expect(await t.runs()).toEqual([
      "nightly-2026-01-01T06:30:00Z completed",
      "nightly-2026-01-02T06:30:00Z completed",
    ]);
    expect(await t.runtime.result("nightly-2026-01-02T06:30:00Z")).toBe("x");
    const run = (await t.runtime.provider.describe("nightly-2026-01-01T06:30:00Z"))!;
    expect(unpack(run.memo!)).toEqual({ team: "a" });
    expect(unpack(run.searchAttributes!)).toEqual({
      region: "north",
      ScheduledById: "report",
      ScheduledStartTime: "2026-01-01T06:30:00Z",
    });
    const found = await t.runtime.provider.list({ attributes: { ScheduledById: "report" } });
    expect(found.runs.length).toBe(2);
  });

  test("a schedule says what it has done and is going to do", async () => {
    const t = await ScheduleHarness.open(kind);
    const begin = t.machine.time;
    await t.create("s", hourly, "app:waits", { note: "hello", remainingActions: 30 });
    await t.machine.advance(2.5 * hour);
    expect(await t.schedules.describe("s")).toMatchObject({
      scheduleId: "s",
      hostId: "app:workflows",
      entry: "app:waits",
      spec: hourly,
      policies: { overlap: "skip", catchupWindow: 365 * day, pauseOnFailure: false },
      paused: false,
      note: "hello",
      remainingActions: 29,
      createTime: begin,
      updateTime: begin,
      nextTime: begin + 3 * hour,
      nextTimes: Array.from({ length: 10 }, (_, n) => begin + (3 + n) * hour),
      recent: [{ workflowId: "s-2026-01-01T01:00:00Z", scheduledTime: begin + hour }],
      running: [{ workflowId: "s-2026-01-01T01:00:00Z", startTime: begin + hour }],
      runningCount: 1,
      buffered: 0,
      counts: { actions: 1, missedCatchup: 0, overlapSkipped: 1, bufferDropped: 0 },
    });
  });

  test("ten ended runs are remembered, and every open one", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:waits", { policies: { overlap: "allow_all" } });
    await t.machine.advance(15 * hour);
    for (let n = 2; n <= 15; n++) {
      await t.runtime.signal(`s-2026-01-01T${String(n).padStart(2, "0")}:00:00Z`, "go");
    }
    await settle();
    const { recent, running, runningCount } = await t.schedules.describe("s");
    expect(recent.map(({ workflowId }) => workflowId.slice(13, 15)))
      .toEqual(["06", "07", "08", "09", "10", "11", "12", "13", "14", "15"]);
    expect(running.map(({ workflowId }) => workflowId)).toEqual(["s-2026-01-01T01:00:00Z"]);
    expect(runningCount).toBe(1);
    await t.runtime.signal("s-2026-01-01T01:00:00Z", "go");
    await settle();
    expect((await t.schedules.describe("s")).recent.length).toBe(10);
    expect(t.faults()).toEqual([]);
  });

  test("expressions with a zone, intervals with an offset, bounds", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("zoned", {
      cron: ["0 12 * * *", "CRON_TZ=Asia/Tokyo 0 12 * * *"],
      timeZone: "America/New_York",
    });
    await t.create("offset", { intervals: [{ every: 6 * hour, offset: 90 * minute }] });
    await t.create("every", { cron: ["@every 8h/1h"] });
    const at = (text: string) => Date.parse(`2026-01-01T${text}Z`);
    await t.create("bound", { ...hourly, startAt: at("05:00:00"), endAt: at("07:00:00") });
    await t.machine.advance(day);
    const of = async (id: string) =>
      (await t.runs()).filter((run) => run.startsWith(id)).map((run) =>
        run.match(/T(\d\d:\d\d)/)![1]
      );
    expect(await of("zoned")).toEqual(["03:00", "17:00"]);
    expect(await of("offset")).toEqual(["01:30", "07:30", "13:30", "19:30"]);
    expect(await of("every")).toEqual(["01:00", "09:00", "17:00"]);
    expect(await of("bound")).toEqual(["05:00", "06:00", "07:00"]);
    expect((await t.schedules.describe("bound")).nextTimes).toEqual([]);
  });

  test("days on which the clock is changed have each match once", async () => {
    const t = await ScheduleHarness.open(kind);
    t.machine.time = Date.UTC(2026, 2, 27, 12);
    // At night 02:30 does not exist on March 29 in Oslo, and comes twice on October 25.
    await t.create("s", { cron: ["30 2 * * *"], timeZone: "Europe/Oslo" });
    await t.machine.advance(3 * day);
    expect(await t.times()).toEqual([
      "2026-03-28T01:30:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-30T00:30:00Z",
    ]);
    await t.schedules.pause("s", true);
    await t.machine.advance(Date.UTC(2026, 9, 23, 12) - t.machine.time);
    await t.schedules.pause("s", false);
    await t.machine.advance(4 * day);
    expect((await t.times()).slice(3)).toEqual([
      "2026-10-24T00:30:00Z",
      "2026-10-25T00:30:00Z",
      "2026-10-26T01:30:00Z",
      "2026-10-27T01:30:00Z",
    ]);
  });

  test("jitter delays a start, the same after a restart, never past the next match", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", { intervals: [{ every: minute }], jitter: hour }, "app:quick");
    await t.machine.advance(10 * minute - 1);
    const delays = (await t.schedules.describe("s")).recent
      .map(({ startTime, scheduledTime }) => startTime - scheduledTime);
    expect(delays.length).toBeGreaterThanOrEqual(8);
    expect(delays.every((delay) => delay >= 0 && delay <= minute)).toBe(true);
    expect(new Set(delays).size).toBeGreaterThan(5);
    const other = await ScheduleHarness.open(kind);
    await other.create("s", { intervals: [{ every: minute }], jitter: hour }, "app:quick");
    for (let n = 0; n < 10; n++) {
      await other.machine.advance(minute - (n === 9 ? 1 : 0));
      await other.die();
    }
    const again = (await other.schedules.describe("s")).recent
      .map(({ startTime, scheduledTime }) => startTime - scheduledTime);
    expect(again).toEqual(delays);
  });

  test("matches while it is paused are left out; triggers are not", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly);
    await t.machine.advance(90 * minute);
    await t.schedules.pause("s", true, "maintenance");
    expect(await t.schedules.describe("s"))
      .toMatchObject({ paused: true, note: "maintenance", nextTimes: [] });
    await t.machine.advance(3 * hour);
    await t.die();
    expect(await t.schedules.trigger("s")).toMatchObject({
      fate: "started",
      workflowId: "s-2026-01-01T04:30:00Z",
      pid: "{app:workflows|s-2026-01-01T04:30:00Z}",
    });
    await t.schedules.pause("s", false);
    await t.machine.advance(hour);
    expect(await t.times())
      .toEqual(["2026-01-01T01:00:00Z", "2026-01-01T04:30:00Z", "2026-01-01T05:00:00Z"]);
    expect(await t.schedules.describe("s")).toMatchObject({ paused: false, note: "maintenance" });
  });

  test("limited actions end by themselves, and can be given more", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:quick", { remainingActions: 2 });
    await t.machine.advance(5 * hour);
    expect((await t.times()).length).toBe(2);
    expect(await t.schedules.describe("s")).toMatchObject({ remainingActions: 0, nextTimes: [] });
    await t.schedules.update("s", { remainingActions: 1 });
    await t.machine.advance(5 * hour);
    expect((await t.times()).slice(2)).toEqual(["2026-01-01T06:00:00Z"]);
    await t.schedules.update("s", { remainingActions: null });
    await t.machine.advance(2 * hour);
    expect((await t.times()).length).toBe(5);
  });

  test("a run that fails or times out pauses the schedule where it says so", async () => {
    const t = await ScheduleHarness.open(kind);
    const policies = { pauseOnFailure: true };
    await t.create("s", hourly, "app:fails", { policies });
    await t.machine.advance(5 * hour);
    expect(await t.runs()).toEqual(["s-2026-01-01T01:00:00Z failed"]);
    expect(await t.schedules.describe("s")).toMatchObject({
      paused: true,
      note: "paused because s-2026-01-01T01:00:00Z failed",
    });
    expect(t.runtime.reports.map(({ message }) => message))
      .toContain("schedule s: paused because s-2026-01-01T01:00:00Z failed");
    const action = (await t.schedules.describe("s")).action;
    await t.schedules.update("s", {
      action: { ...action, entry: "app:waits", options: { runTimeout: minute } },
    });
    await t.schedules.pause("s", false, "");
    await t.machine.advance(2 * hour);
    expect(await t.schedules.describe("s")).toMatchObject({
      paused: true,
      note: "paused because s-2026-01-01T06:00:00Z timed out",
    });
    // An end that somebody wanted is no failure.
    await t.schedules.update("s", { action: { ...action, entry: "app:waits" } });
    await t.schedules.pause("s", false, "");
    await t.machine.advance(hour);
    await t.runtime.provider.terminate("s-2026-01-01T08:00:00Z", {});
    await settle();
    expect((await t.schedules.describe("s")).paused).toBe(false);
  });

  test("retries and continue-as-new are the same run of the schedule", async () => {
    const t = await ScheduleHarness.open(kind, {
      scripts: {
        "app:again": function* (run, count) {
          if (Number(count ?? 3) === 0) return "end";
          yield run.sleep(20 * minute);
          yield run.continueAsNew("app:again", Number(count ?? 3) - 1);
          return undefined;
        },
      },
    });
    await t.create("s", { intervals: [{ every: 30 * minute }] }, "app:again");
    await t.machine.advance(95 * minute);
    // Begun at 0:30, it ends at 1:30, just after the match of that moment.
    expect(await t.schedules.describe("s"))
      .toMatchObject({ running: [], counts: { actions: 1, overlapSkipped: 2 } });
    await t.machine.advance(30 * minute);
    expect(await t.schedules.describe("s")).toMatchObject({
      runningCount: 1,
      counts: { actions: 2 },
    });
  });

  test("an update takes what is due first, then the new spec", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly);
    await t.machine.advance(hour - 1);
    t.machine.time += 30 * minute;
    await t.schedules.update("s", { spec: { intervals: [{ every: 2 * hour }] }, note: "slower" });
    expect(await t.times()).toEqual(["2026-01-01T01:00:00Z"]);
    await t.machine.advance(4 * hour);
    expect((await t.times()).slice(1)).toEqual(["2026-01-01T02:00:00Z", "2026-01-01T04:00:00Z"]);
    expect((await t.schedules.describe("s")).note).toBe("slower");
  });

  test("schedules are listed by id, page by page", async () => {
    const t = await ScheduleHarness.open(kind);
    for (const id of ["c", "a", "e", "b", "d"]) await t.create(id, hourly);
    const first = await t.schedules.list({ limit: 2 });
    expect(first.schedules.map(({ scheduleId }) => scheduleId)).toEqual(["a", "b"]);
    expect(first.schedules[0]).toMatchObject({
      hostId: "app:workflows",
      entry: "app:quick",
      spec: hourly,
      paused: false,
      nextTime: t.machine.time + hour,
    });
    const second = await t.schedules.list({ limit: 2, cursor: first.cursor! });
    expect(second.schedules.map(({ scheduleId }) => scheduleId)).toEqual(["c", "d"]);
    const third = await t.schedules.list({ limit: 2, cursor: second.cursor! });
    expect(third.schedules.map(({ scheduleId }) => scheduleId)).toEqual(["e"]);
    expect(third.cursor).toBeUndefined();
  });

  test("a deleted schedule is gone, its runs go on, and its id is free", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:waits", { policies: { overlap: "buffer_all" } });
    await t.machine.advance(3 * hour);
    await t.schedules.delete("s");
    await t.create("s", { intervals: [{ every: day }] });
    await t.runtime.signal("s-2026-01-01T01:00:00Z", "go");
    await t.machine.advance(3 * hour);
    expect(await t.runs()).toEqual(["s-2026-01-01T01:00:00Z completed"]);
    expect(t.faults()).toEqual([]);
  });

  test("ids in use, unknown ids and bad input are told apart", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly);
    const error = (promise: Promise<unknown>) =>
      promise.then(() => "no error", (failure) => `${failure.kind}: ${failure.message}`);
    expect(await error(t.create("s", hourly)))
      .toBe("AlreadyExists: there is a schedule s already; update it, or choose another id");
    // The same request again is no conflict: its answer was lost.
    await t.create("again", hourly, "app:quick", { requestId: "1" });
    await t.create("again", hourly, "app:quick", { requestId: "1" });
    expect(await error(t.create("again", hourly, "app:quick", { requestId: "2" })))
      .toStartWith("AlreadyExists");
    await t.schedules.delete("again");
    const unknown = "NotFound: there is no schedule x";
    expect(await error(t.schedules.describe("x"))).toBe(unknown);
    expect(await error(t.schedules.update("x", {}))).toBe(unknown);
    expect(await error(t.schedules.pause("x", true))).toBe(unknown);
    expect(await error(t.schedules.trigger("x"))).toBe(unknown);
    expect(await error(t.schedules.backfill("x", []))).toBe(unknown);
    expect(await error(t.schedules.delete("x"))).toBe(unknown);

    const bad = (spec: NewSchedule["spec"], more: Partial<NewSchedule> = {}) =>
      error(t.create("bad", spec, "app:quick", more));
    expect(await bad({})).toMatch(/^Invalid: spec: it never matches/);
    expect(await bad({ cron: ["* * *"] })).toMatch(/^Invalid: spec\.cron\[0\]: .*no cron schedule/);
    expect(await bad({ cron: ["@every 10ms"] })).toMatch(/^Invalid: spec\.cron\[0\]: every: /);
    expect(await bad({ cron: ["* * * * *"], timeZone: "Mars/Base" }))
      .toMatch(/^Invalid: spec\.time_zone: "Mars\/Base" is no time zone/);
    expect(await bad({ intervals: [{ every: 999 }] })).toMatch(
      /^Invalid: spec\.intervals\[0\]: every/,
    );
    expect(await bad({ intervals: [{ every: minute, offset: minute }] }))
      .toMatch(/^Invalid: spec\.intervals\[0\]: offset/);
    expect(await bad({ ...hourly, startAt: 2, endAt: 1 })).toMatch(/^Invalid: spec\.end_at: /);
    expect(await bad({ ...hourly, startAt: NaN })).toMatch(/^Invalid: spec\.start_at: /);
    expect(await bad({ ...hourly, jitter: -1 })).toMatch(/^Invalid: spec\.jitter: /);
    expect(await bad({ intervals: Array.from({ length: 101 }, () => ({ every: minute })) }))
      .toMatch(/^Invalid: spec: 101 .*at most 100/);
    expect(await bad(hourly, { policies: { catchupWindow: 1 } }))
      .toMatch(/^Invalid: policies\.catchup_window: /);
    expect(await bad(hourly, { policies: { overlap: "some" as never } }))
      .toMatch(/^Invalid: policies\.overlap: /);
    expect(await bad(hourly, { remainingActions: -1 })).toMatch(/^Invalid: remaining_actions: /);
    const action = (await t.schedules.describe("s")).action;
    expect(await bad(hourly, { action: { ...action, workflowId: "a|b" } }))
      .toMatch(/^Invalid: action\.workflow_id: /);
    expect(await bad(hourly, { action: { ...action, options: { cronSchedule: "@daily" } } }))
      .toMatch(/^Invalid: action\.options: workflow\.cron_schedule: /);
    expect(await error(t.create("", hourly))).toMatch(/^Invalid: id: /);
    expect(await error(t.schedules.trigger("s", "some" as never))).toMatch(/^Invalid: overlap: /);
    expect((await t.schedules.list({})).schedules.length).toBe(1);
  });

  test("matches that were missed while the entry changed are those of the new one", async () => {
    const t = await ScheduleHarness.open(kind);
    const declared = (entry: string, every: number): NewSchedule => ({
      scheduleId: "app:s",
      declaredBy: "app:s",
      spec: { intervals: [{ every }] },
      action: { entry, hostId: "app:workflows", workflowId: "s", args: pack([]) },
      policies: { overlap: "allow_all" },
    });
    await t.schedules.declare([declared("app:gone", hour)]);
    await t.stop();
    t.machine.time += 4.5 * hour;
    await t.start({ schedules: [declared("app:quick", 2 * hour)] });
    await t.machine.advance(1);
    expect(await t.runs())
      .toEqual(["s-2026-01-01T02:00:00Z completed", "s-2026-01-01T04:00:00Z completed"]);
  });

  test("what entries declare is kept in step with them, and stays paused", async () => {
    const t = await ScheduleHarness.open(kind);
    const declared = (id: string, every = hour): NewSchedule => ({
      scheduleId: id,
      declaredBy: id,
      spec: { intervals: [{ every }] },
      action: { entry: "app:quick", hostId: "app:workflows", workflowId: id, args: pack([]) },
    });
    await t.create("own", { intervals: [{ every: 10 * day }] });
    // One of that id that was made by hand is the entry's from now on.
    await t.create("app:a", { intervals: [{ every: 10 * day }] });
    await t.schedules.declare([declared("app:a"), declared("app:b")]);
    await t.schedules.pause("app:a", true, "stop");
    await t.stop();
    t.machine.time += 5 * hour;
    // What is not declared any more starts nothing, though it was due.
    await t.start({ schedules: [declared("app:a", minute), declared("app:c")] });
    await t.machine.advance(hour);
    expect((await t.times()).length).toBe(1);
    expect((await t.runs())[0]).toStartWith("app:c-");
    expect((await t.schedules.list({})).schedules).toMatchObject([
      { scheduleId: "app:a", declaredBy: "app:a", paused: true, note: "stop" },
      { scheduleId: "app:c", declaredBy: "app:c", paused: false },
      { scheduleId: "own" },
    ]);
    const before = await t.schedules.describe("app:c");
    await t.schedules.declare([declared("app:c")]);
    expect(await t.schedules.describe("app:c")).toEqual(before);
    expect((await t.schedules.list({})).schedules.map(({ scheduleId }) => scheduleId))
      .toEqual(["app:c", "own"]);
  });
});
