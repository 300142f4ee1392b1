import { describe, expect, test } from "bun:test";
import { packAnswers, RunMemory, unpackTasks } from "../../../../../src/workflows/tasks/wire.ts";
import type { Task, WorkerAnswer } from "../../../../../src/workflows/tasks/tasks.ts";
import { unpackHistory } from "../../../../../src/workflows/history/history.ts";
import { ActivityTimes } from "../../../../../src/workflows/providers/temporal/worker/activity-times.ts";
import { WorkerLinks } from "../../../../../src/workflows/providers/temporal/worker/links.ts";

/** What is under way in this turn of the event loop is done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const activity: Task = {
  type: "activity",
  task: {
    token: "1.2.3.1.9",
    runId: "run",
    workflowId: "workflow",
    pid: "{local@host|workflow}",
    hostId: "host",
    activityId: "3",
    entry: "app:step",
    operation: false,
    args: Uint8Array.of(0x90),
    attempt: 1,
    idempotencyToken: "run.3",
    scheduledTime: 5,
    deadline: 7,
  },
};

const task: Task = {
  type: "task",
  task: {
    token: "1.2.1",
    runId: "run",
    since: 0,
    history: [{ id: 1, time: 2, type: "TaskStarted", data: { size: 3 } }],
    timeout: 10,
  },
};

describe("the links to workers", () => {
  test("a worker on this thread gets tasks as they are", async () => {
    const links = new WorkerLinks(false);
    const answers: WorkerAnswer[] = [];
    links.onAnswer = (_worker, answer) => answers.push(answer);
    const port = links.connect(0, undefined, true);
    if (!("onTasks" in port)) throw new Error("not a direct port");
    const taken: Task[] = [];
    port.onTasks = (tasks) => taken.push(...tasks);
    links.send(0, activity);
    links.send(0, task);
    const answer: WorkerAnswer = {
      type: "activity",
      token: "1.2.3.1.9",
      result: { status: "completed", value: Uint8Array.of(1) },
    };
    port.answer([answer]);
    await turn();
    expect(taken[0]).toBe(activity);
    expect(taken[1]).toBe(task);
    expect(answers).toEqual([answer]);
    links.close();
  });

  test("another gets the same packed", async () => {
    const links = new WorkerLinks(true);
    const answers: WorkerAnswer[] = [];
    links.onAnswer = (_worker, answer) => answers.push(answer);
    const port = links.connect(0);
    if ("onTasks" in port) throw new Error("a direct port");
    const memory = new RunMemory();
    const taken: Task[] = [];
    port.onmessage = ({ data }) => taken.push(...unpackTasks(data, memory));
    links.send(0, activity);
    links.send(0, task);
    await turn();
    const [first, second] = taken;
    if (first?.type !== "activity" || second?.type !== "task") throw new Error("other tasks came");
    const { runId, workflowId, pid, hostId, activityId, idempotencyToken } = first.task;
    expect({ ...activity.task, runId, workflowId, pid, hostId, activityId, idempotencyToken })
      .toEqual(activity.task);
    expect(unpackHistory(second.task.history)).toEqual(task.task.history as never);
    const answer: WorkerAnswer = { type: "heartbeat", token: "t", details: Uint8Array.of(0x90) };
    port.postMessage(packAnswers([answer]), []);
    await turn();
    expect(answers).toEqual([answer]);
  });

  test("a moment's work stays on this thread, other work goes where the least is", () => {
    const links = new WorkerLinks(false);
    const loads = Int32Array.of(10, 2);
    links.connect(0, loads, true);
    links.connect(1, loads);
    expect(links.choose({ quick: true })).toBe(0);
    expect(links.choose({})).toBe(1);
    expect(links.choose({ wanted: 1, quick: true })).toBe(1);
    links.count(1, 9);
    expect(links.choose({})).toBe(0);
    links.disconnect(0);
    expect(links.choose({ wanted: 0, quick: true })).toBe(1);
    expect(links.here).toBe(-1);
    links.close();
  });

  test("answers of a worker that was replaced are ignored", async () => {
    const links = new WorkerLinks(false);
    const answers: WorkerAnswer[] = [];
    links.onAnswer = (_worker, answer) => answers.push(answer);
    const old = links.connect(0, undefined, true);
    links.connect(0, undefined, true);
    if (!("onTasks" in old)) throw new Error("not a direct port");
    old.answer([{ type: "heartbeat", token: "t", details: new Uint8Array() }]);
    await turn();
    expect(answers).toEqual([]);
    links.close();
  });
});

describe("the times of activities", () => {
  test("one that nobody has made is not known as a moment's work", () => {
    const times = new ActivityTimes();
    expect(times.isQuick("a")).toBe(false);
    times.note("a", 1, false);
    expect(times.isQuick("a")).toBe(true);
    expect(times.isQuick("b")).toBe(false);
  });

  test("one that takes long is no longer quick, whatever it took before", () => {
    const times = new ActivityTimes();
    for (let i = 0; i < 100; i++) times.note("a", 0.2, false);
    times.note("a", 50, false);
    expect(times.isQuick("a")).toBe(false);
  });

  test("on another thread only what is quick counts: the way there may take long", () => {
    const times = new ActivityTimes();
    times.note("a", 0.2, false);
    for (let i = 0; i < 10; i++) times.note("a", 80, true);
    expect(times.isQuick("a")).toBe(true);
    times.note("b", 80, true);
    expect(times.isQuick("b")).toBe(false);
    times.note("b", 0.5, true);
    expect(times.isQuick("b")).toBe(true);
  });
});
