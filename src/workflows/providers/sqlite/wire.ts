import { packPlain, unpackPlain } from "../../history.ts";
import type { ActivityTask } from "../../provider.ts";
import type { JournalEvent, JournalRequest } from "./messages.ts";

// Messages between the provider and the journal as bytes. The four kinds that every step of a run
// needs are written as lists without their field names: less than half of the cost of the structured
// clones that postMessage would make (bench/workflows/wire.ts).

type Part = string | number | boolean | Uint8Array | null;
type Written<Message> = Part[] | Message;

export function packRequests(requests: readonly JournalRequest[]): Uint8Array {
  return packPlain(requests.map((request): Written<JournalRequest> => {
    if (request.type === "task" && request.completion.outcome.type === "completed") {
      const { token, runId, worker, outcome } = request.completion;
      return [token, runId, worker, outcome.commands];
    }
    if (request.type === "activity" && request.result.status === "completed") {
      return [request.token, request.result.value];
    }
    return request;
  }));
}

export function unpackRequests(bytes: Uint8Array): JournalRequest[] {
  return unpackPlain<Written<JournalRequest>[]>(bytes).map((written) => {
    if (!Array.isArray(written)) return written;
    if (written.length === 2) {
      const [token, value] = written as [string, Uint8Array];
      return { type: "activity", token, result: { status: "completed", value } };
    }
    const [token, runId, worker, commands] = written as [string, string, string, Uint8Array];
    const outcome = { type: "completed", commands } as const;
    return { type: "task", completion: { token, runId, worker, outcome } };
  });
}

export function packEvents(events: readonly JournalEvent[]): Uint8Array {
  return packPlain(events.map((event): Written<JournalEvent> => {
    if (event.type === "task") {
      const { token, runId, workflowId, entry, hostId, worker = null, since, history } = event.task;
      return [token, runId, workflowId, entry, hostId, worker, since, history];
    }
    if (event.type === "activity") {
      const { token, runId, workflowId, pid, hostId, activityId, entry, operation } = event.task;
      const { args, frame = null, attempt, deadline } = event.task;
      const { idempotencyToken, scheduledTime, heartbeatTimeout = null, heartbeat = null } =
        event.task;
      return [
        token,
        runId,
        workflowId,
        pid,
        hostId,
        activityId,
        entry,
        operation,
        args,
        frame,
        attempt,
        deadline,
        idempotencyToken,
        scheduledTime,
        heartbeatTimeout,
        heartbeat,
      ];
    }
    return event;
  }));
}

export function unpackEvents(bytes: Uint8Array): JournalEvent[] {
  return unpackPlain<Written<JournalEvent>[]>(bytes).map((written) =>
    !Array.isArray(written) ? written : written.length === 8 ? taskOf(written) : activityOf(written)
  );
}

function taskOf(written: Part[]): JournalEvent {
  const [token, runId, workflowId, entry, hostId, worker, since, history] = written as [
    string,
    string,
    string,
    string,
    string,
    string | null,
    number,
    Uint8Array,
  ];
  const task = { token, runId, workflowId, entry, hostId, since, history };
  return { type: "task", task: worker === null ? task : { ...task, worker } };
}

function activityOf(written: Part[]): JournalEvent {
  const [token, runId, workflowId, pid, hostId, activityId, entry, ...rest] = written as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    ...Part[],
  ];
  const [operation, args, frame, attempt, deadline, idempotencyToken, ...last] = rest as [
    boolean,
    Uint8Array,
    Uint8Array | null,
    number,
    number,
    string,
    ...Part[],
  ];
  const [scheduledTime, heartbeatTimeout, heartbeat] = last as [
    number,
    number | null,
    Uint8Array | null,
  ];
  const task = { token, runId, workflowId, pid, hostId, activityId, entry, operation, args };
  const timed: ActivityTask = { ...task, attempt, deadline, idempotencyToken, scheduledTime };
  if (frame !== null) timed.frame = frame;
  if (heartbeatTimeout !== null) timed.heartbeatTimeout = heartbeatTimeout;
  if (heartbeat !== null) timed.heartbeat = heartbeat;
  return { type: "activity", task: timed };
}
