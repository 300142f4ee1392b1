import { expect, test } from "bun:test";
import { differentFields, divergences, trailOf } from "../../../../src/cli/workflow/divergence.ts";
import { pack } from "../../../../src/vm/codec.ts";
import type {
  EventData,
  EventType,
  HistoryEvent,
} from "../../../../src/workflows/history/history.ts";

type Written = {
  [Type in EventType]: [type: Type, data: EventData[Type], time?: number];
}[EventType];

/** A history of which only what matters is written. */
function trail(...written: Written[]) {
  const events = written.map(([type, data, time], index) => ({
    id: index + 1,
    time: time ?? 1000 + index,
    type,
    data,
  } as HistoryEvent));
  return trailOf(events);
}

function started(workflowId: string): Written {
  return ["ExecutionStarted", {
    workflowId,
    runId: `run of ${workflowId}`,
    firstRunId: `run of ${workflowId}`,
    entry: "app:order",
    hostId: "app:durable",
    pid: `{app:durable|${workflowId}}`,
    args: pack([]),
    randomSeed: workflowId.length,
    attempt: 1,
  }];
}

const task: Written = ["TaskStarted", { size: 0 }];
const done: Written = ["TaskCompleted", { worker: 0 }];
const call = (seq: number, entry: string): Written => [
  "ActivityScheduled",
  { seq, entry, args: pack([]) },
];
const answer = (seq: number, value: number, attempt = 1): Written => [
  "ActivityCompleted",
  { seq, attempt, value: pack(value) },
];

/** What differs, briefly. */
function found(a: ReturnType<typeof trail>, b: ReturnType<typeof trail>) {
  return divergences(a, b).map((
    { stream, kind, a, b },
  ) => [stream, kind, a?.event.id, b?.event.id]);
}

test("how answers were batched into tasks, attempts, ids and times make no difference", () => {
  const begin = [task, done, call(1, "app:a"), call(2, "app:b")];
  const one = trail(started("one"), ...begin, answer(1, 1), answer(2, 2), task, done);
  const two = trail(
    started("another"),
    ...begin,
    ...[answer(1, 1, 3), task, done],
    ...[answer(2, 2), task, done],
  );
  expect(found(one, two)).toEqual([]);
});

test("answers that came in another order differ, and what the code did then is compared on", () => {
  const begin = [started("x"), task, done, call(1, "app:a"), call(2, "app:b")];
  const one = trail(...begin, answer(1, 1), answer(2, 2), task, done, call(3, "app:c"));
  const two = trail(...begin, answer(2, 2), answer(1, 1), task, done, call(3, "app:d"));
  expect(found(one, two)).toEqual([["given", "steps", 6, 6], ["done", "steps", 10, 10]]);
});

test("a failure in place of a result is the same step with other values", () => {
  const begin = [started("x"), task, done, call(1, "app:a")];
  const failure = { kind: "Internal", message: "no luck" };
  const one = trail(...begin, answer(1, 1), task, done);
  const two = trail(...begin, ["ActivityFailed", { seq: 1, attempt: 1, failure }], task, done);
  const [divergence] = divergences(one, two);
  expect(divergence).toMatchObject({ stream: "given", kind: "values", a: { about: "app:a" } });
  expect(differentFields(divergence!)).toEqual([
    { name: "value", a: "1", b: undefined },
    { name: "type", a: '"ActivityCompleted"', b: '"ActivityFailed"' },
    { name: "failure.kind", a: undefined, b: '"Internal"' },
    { name: "failure.message", a: undefined, b: '"no luck"' },
  ]);
});

test("timers are compared by their length, updates by their number", () => {
  const run = (id: string, length: number, time: number) =>
    trail(
      started(id),
      ["UpdateDelivered", { updateId: `update of ${id}`, name: "add", args: pack([]), sender: id }],
      task,
      done,
      ["UpdateAccepted", { updateId: `update of ${id}` }],
      ["TimerStarted", { seq: 1, due: time + length }, time],
    );
  expect(found(run("one", 50, 2000), run("two", 50, 9000))).toEqual([]);
  expect(found(run("one", 50, 2000), run("two", 60, 9000))).toEqual([["done", "values", 6, 6]]);
});

test("behind different commands nothing is compared, nor what no task has seen yet", () => {
  const begin = [started("x"), task, done];
  const one = trail(...begin, call(1, "app:a"), answer(1, 1), task, done, call(2, "app:c"));
  const two = trail(...begin, call(1, "app:b"), answer(1, 9), task, done);
  expect(found(one, two)).toEqual([["done", "steps", 4, 4]]);
  const unseen = trail(...begin, call(1, "app:a"), answer(1, 7));
  expect(found(one, unseen)).toEqual([["given", "end", 5, undefined]]);
});

test("a run that was ended from outside differs from one that completed", () => {
  const begin = [started("x"), task, done];
  const one = trail(...begin, ["ExecutionCompleted", { value: pack(1) }]);
  const two = trail(...begin, ["ExecutionTerminated", {
    failure: { kind: "Canceled", message: "terminated" },
  }]);
  expect(found(one, two)).toEqual([["done", "steps", 4, 4]]);
});
