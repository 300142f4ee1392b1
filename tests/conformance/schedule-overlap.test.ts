import { describe, expect } from "bun:test";
import type { OverlapPolicy } from "../../src/workflows/schedules/schedules.ts";
import { until } from "../until.ts";
import { settle } from "./runtime.ts";
import { hour, minute, ScheduleHarness } from "./schedule-harness.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  const hourly = { intervals: [{ every: hour }] };

  async function open(overlap: OverlapPolicy, entry = "app:waits"): Promise<ScheduleHarness> {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, entry, { policies: { overlap } });
    return t;
  }

  const at = (time: string) => `s-2026-01-01T${time}:00Z`;

  /** Lets the run of a match end. */
  async function end(t: ScheduleHarness, time: string): Promise<void> {
    // A server starts it a moment after the run before it has ended.
    await until(() => t.runtime.provider.describe(at(time)));
    await t.runtime.signal(at(time), "go");
    await settle();
  }

  /** The runs when there are so many and as many of them have ended: a server sees to what is due in its own time. */
  async function runsOf(t: ScheduleHarness, count: number, ended: number): Promise<string[]> {
    const have = (runs: string[]) =>
      runs.length >= count && runs.filter((run) => run.endsWith(" completed")).length >= ended;
    return await until(() => t.runs(), have);
  }

  test("skip leaves out the matches while a run is open", async () => {
    const t = await open("skip");
    await t.machine.advance(3.5 * hour);
    await end(t, "01:00");
    await t.machine.advance(hour);
    expect(await t.runs()).toEqual([`${at("01:00")} completed`, `${at("04:00")} running`]);
    expect(await t.schedules.describe("s"))
      .toMatchObject({ buffered: 0, counts: { actions: 2, overlapSkipped: 2, bufferDropped: 0 } });
  });

  test("buffer_one keeps the first of them", async () => {
    const t = await open("buffer_one");
    await t.machine.advance(4.5 * hour);
    expect(await t.schedules.describe("s"))
      .toMatchObject({ buffered: 1, counts: { actions: 1, overlapSkipped: 2 } });
    await t.die();
    await end(t, "01:00");
    expect(await runsOf(t, 2, 1)).toEqual([`${at("01:00")} completed`, `${at("02:00")} running`]);
    await end(t, "02:00");
    expect((await t.runs()).length).toBe(2);
    await t.machine.advance(hour);
    expect((await t.runs())[2]).toBe(`${at("05:00")} running`);
  });

  test("buffer_all keeps them all, in order", async () => {
    const t = await open("buffer_all");
    await t.machine.advance(4.5 * hour);
    expect(await t.schedules.describe("s"))
      .toMatchObject({ buffered: 3, counts: { actions: 1, overlapSkipped: 0 } });
    await t.die();
    for (const time of ["01:00", "02:00", "03:00", "04:00"]) await end(t, time);
    expect(await runsOf(t, 4, 4)).toEqual(
      ["01:00", "02:00", "03:00", "04:00"].map((time) => `${at(time)} completed`),
    );
  });

  test("buffer_all has a bound, beyond which starts are dropped and counted", async () => {
    const t = await ScheduleHarness.open(kind);
    const spec = { intervals: [{ every: 1_000 }] };
    await t.create("s", spec, "app:waits", { policies: { overlap: "buffer_all" } });
    await t.stop();
    t.machine.time += 1_101_000;
    await t.start();
    await t.machine.advance(1);
    expect(await t.schedules.describe("s")).toMatchObject({
      buffered: 1_000,
      counts: { actions: 1, missedCatchup: 0, bufferDropped: 100 },
    });
  });

  test("cancel_other asks the open run to end, and the newest start takes its place", async () => {
    const t = await open("cancel_other");
    await t.machine.advance(3.5 * hour);
    // This one does not hear.
    expect(await t.runs()).toEqual([`${at("01:00")} running`]);
    expect((await t.runtime.provider.describe(at("01:00")))!.cancelRequested).toBe(true);
    await t.die();
    expect(await t.schedules.describe("s"))
      .toMatchObject({ buffered: 1, counts: { actions: 1, overlapSkipped: 1 } });
    await end(t, "01:00");
    expect(await t.runs()).toEqual([`${at("01:00")} completed`, `${at("03:00")} running`]);

    const quick = await open("cancel_other", "app:cancels");
    await quick.machine.advance(3.5 * hour);
    expect(await quick.runs()).toEqual([
      `${at("01:00")} completed`,
      `${at("02:00")} completed`,
      `${at("03:00")} running`,
    ]);
  });

  test("terminate_other closes the open run at once", async () => {
    const t = await open("terminate_other");
    await t.machine.advance(3.5 * hour);
    expect(await t.runs()).toEqual([
      `${at("01:00")} terminated`,
      `${at("02:00")} terminated`,
      `${at("03:00")} running`,
    ]);
    const { fate, workflowId } = await t.schedules.trigger("s");
    expect([fate, t.meant(workflowId)]).toEqual(["started", at("03:30")]);
    expect((await t.runs()).slice(2)).toEqual([
      `${at("03:00")} terminated`,
      `${at("03:30")} running`,
    ]);
    expect(t.faults()).toEqual([]);
  });

  test("allow_all lets runs overlap", async () => {
    const t = await open("allow_all");
    await t.machine.advance(3.5 * hour);
    expect(await t.runs()).toEqual(
      ["01:00", "02:00", "03:00"].map((time) => `${at(time)} running`),
    );
    expect((await t.schedules.describe("s")).runningCount).toBe(3);
  });

  test("a trigger may have another policy than its schedule", async () => {
    const t = await open("skip");
    await t.machine.advance(1.5 * hour);
    expect(await t.schedules.trigger("s")).toEqual({ fate: "skipped" });
    expect(await t.schedules.trigger("s", "buffer_all")).toEqual({ fate: "buffered" });
    expect(await t.schedules.trigger("s", "allow_all")).toMatchObject({ fate: "started" });
    expect((await t.runs()).length).toBe(2);
    // All that are open have to end before what waits is started.
    await end(t, "01:00");
    expect((await t.schedules.describe("s")).buffered).toBe(1);
    await t.machine.advance(minute);
    expect(await t.schedules.trigger("s", "terminate_other")).toMatchObject({ fate: "started" });
    expect(await t.runs()).toEqual([
      `${at("01:00")} completed`,
      `${at("01:30")} terminated`,
      `${at("01:31")} running`,
    ]);
    // What waited before still does.
    expect((await t.schedules.describe("s")).buffered).toBe(1);
  });

  test("starts that wait are dropped when the schedule is paused by their turn, asked-for ones are not", async () => {
    const t = await open("buffer_all");
    await t.machine.advance(3 * hour);
    await t.machine.advance(30 * minute);
    await t.schedules.trigger("s");
    await t.schedules.pause("s", true);
    await end(t, "01:00");
    expect(await runsOf(t, 2, 1)).toEqual([
      `${at("01:00")} completed`,
      `${at("03:30")} running`,
    ]);
    expect(await t.schedules.describe("s")).toMatchObject({
      buffered: 0,
      counts: { bufferDropped: 2 },
    });
  });

  test("a workflow id that is in use is a skipped start, and is told", async () => {
    const t = await open("skip");
    await t.runtime.start("app:waits", [], { workflowId: at("01:00") });
    await t.machine.advance(2 * hour);
    expect((await t.schedules.describe("s")).counts).toMatchObject({
      actions: 1,
      overlapSkipped: 1,
    });
    expect(t.runtime.reports[0]!.message)
      .toMatch(/^schedule s: could not start a run for 2026-01-01T01:00:00Z: .*already started/);
  });

  test("backfill acts on matches of the past, in order, also when paused", async () => {
    const t = await ScheduleHarness.open(kind);
    t.machine.time += 10 * hour;
    await t.create("s", hourly, "app:waits", { paused: true, remainingActions: 1 });
    const from = t.machine.time - 5 * hour;
    const range = { from, to: from + 3 * hour };
    expect(await t.schedules.backfill("s", [range])).toEqual({
      started: 1,
      buffered: 0,
      skipped: 3,
    });
    expect(await t.schedules.backfill("s", [{ ...range, overlap: "buffer_all" }]))
      .toEqual({ started: 0, buffered: 4, skipped: 0 });
    await end(t, "05:00");
    await end(t, "05:00");
    expect(await t.runs()).toEqual([
      `${at("05:00")} completed`,
      `${at("05:00")} completed`,
      `${at("06:00")} running`,
    ]);
    expect((await t.schedules.describe("s")).remainingActions).toBe(1);
    expect(
      await t.schedules.backfill("s", [{
        from: from - 3 * hour,
        to: from - hour,
        overlap: "allow_all",
      }]),
    ).toEqual({ started: 3, buffered: 0, skipped: 0 });

    const error = (ranges: Parameters<typeof t.schedules.backfill>[1]) =>
      t.schedules.backfill("s", ranges).then(() => "", (failure) => failure.message);
    expect(await error([range, { from, to: t.machine.time + 1 }]))
      .toBe("ranges[1].to: it lies in the future");
    expect(await error([{ from, to: from - 1 }])).toStartWith("ranges[0]: from and to");
    expect(await error([{ from: from - 1_100 * hour, to: from }]))
      .toBe("ranges[0]: more than 1000 matches; ask for shorter ranges, one after the other");
    expect(await error([{ ...range, overlap: "all" as never }])).toStartWith("ranges[0].overlap: ");
  });
});
