import { expect, test } from "bun:test";
import fc from "fast-check";
import { jittered, matchesBetween, nextMatch } from "../../../../src/workflows/schedules/spec.ts";
import type { ScheduleSpec } from "../../../../src/workflows/schedules/schedules.ts";

const at = (text: string) => Date.parse(`${text}Z`);

/** Matches in UTC, as `29T01:30`. */
function matches(spec: ScheduleSpec, from: string, to: string): string[] {
  return matchesBetween(spec, at(from), at(to), 1_000)
    .map((time) => new Date(time).toISOString().slice(8, 16));
}

test("expressions and intervals match together, each time once", () => {
  const spec = { cron: ["0 */2 * * *", "0 4 * * *"], intervals: [{ every: 3_600_000 * 3 }] };
  expect(matches(spec, "2026-01-01T00:00:00", "2026-01-01T09:00:00"))
    .toEqual(["01T00:00", "01T02:00", "01T03:00", "01T04:00", "01T06:00", "01T08:00", "01T09:00"]);
});

test("an hour that is left out, and one that comes twice", () => {
  const oslo = (expression: string) => ({ cron: [expression], timeZone: "Europe/Oslo" });
  const spring = ["2026-03-28T22:00:00", "2026-03-29T03:00:00"] as const;
  // One time of the day comes late; of several, those in the hour are left out.
  expect(matches(oslo("30 2 * * *"), ...spring)).toEqual(["29T01:00"]);
  expect(matches(oslo("15,45 2 * * *"), ...spring)).toEqual([]);
  expect(matches(oslo("30 * * * *"), ...spring))
    .toEqual(["28T22:30", "28T23:30", "29T00:30", "29T01:30", "29T02:30"]);
  const autumn = ["2026-10-24T22:45:00", "2026-10-25T02:45:00"] as const;
  expect(matches(oslo("30 2 * * *"), ...autumn)).toEqual(["25T00:30"]);
  expect(matches(oslo("30 * * * *"), ...autumn))
    .toEqual(["24T23:30", "25T00:30", "25T01:30", "25T02:30"]);
});

test("bounds include their ends", () => {
  const spec = {
    intervals: [{ every: 60_000 }],
    startAt: at("2026-01-01T10:00:00"),
    endAt: at("2026-01-01T10:02:00"),
  };
  expect(matches(spec, "2026-01-01T00:00:00", "2026-01-02T00:00:00"))
    .toEqual(["01T10:00", "01T10:01", "01T10:02"]);
  expect(nextMatch(spec, spec.endAt)).toBeUndefined();
});

test("whatever the spec, matches go on, and jitter stays before the next one", () => {
  const hour = 3_600_000;
  const specs = fc.record({
    cron: fc.array(fc.constantFrom("0 * * * *", "*/7 3 * * *", "30 6 * * 1-5", "@daily"), {
      maxLength: 2,
    }),
    intervals: fc.array(
      fc.record({
        every: fc.integer({ min: 1_000, max: 30 * hour }),
        offset: fc.integer({ min: 0, max: 999 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    timeZone: fc.constantFrom("UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata"),
    jitter: fc.integer({ min: 0, max: 2 * hour }),
  });
  const from = fc.integer({ min: 0, max: at("2040-01-01T00:00:00") });
  fc.assert(fc.property(specs, from, (spec, begin) => {
    let last = begin;
    for (let n = 0; n < 5; n++) {
      const next = nextMatch(spec, last)!;
      expect(next).toBeGreaterThan(last);
      // Nothing lies between.
      expect(nextMatch(spec, next - 1)).toBe(next);
      if (n > 0) {
        const acted = jittered("s", spec, last);
        expect(acted).toBeGreaterThanOrEqual(last);
        expect(acted).toBeLessThanOrEqual(Math.min(next, last + spec.jitter));
      }
      last = next;
    }
  }));
});
