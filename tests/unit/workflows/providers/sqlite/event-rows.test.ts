/** Events that one transaction appends to a run are one row, and come back as they were. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  eventTypeOf,
  numberOfType,
  packPlain,
  type StoredEvent,
} from "../../../../../src/workflows/history/history.ts";
import { migrate } from "../../../../../src/workflows/providers/sqlite/migrations.ts";
import {
  eventsOf,
  packed,
  rowsOf,
} from "../../../../../src/workflows/providers/sqlite/store/event-rows.ts";
import { Store } from "../../../../../src/workflows/providers/sqlite/store/store.ts";

function events(from: number, count: number, bytes = 5): StoredEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    id: from + index,
    time: 1_700_000_000_000 + index,
    type: index % 2 ? "TaskCompleted" : "ActivityCompleted",
    data: packPlain({ seq: index, value: "x".repeat(bytes) }),
  }));
}

test("events come back from the rows that they were packed into", () => {
  expect(rowsOf(7, [])).toEqual([]);
  expect(rowsOf(7, events(3, 1))).toEqual([{ run: 7, ...events(3, 1)[0]! }]);
  for (const [count, bytes] of [[2, 5], [256, 5], [257, 5], [1_000, 5], [9, 40_000]] as const) {
    const rows = rowsOf(7, events(11, count, bytes));
    expect(rows.flatMap(eventsOf)).toEqual(events(11, count, bytes));
    for (const { data } of rows) expect(data.length).toBeLessThan(64 * 1024 + 2 * bytes + 4_096);
  }
});

test("any range of a history is read from rows of both forms", () => {
  const database = new Database(":memory:");
  migrate(database, 0);
  const store = new Store(database);
  const whole = events(1, 40);
  const cuts = [0, 1, 4, 5, 6, 20, 40];
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    for (const row of rowsOf(1, whole.slice(from, cuts[index + 1]))) store.insertEvent(row);
  }
  // Another run's events lie between in the index.
  for (const row of rowsOf(2, events(1, 3))) store.insertEvent(row);
  for (let from = 1; from <= 41; from++) {
    expect(store.event(1, from)).toEqual(whole[from - 1]);
    for (let to = from - 1; to <= 41; to++) {
      expect(store.eventsFrom(1, from, to)).toEqual(whole.slice(from - 1, to));
    }
    expect(store.eventsFrom(1, from)).toEqual(whole.slice(from - 1));
  }
  expect(store.event(3, 1)).toBeUndefined();
});

test("a damaged row is no events", () => {
  const [row] = rowsOf(1, events(1, 3));
  const damaged = [
    row!.data.subarray(0, -1),
    packPlain([[6, 0, 5], new Uint8Array(4)]),
    packPlain([[6, 0, 4], new Uint8Array(5)]),
    packPlain([[99, 0, 4], new Uint8Array(4)]),
    packPlain({}),
  ];
  for (const data of damaged) expect(() => eventsOf({ ...row!, type: packed, data })).toThrow();
});

test("the numbers of the types stay what journals have them for", () => {
  const types = Array.from({ length: 49 }, (_, number) => eventTypeOf(number)!);
  expect(types.map(numberOfType)).toEqual(types.map((_, number) => number));
  expect(eventTypeOf(49)).toBeUndefined();
  expect(types.join(" ")).toBe(
    "ExecutionStarted TaskStarted TaskCompleted TaskFailed ActivityScheduled ActivityCancelRequested " +
      "ActivityCompleted ActivityFailed ActivityTimedOut ActivityCanceled TimerStarted TimerCanceled " +
      "TimerFired SideEffectRecorded VersionRecorded MessageSent AttributesUpserted ExecutionSignaled " +
      "ExecutionCancelRequested UpdateDelivered UpdateAccepted UpdateRejected UpdateCompleted " +
      "UpdateAborted ExternalSignalInitiated ExternalSignaled ExternalSignalFailed " +
      "ExternalCancelInitiated ExternalCancelRequested ExternalCancelFailed ChildInitiated " +
      "ChildStarted ChildStartFailed ChildCancelRequested ChildCompleted ChildFailed ChildTimedOut " +
      "ChildCanceled ChildTerminated ExecutionCompleted ExecutionFailed ExecutionTimedOut " +
      "ExecutionCanceled ExecutionTerminated ExecutionContinuedAsNew LocalActivityScheduled " +
      "LocalActivityCancelRequested LocalActivityRecorded MessagePublished",
  );
});
