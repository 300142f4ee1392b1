import { expect, test } from "bun:test";
import { directPair } from "../../../../src/workflows/tasks/ports.ts";
import { TaskQueue } from "../../../../src/workflows/tasks/queue.ts";
import type { Task, WorkerAnswer } from "../../../../src/workflows/tasks/tasks.ts";

/** What is under way in this turn of the event loop is done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const evict = (runId: string): Task => ({ type: "evict", runId });
const beat = (token: string): WorkerAnswer => ({
  type: "heartbeat",
  token,
  details: new Uint8Array(),
});

function pair() {
  const answers: WorkerAnswer[][] = [];
  const tasks: Task[][] = [];
  const [ours, port] = directPair((taken) => answers.push(taken));
  const queue = new TaskQueue(port, (then) => {
    queueMicrotask(then);
    return () => {};
  });
  return { ours, queue, answers, tasks, listen: () => queue.onTasks((some) => tasks.push(some)) };
}

test("what is handed over on one thread comes in order and together, in a later job", async () => {
  const { ours, queue, answers, tasks, listen } = pair();
  listen();
  ours.send(evict("a"));
  ours.send(evict("b"));
  queue.answer(beat("1"));
  queue.answer(beat("2"));
  expect([tasks, answers]).toEqual([[], []]);
  await turn();
  expect(tasks).toEqual([[evict("a"), evict("b")]]);
  expect(answers).toEqual([[beat("1"), beat("2")]]);
});

test("what comes before anybody listens waits", async () => {
  const { ours, tasks, listen } = pair();
  ours.send(evict("a"));
  await turn();
  listen();
  ours.send(evict("b"));
  await turn();
  expect(tasks).toEqual([[evict("a"), evict("b")]]);
});

test("after the end nothing comes, in neither direction", async () => {
  const { ours, queue, answers, tasks, listen } = pair();
  listen();
  ours.send(evict("a"));
  queue.answer(beat("1"));
  queue.flush();
  ours.close();
  ours.send(evict("b"));
  queue.answer(beat("2"));
  await turn();
  expect([tasks, answers]).toEqual([[], []]);
});
