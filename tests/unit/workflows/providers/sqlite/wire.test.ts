import { expect, test } from "bun:test";
import type {
  JournalEvent,
  JournalRequest,
} from "../../../../../src/workflows/providers/sqlite/messages.ts";
import {
  packEvents,
  packRequests,
  unpackEvents,
  unpackRequests,
} from "../../../../../src/workflows/providers/sqlite/wire.ts";

const bytes = new Uint8Array([1, 2, 3]);
const failure = { kind: "Invalid", message: "no", retryable: false, details: { path: "x" } };

test("requests come out as they went in", () => {
  const requests: JournalRequest[] = [
    { type: "start", id: 1, request: { entry: "app:w", hostId: "app:h", args: bytes } },
    {
      type: "task",
      completion: {
        token: "1.2.3",
        runId: "r",
        worker: "w",
        outcome: { type: "completed", commands: bytes },
      },
    },
    {
      type: "task",
      completion: {
        token: "1.2.3",
        runId: "r",
        worker: "w",
        outcome: { type: "failed", failure: { cause: "lost", message: "died" } },
      },
    },
    { type: "activity", token: "1.2.3.4", result: { status: "completed", value: bytes } },
    { type: "activity", token: "1.2.3.4", result: { status: "failed", failure } },
    { type: "watch", watch: 7, workflowId: "w", runId: "r" },
  ];
  expect(unpackRequests(packRequests(requests))).toEqual(requests);
});

test("events come out as they went in", () => {
  const task = {
    token: "1.2.3",
    runId: "r",
    workflowId: "w",
    entry: "app:w",
    hostId: "app:h",
    since: 0,
    history: bytes,
  };
  const activity = {
    token: "1.2.3.4",
    runId: "r",
    workflowId: "w",
    pid: "{app:h|w}",
    hostId: "app:h",
    activityId: "1",
    entry: "app:a",
    operation: false,
    args: bytes,
    attempt: 2,
    idempotencyToken: "r.1",
    scheduledTime: 7.5,
    deadline: Infinity,
  };
  const events: JournalEvent[] = [
    { type: "answer", id: 1, value: { workflowId: "w" } },
    { type: "refusal", id: 2, failure },
    { type: "task", task },
    { type: "task", task: { ...task, worker: "worker-1", since: 9 } },
    { type: "activity", task: activity },
    { type: "activity", task: { ...activity, frame: bytes, deadline: 12.5, operation: true } },
    { type: "activity", task: { ...activity, heartbeatTimeout: 30, heartbeat: bytes } },
    { type: "evict", runId: "r" },
  ];
  expect(unpackEvents(packEvents(events))).toEqual(events);
});
