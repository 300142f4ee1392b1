import { Packr } from "msgpackr/pack";
import { pack } from "../vm/codec.ts";
import type { LuaValue } from "../vm/value.ts";
import type { Command } from "./engine/command.ts";
import type { ParentInfo } from "./engine/activation.ts";
import type { Failure } from "./engine/outcome.ts";
import type { ActivityOptions, ChildOptions } from "./options.ts";
import type { Payload } from "./provider.ts";

/**
 * What each kind of event holds. Values are packed; `seq` is the engine's number of the command
 * that it belongs to.
 */
export interface EventData {
  ExecutionStarted: {
    workflowId: string;
    runId: string;
    firstRunId: string;
    entry: string;
    hostId: string;
    pid: string;
    args: Payload;
    frame?: Payload;
    memo?: Payload;
    searchAttributes?: Payload;
    randomSeed: number;
    attempt: number;
    parent?: ParentInfo;
    continuedFrom?: string;
  };
  /**
   * A task begins; its time is the time that the code sees. `size`: bytes of history at that point.
   */
  TaskStarted: { size: number };
  /** The commands of the task follow as their own events. */
  TaskCompleted: { worker: string };
  /** The task's commands were refused; its events are shown again by the next task. */
  TaskFailed: { message: string; /** The run that this one is a reset of. */ baseRunId?: string };

  ActivityScheduled: {
    seq: number;
    activityId: string;
    entry: string;
    args: Payload;
    options: ActivityOptions;
    operation: boolean;
    frame?: Payload;
  };
  ActivityCancelRequested: { seq: number };
  ActivityCompleted: { seq: number; attempt: number; value: Payload };
  ActivityFailed: { seq: number; attempt: number; failure: Failure };
  ActivityTimedOut: { seq: number; attempt: number; failure: Failure };
  ActivityCanceled: { seq: number; attempt: number; failure: Failure };

  /** `due` in milliseconds since the epoch. */
  TimerStarted: { seq: number; due: number };
  TimerCanceled: { seq: number };
  TimerFired: { seq: number };

  SideEffectRecorded: { seq: number; value?: Payload; failure?: Failure };
  VersionRecorded: { changeId: string; version: number };
  MessageSent: { seq: number; pid: string; topic: string };
  AttributesUpserted: { search?: Payload; memo?: Payload };

  ExecutionSignaled: { name: string; payloads: Payload; sender: string };
  ExecutionCancelRequested: { reason?: string; sender: string };

  UpdateDelivered: { updateId: string; name: string; args: Payload; sender: string };
  UpdateAccepted: { updateId: string };
  UpdateRejected: { updateId: string; failure: Failure };
  /** With `failure` the update was accepted and failed; without either its value is nil. */
  UpdateCompleted: { updateId: string; value?: Payload; failure?: Failure };
  /** The run closed before the update had an outcome. */
  UpdateAborted: { updateId: string; failure: Failure };

  ExternalSignalInitiated: { seq: number; pid: string; name: string };
  ExternalSignaled: { seq: number };
  ExternalSignalFailed: { seq: number; failure: Failure };
  ExternalCancelInitiated: { seq: number; pid: string };
  ExternalCancelRequested: { seq: number };
  ExternalCancelFailed: { seq: number; failure: Failure };

  ChildInitiated: {
    seq: number;
    workflowId: string;
    entry: string;
    hostId: string;
    options: ChildOptions;
  };
  ChildStarted: { seq: number; pid: string; runId: string };
  ChildStartFailed: { seq: number; failure: Failure };
  ChildCancelRequested: { seq: number };
  ChildCompleted: { seq: number; value: Payload };
  ChildFailed: { seq: number; failure: Failure };
  ChildTimedOut: { seq: number; failure: Failure };
  ChildCanceled: { seq: number; failure: Failure };
  ChildTerminated: { seq: number; failure: Failure };

  /** `nextRunId`: the run that takes over (retry policy, cron, reset). */
  ExecutionCompleted: { value: Payload; nextRunId?: string };
  ExecutionFailed: { failure: Failure; nextRunId?: string };
  ExecutionTimedOut: { failure: Failure; nextRunId?: string };
  ExecutionCanceled: { failure: Failure };
  ExecutionTerminated: { failure: Failure; nextRunId?: string };
  ExecutionContinuedAsNew: { nextRunId: string; entry: string };
}

export type EventType = keyof EventData;

/** One entry of a run's history. Ids are dense from 1; `time` in milliseconds since the epoch. */
export type HistoryEvent = {
  [Type in EventType]: { id: number; time: number; type: Type; data: EventData[Type] };
}[EventType];

/** An event whose data is still packed, as the journal keeps it. */
export interface StoredEvent {
  id: number;
  time: number;
  type: EventType;
  data: Uint8Array;
}

/**
 * Events that the code is shown by the next task; the others record its commands or the engine's
 * own steps.
 */
export const inbound: ReadonlySet<EventType> = new Set<EventType>([
  "ExecutionStarted",
  "TaskStarted",
  "ActivityCompleted",
  "ActivityFailed",
  "ActivityTimedOut",
  "ActivityCanceled",
  "TimerFired",
  "ExecutionSignaled",
  "ExecutionCancelRequested",
  "UpdateDelivered",
  "ExternalSignaled",
  "ExternalSignalFailed",
  "ExternalCancelRequested",
  "ExternalCancelFailed",
  "ChildStarted",
  "ChildStartFailed",
  "ChildCompleted",
  "ChildFailed",
  "ChildTimedOut",
  "ChildCanceled",
  "ChildTerminated",
]);

// Records (msgpackr's shared structures) would make bytes depend on what was packed before.
const packr = new Packr({ useRecords: false, copyBuffers: true, moreTypes: false });

/** Packs plain data whose values are packed already. The result is a copy of its own. */
export function packPlain(value: unknown): Uint8Array {
  return new Uint8Array(packr.pack(value));
}

/** The inverse of `packPlain`. The type is the caller's word: it reads what this module wrote. */
export function unpackPlain<Value>(bytes: Uint8Array): Value {
  return packr.unpack(bytes) as Value;
}

export function packHistory(events: readonly StoredEvent[]): Uint8Array {
  return packPlain(events.map((event) => [event.id, event.time, event.type, event.data]));
}

export function unpackHistory(bytes: Uint8Array): HistoryEvent[] {
  const rows = unpackPlain<[number, number, EventType, Uint8Array][]>(bytes);
  return rows.map(([id, time, type, data]) =>
    ({ id, time, type, data: unpackPlain(data) }) as HistoryEvent
  );
}

/** Fields of commands that hold values of Lua; everything else is plain. */
const valueFields = [
  "args",
  "payloads",
  "value",
  "result",
  "frame",
  "memo",
  "search",
  "searchAttributes",
] as const;
type ValueField = (typeof valueFields)[number];

type WithPackedValues<Part> = Part extends object ? {
    [Key in keyof Part]: Key extends ValueField ? Payload
      : Key extends "messages" ? { name: string; payloads: Payload }[] | undefined
      : Part[Key];
  }
  : never;

/** A command as it crosses to the provider: its values are packed. */
export type PackedCommand = WithPackedValues<Command>;

/** Packs what the engine answered, for `TaskCompletion`. */
export function packCommands(commands: readonly Command[]): Uint8Array {
  return packPlain(commands.map((command) => {
    const packed: Record<string, unknown> = { ...command };
    for (const field of valueFields) {
      if (packed[field] !== undefined) packed[field] = pack(packed[field] as LuaValue);
    }
    if (command.type === "complete_workflow") packed.result = pack(command.result);
    if (command.type === "start_child" && command.messages) {
      packed.messages = command.messages.map(({ name, payloads }) => ({
        name,
        payloads: pack(payloads),
      }));
    }
    return packed;
  }));
}

export function unpackCommands(bytes: Uint8Array): PackedCommand[] {
  return unpackPlain<PackedCommand[]>(bytes);
}
