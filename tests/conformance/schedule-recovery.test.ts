import { describe, expect } from "bun:test";
import fc from "fast-check";
import type { OverlapPolicy } from "../../src/workflows/schedules/schedules.ts";
import { settle } from "./runtime.ts";
import { day, hour, minute, ScheduleHarness } from "./schedule-harness.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  const hourly = { intervals: [{ every: hour }] };

  test("after a stop what was missed is made up for in order, as far as the catch-up window goes", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:quick", { policies: { overlap: "allow_all" } });
    await t.create("short", hourly, "app:quick", {
      policies: { overlap: "buffer_all", catchupWindow: 150 * minute },
    });
    await t.machine.advance(90 * minute);
    await t.stop();
    t.machine.time += 4 * hour;
    await t.start();
    await t.machine.advance(1);
    const of = async (id: string) => (await t.runs()).filter((run) => run.startsWith(`${id}-`));
    expect((await of("s")).map((run) => run.slice(13, 18)))
      .toEqual(["01:00", "02:00", "03:00", "04:00", "05:00"]);
    expect((await of("short")).map((run) => run.slice(17, 22))).toEqual([
      "01:00",
      "03:00",
      "04:00",
      "05:00",
    ]);
    expect((await t.schedules.describe("short")).counts).toMatchObject({
      missedCatchup: 1,
      actions: 4,
    });
    await t.machine.advance(hour);
    expect((await of("s")).length).toBe(6);
  });

  test("by default one missed match is made up for, the others overlap with it", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:waits");
    await t.stop();
    t.machine.time += 4.5 * hour;
    await t.start();
    await t.machine.advance(1);
    expect(await t.runs()).toEqual(["s-2026-01-01T01:00:00Z running"]);
    expect((await t.schedules.describe("s")).counts).toMatchObject({ overlapSkipped: 3 });
  });

  test("days of missed minutes are looked at in many short transactions", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", { intervals: [{ every: minute }] }, "app:waits");
    await t.create("other", hourly, "app:quick", { policies: { catchupWindow: hour } });
    await t.stop();
    t.machine.time += 5 * day;
    await t.start();
    await t.machine.advance(1);
    // Others do not wait for the end of it.
    await t.create("new", { intervals: [{ every: 1_000 }] });
    await t.machine.advance(1_000);
    for (let turn = 0; turn < 200; turn++) {
      const { overlapSkipped } = (await t.schedules.describe("s")).counts;
      if (overlapSkipped === 5 * 24 * 60 - 1) break;
      await t.machine.advance(1);
    }
    expect((await t.schedules.describe("s")).counts)
      .toMatchObject({ actions: 1, overlapSkipped: 5 * 24 * 60 - 1, missedCatchup: 0 });
    expect((await t.schedules.describe("other")).counts)
      .toMatchObject({ actions: 1, overlapSkipped: 1, missedCatchup: 5 * 24 - 2 });
  });

  test("a clock that jumps ahead is caught up with; one that jumps back repeats nothing", async () => {
    const t = await ScheduleHarness.open(kind);
    await t.create("s", hourly, "app:quick", { policies: { overlap: "allow_all" } });
    await t.machine.advance(90 * minute);
    t.machine.time += 3 * hour;
    // The alarm that was set for 2:00 rings late.
    await t.machine.advance(30 * minute);
    expect((await t.times()).length).toBe(5);
    t.machine.time -= 4 * hour;
    await t.die();
    await t.machine.advance(4.5 * hour);
    expect((await t.times()).length).toBe(5);
    await t.machine.advance(hour);
    expect((await t.times()).map((time) => time.slice(11, 16)))
      .toEqual(["01:00", "02:00", "03:00", "04:00", "05:00", "06:00"]);
  });

  test("whenever it dies, every match is acted on once", async () => {
    const policy = fc.constantFrom<OverlapPolicy>(
      "skip",
      "buffer_one",
      "buffer_all",
      "terminate_other",
      "allow_all",
    );
    const step = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), minutes: fc.integer({ min: 1, max: 150 }) }),
      fc.record({ kind: fc.constantFrom("die" as const, "end" as const, "trigger" as const) }),
      fc.record({ kind: fc.constant("pause" as const), paused: fc.boolean() }),
    );
    const run = async (
      overlap: OverlapPolicy,
      steps: typeof step extends fc.Arbitrary<infer Step> ? Step[] : never,
      dies: boolean,
    ) => {
      const t = await ScheduleHarness.open(kind);
      await t.create("s", { intervals: [{ every: hour }] }, "app:waits", { policies: { overlap } });
      for (const action of steps) {
        if (action.kind === "pass") await t.machine.advance(action.minutes * minute);
        else if (action.kind === "pause") await t.schedules.pause("s", action.paused);
        else if (action.kind === "trigger") await t.schedules.trigger("s");
        else if (action.kind === "end") {
          const { running: [first] } = await t.schedules.describe("s");
          if (first) await t.runtime.signal(first.workflowId, "go");
          await settle();
        } else if (dies) await t.die();
        // Two triggers of one moment would have one workflow id.
        t.machine.time += 1;
      }
      await settle();
      expect(t.faults()).toEqual([]);
      const { updateTime: _, createTime: __, ...info } = await t.schedules.describe("s");
      const plainInfo = JSON.stringify(info, (key, value) => key === "runId" ? "" : value);
      const runs = await t.runs();
      await t.stop();
      return { runs, plainInfo };
    };
    await fc.assert(
      fc.asyncProperty(policy, fc.array(step, { maxLength: 12 }), async (overlap, steps) => {
        expect(await run(overlap, steps, true)).toEqual(await run(overlap, steps, false));
      }),
      { numRuns: 25, seed: 17 },
    );
  }, 120_000);
});
