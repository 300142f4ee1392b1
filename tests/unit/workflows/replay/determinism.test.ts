import { describe, expect, test } from "bun:test";
import type { Command, CommandBody } from "../../../../src/workflows/engine/command.ts";
import { compare } from "../../../../src/workflows/replay/determinism.ts";
import type {
  EventData,
  EventType,
  HistoryEvent,
} from "../../../../src/workflows/history/history.ts";

const bytes = new Uint8Array([1]);

function event<Type extends EventType>(type: Type, data: EventData[Type], id = 5): HistoryEvent {
  return { id, time: 0, type, data } as HistoryEvent;
}

function command(body: CommandBody): Command {
  return { at: "app:w:3", ...body };
}

const scheduled = event("ActivityScheduled", {
  seq: 1,
  activityId: "1",
  entry: "app:pay",
  args: bytes,
  options: { summary: "then" },
  operation: false,
});
const schedule: CommandBody = {
  type: "schedule_activity",
  seq: 1,
  entry: "app:pay",
  args: ["other input"],
  options: { startToCloseTimeout: 5, summary: "now" },
};
const child = event("ChildInitiated", {
  seq: 1,
  workflowId: "kid",
  entry: "app:c",
  hostId: "app:h",
  options: {},
});
const startChild: CommandBody = {
  type: "start_child",
  seq: 1,
  entry: "app:c",
  hostId: "app:h",
  args: [],
  options: {},
};

describe("what matches", () => {
  test.each<[string, HistoryEvent, CommandBody]>([
    ["an activity with other input and options", scheduled, schedule],
    ["a timer with another duration", event("TimerStarted", { seq: 2, due: 9 }), {
      type: "start_timer",
      seq: 2,
      duration: 77,
    }],
    ["a child with a generated id", child, startChild],
    ["a child with the same id", child, { ...startChild, workflowId: "kid" }],
    ["a version with another number", event("VersionRecorded", { changeId: "c", version: 1 }), {
      type: "record_patch",
      changeId: "c",
      version: 2,
    }],
    ["another failure", event("ExecutionFailed", { failure: { kind: "A", message: "a" } }), {
      type: "fail_workflow",
      failure: { kind: "B", message: "b" },
    }],
  ])("%s", (_name, recorded, body) => {
    expect(compare(4, [recorded], [command(body)])).toBeUndefined();
  });
});

describe("what does not", () => {
  test.each<[string, HistoryEvent, CommandBody]>([
    ["another kind", scheduled, { type: "start_timer", seq: 1, duration: 1 }],
    ["another entry", scheduled, { ...schedule, entry: "app:refund" } as CommandBody],
    ["another activity id", scheduled, { ...schedule, activityId: "mine" } as CommandBody],
    ["another number", scheduled, { ...schedule, seq: 2 } as CommandBody],
    ["another child type", child, { ...startChild, entry: "app:d" }],
    ["another child id", child, { ...startChild, workflowId: "other" }],
    ["another change", event("VersionRecorded", { changeId: "c", version: 1 }), {
      type: "record_patch",
      changeId: "d",
      version: 1,
    }],
    ["another target", event("ExternalSignalInitiated", { seq: 1, pid: "{a|1}", name: "n" }), {
      type: "signal_external",
      seq: 1,
      pid: "{a|2}",
      name: "n",
      payloads: [],
    }],
    ["another way to close", event("ExecutionCompleted", { value: bytes }), {
      type: "fail_workflow",
      failure: { kind: "A", message: "a" },
    }],
    [
      "another type to go on as",
      event("ExecutionContinuedAsNew", { nextRunId: "r", entry: "app:a" }),
      { type: "continue_as_new", entry: "app:b", args: [] },
    ],
  ])("%s", (_name, recorded, body) => {
    expect(compare(4, [recorded], [command(body)])).toMatchObject({
      cause: "nondeterminism",
      expected: { eventId: 5 },
      actual: { at: "app:w:3" },
    });
  });

  test("a command that is missing, or one too many", () => {
    expect(compare(4, [scheduled], [])).toMatchObject({
      message: expect.stringContaining("event 5, ActivityScheduled app:pay 1 #1"),
      expected: { eventId: 5 },
    });
    expect(compare(4, [scheduled], [])).not.toHaveProperty("actual");
    const more = compare(4, [], [command(schedule)]);
    expect(more).toMatchObject({
      message: expect.stringContaining("schedule_activity #1 app:pay 1 at app:w:3"),
    });
    expect(more).not.toHaveProperty("expected");
  });

  test("the first of several differences is the one that is told", () => {
    const timer = event("TimerStarted", { seq: 1, due: 0 }, 6);
    const late = command({ type: "start_timer", seq: 2, duration: 1 });
    expect(compare(4, [scheduled, timer], [command(schedule), late])?.expected?.eventId).toBe(6);
  });
});
