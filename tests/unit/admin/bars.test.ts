import { expect, test } from "bun:test";
import { barsOf } from "../../../src/admin/ui/views/bars.ts";

test("a local activity is drawn from when it was asked for until it ended, once", () => {
  const event = (id: number, type: string, data: Record<string, unknown>) =>
    ({ id, time: 9_000, type, data }) as Parameters<typeof barsOf>[0][number];
  const result = { activityId: "1", entry: "app:step", scheduled: 1_000, time: 1_250 };
  const bars = barsOf([
    event(1, "LocalActivityRecorded", { ...result, seq: 1, attempt: 1, value: 1 }),
    event(2, "LocalActivityScheduled", { seq: 2, entry: "app:slow", attempt: 1 }),
    event(3, "LocalActivityScheduled", { seq: 3, entry: "app:open", attempt: 1 }),
    event(4, "LocalActivityRecorded", {
      ...result,
      entry: "app:slow",
      seq: 2,
      attempt: 2,
      failure: { kind: "Internal", message: "broken" },
      backoff: 60_000,
    }),
    event(5, "LocalActivityRecorded", {
      ...result,
      seq: 4,
      attempt: 1,
      canceled: true,
      failure: { kind: "Canceled", message: "operation canceled" },
    }),
  ]);
  const times = { kind: "activity" as const, from: 1_000, until: 1_250 };
  expect(bars).toEqual([
    { label: "app:step", ...times, outcome: "completed" },
    { label: "app:slow", ...times, outcome: "failed, waits, attempt 2" },
    { label: "app:open", kind: "activity", from: 9_000 },
    { label: "app:step", ...times, outcome: "canceled" },
  ]);
});
