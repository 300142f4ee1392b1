import { expect, test } from "bun:test";
import {
  type OutgoingTask,
  packAnswers,
  packIdentity,
  packTasks,
  RunMemory,
  unpackAnswers,
  unpackTasks,
} from "../../../../src/workflows/tasks/wire.ts";
import type { WorkerAnswer } from "../../../../src/workflows/tasks/tasks.ts";

const bytes = new Uint8Array([1, 2, 3]);
const failure = { kind: "Invalid", message: "no", retryable: false, details: { path: "x" } };

test("answers come out as they went in", () => {
  const answers: WorkerAnswer[] = [
    {
      type: "task",
      completion: { token: "1.2.3", outcome: { type: "completed", commands: bytes } },
    },
    {
      type: "task",
      completion: {
        token: "1.2.3",
        outcome: { type: "completed", commands: bytes, forceNewTask: true },
      },
    },
    {
      type: "task",
      completion: { token: "1.2.3", outcome: { type: "completed", commands: bytes, logs: true } },
    },
    {
      type: "task",
      completion: {
        token: "1.2.3",
        outcome: { type: "failed", failure: { cause: "lost", message: "died" } },
      },
    },
    { type: "activity", token: "1.2.3.4", result: { status: "completed", value: bytes } },
    { type: "activity", token: "1.2.3.4", result: { status: "failed", failure } },
    {
      type: "step",
      step: {
        outcomes: [{ token: "1.2.3.4", data: bytes }, { token: "1.2.4.1", data: bytes }],
        next: 7,
        time: 1_700_000_000_000,
        commands: bytes,
        logs: false,
        more: true,
      },
    },
    { type: "heartbeat", token: "1.2.3.4", details: bytes },
    { type: "signal", signal: { ticket: 7, workflowId: "w", data: bytes } },
    { type: "signal", signal: { ticket: 8, workflowId: "w", data: new Uint8Array([4]) } },
    { type: "signal", signal: { ticket: 9, workflowId: "v", data: bytes } },
    { type: "queried", answer: { token: "1.query.3", since: 4, outcome: { type: "cache_miss" } } },
    { type: "signal", signal: { ticket: 10, workflowId: "v", data: new Uint8Array() } },
  ];
  expect(unpackAnswers(packAnswers(answers))).toEqual(answers);
});

test("tasks come with the id of their run, which is sent with the first one", () => {
  const first = { token: "1.2.3", runId: "r", since: 0, history: bytes };
  const later = { token: "1.2.4", runId: "r", since: 9, history: bytes };
  const memory = new RunMemory();
  const cross = (tasks: OutgoingTask[]) => unpackTasks(packTasks(tasks), memory);
  expect(cross([{ type: "task", task: first }])).toEqual([{ type: "task", task: first }]);
  expect(cross([{ type: "task", task: later }])).toEqual([{ type: "task", task: later }]);
  for (const task of [first, later]) {
    const early: OutgoingTask = { type: "task", task: { ...task, early: true } };
    expect(cross([early])).toEqual([early] as never);
  }
  const timed: OutgoingTask = { type: "task", task: { ...later, timeout: 500 } };
  const expedite: OutgoingTask = { type: "expedite", runId: "r" };
  expect(cross([timed, expedite])).toEqual([timed, expedite] as never);
  const unknown = { ...later, token: "1.7.1", runId: "s" };
  expect(cross([{ type: "task", task: unknown }])).toMatchObject([{ task: { runId: "" } }]);
});

test("of many runs the ids of those that were handed out last are kept", () => {
  const { ids } = new RunMemory(2);
  for (const run of ["a", "b"]) ids.set(`1.${run}.1`, run);
  ids.set("1.a.2", "a");
  ids.set("1.c.1", "c");
  expect(["a", "b", "c"].map((run) => ids.get(`1.${run}.3`))).toEqual(["a", undefined, "c"]);
});

test("attempts come with the identity of their run", () => {
  const identity = packIdentity({
    runId: "r",
    workflowId: "w",
    pid: "{app:h|w}",
    hostId: "app:h",
  });
  const task = {
    token: "1.2.3.4",
    identity,
    entry: "app:a",
    operation: false,
    args: bytes,
    attempt: 4,
    scheduledTime: 7.5,
    deadline: Infinity,
  };
  const cross = (more: Partial<typeof task> & { activityId?: string }) => {
    const [item] = unpackTasks(
      packTasks([{ type: "activity", task: { ...task, ...more } }]),
      new RunMemory(),
    );
    return item?.type === "activity" ? item.task : undefined;
  };
  const plain = cross({})!;
  expect(plain).toMatchObject({ entry: "app:a", attempt: 4, deadline: Infinity, args: bytes });
  expect(plain.frame).toBeUndefined();
  expect([plain.runId, plain.workflowId, plain.pid, plain.hostId]).toEqual(
    ["r", "w", "{app:h|w}", "app:h"],
  );
  expect([plain.activityId, plain.idempotencyToken]).toEqual(["3", "r.3"]);
  expect(cross({ activityId: "own" })?.activityId).toBe("own");
  const beating = { frame: bytes, heartbeatTimeout: 30, heartbeat: bytes, operation: true };
  expect(cross(beating)).toMatchObject(beating);
});
