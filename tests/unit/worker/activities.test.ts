import { beforeEach, expect, test } from "bun:test";
import { pack } from "../../../src/vm/codec.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { Attempts } from "../../../src/worker/activities.ts";
import { TaskQueue } from "../../../src/workflows/tasks/queue.ts";
import { unpackAnswers } from "../../../src/workflows/tasks/wire.ts";
import type { ActivityTask, WorkerAnswer } from "../../../src/workflows/tasks/tasks.ts";

const task: ActivityTask = {
  token: "1.2.3.1",
  entry: "app:step",
  operation: false,
  args: pack([]),
  pid: "{app:durable|w}",
  hostId: "app:durable",
  activityId: "3",
  workflowId: "w",
  runId: "r",
  attempt: 2,
  idempotencyToken: "r.3",
  scheduledTime: 5,
  deadline: Infinity,
};

let sent: WorkerAnswer[];
let queue: TaskQueue;

beforeEach(() => {
  sent = [];
  const port = {
    postMessage: (bytes: Uint8Array) => void sent.push(...unpackAnswers(bytes)),
    onmessage: null,
    close() {},
  };
  queue = new TaskQueue(port, () => () => {});
});

/** What has been said since the last time. */
function answers(): WorkerAnswer[] {
  queue.flush();
  return sent.splice(0);
}

test("an attempt is told of itself in its frame; an operation is not", () => {
  const attempts = new Attempts();
  expect(attempts.begin(queue, { ...task, operation: true })).toEqual({});
  const frame = pack({ values: { tenant: "t1" } });
  expect(attempts.begin(queue, { ...task, frame, heartbeat: pack([7, "x"]) })).toMatchObject({
    values: { tenant: "t1" },
    activity: {
      token: "1.2.3.1",
      activity_type: "app:step",
      attempt: 2,
      idempotency_token: "r.3",
      details: [7, "x"],
      detail_count: 2,
    },
  });
});

test("of many heartbeats the last one is sent, and before the outcome", () => {
  const attempts = new Attempts();
  attempts.begin(queue, task);
  for (let i = 1; i <= 3; i++) attempts.beat("1.2.3.1", [i]);
  attempts.sendBeats();
  expect(answers()).toEqual([{ type: "heartbeat", token: "1.2.3.1", details: pack([3]) }]);
  attempts.sendBeats();
  expect(answers()).toEqual([]);
  attempts.beat("1.2.3.1", [4]);
  const ended = attempts.end("1.2.3.1", "done", undefined);
  expect(answers()).toEqual([{ type: "heartbeat", token: "1.2.3.1", details: pack([4]) }]);
  expect(ended).toMatchObject({ task, queue });
  expect(ended?.result).toEqual({ status: "completed", value: pack("done") });
});

test("an error is a failure, and so is a result that is too large", () => {
  const attempts = new Attempts();
  attempts.begin(queue, task);
  const failed = attempts.end("1.2.3.1", undefined, new WippyError("Conflict", "taken"));
  expect(failed?.result).toMatchObject({
    status: "failed",
    failure: { kind: "Conflict", message: "taken" },
  });
  attempts.begin(queue, task);
  expect(attempts.end("1.2.3.1", "x".repeat(3_000_000), undefined)?.result).toMatchObject({
    failure: {
      kind: "Invalid",
      message: expect.stringContaining("the result of app:step has"),
    },
  });
});

test("nothing is told of an attempt that has ended", () => {
  const attempts = new Attempts();
  attempts.begin(queue, task);
  attempts.end("1.2.3.1", 1, undefined);
  answers();
  attempts.beat("1.2.3.1", [1]);
  attempts.sendBeats();
  expect(attempts.end("1.2.3.1", 2, undefined)).toBeUndefined();
  expect(answers()).toEqual([]);
});
