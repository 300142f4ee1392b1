import { Packr } from "msgpackr/pack";
import { pack } from "../../vm/codec.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Command, CommandBody, ScheduleActivity } from "../engine/command.ts";
import type { ParentInfo } from "../engine/activation.ts";
import type { Failure } from "../engine/outcome.ts";
import type { ActivityOptions, ChildOptions } from "../options/options.ts";
import type { Payload } from "../payload.ts";
import { packHeads, readHeads } from "./heads.ts";
import { readValues } from "./read-values.ts";

/** How a local activity ended: by a value, or by a failure. Temporal Core: `LocalActivityMarkerData`. */
export interface LocalActivityResult {
  seq: number;
  activityId: string;
  entry: string;
  /** The last one that was made. */
  attempt: number;
  /** Milliseconds since the epoch, workflow time: when the code asked for it. */
  scheduled: number;
  /** Milliseconds since the epoch, as the worker saw it: workflow time from here on. */
  time: number;
  value?: Payload;
  failure?: Failure;
  /** With `failure`: the activity was canceled. */
  canceled?: true;
  /** With `failure`: milliseconds until the next attempt, for which the code is to wait. */
  backoff?: number;
}

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
    /** Whether what it publishes is a `MessagePublished`. Absent: it is a host operation. */
    publishes?: true;
  };
  /**
   * A task begins; its time is the time that the code sees. `size`: bytes of history at that point.
   */
  TaskStarted: { size: number };
  /** The commands of the task follow as their own events. */
  TaskCompleted: { /** Its index; a name in older journals. */ worker: number | string };
  /** The task's commands were refused; its events are shown again by the next task. */
  TaskFailed: {
    message: string;
    /** The run that this one is a reset of. */
    baseRunId?: string;
    /** How many of the signals and updates that follow have come before the reset. */
    resent?: number;
  };

  ActivityScheduled: {
    seq: number;
    /** Absent: the sequence number as text. */
    activityId?: string;
    entry: string;
    args: Payload;
    /** Absent: none. */
    options?: ActivityOptions;
    /** Whether it is a host operation. */
    operation?: boolean;
    frame?: Payload;
  };
  ActivityCancelRequested: { seq: number };
  ActivityCompleted: { seq: number; attempt: number; value: Payload };
  ActivityFailed: { seq: number; attempt: number; failure: Failure };
  ActivityTimedOut: { seq: number; attempt: number; failure: Failure };
  ActivityCanceled: { seq: number; attempt: number; failure: Failure };

  /** Its task was completed before it had an outcome. Those that end in their first task have no such event. */
  LocalActivityScheduled: { seq: number; activityId: string; entry: string; attempt: number };
  LocalActivityCancelRequested: { seq: number };
  /** The outcome of a local activity, at the place in its task where the code was shown it. */
  LocalActivityRecorded: LocalActivityResult;

  /** `due` in milliseconds since the epoch. */
  TimerStarted: { seq: number; due: number };
  TimerCanceled: { seq: number };
  TimerFired: { seq: number };

  SideEffectRecorded: { seq: number; value?: Payload; failure?: Failure };
  VersionRecorded: { changeId: string; version: number };
  MessageSent: { seq: number; pid: string; topic: string };
  /** The message itself waits in the outbox. With `failure` there is none. */
  MessagePublished: { seq: number; queue: string; messageId?: string; failure?: Failure };
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

/** What an ActivityScheduled event says, with what it leaves out. */
export interface ScheduledActivity {
  seq: number;
  activityId: string;
  entry: string;
  args: Payload;
  options: ActivityOptions;
  operation: boolean;
  frame?: Payload;
}

/** Puts in what an ActivityScheduled event leaves out. */
export function scheduledActivity(data: EventData["ActivityScheduled"]): ScheduledActivity {
  return { activityId: String(data.seq), options: {}, operation: false, ...data };
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

/** Events that end an activity. */
export const activityOutcomes: ReadonlySet<EventType> = new Set<EventType>([
  "ActivityCompleted",
  "ActivityFailed",
  "ActivityTimedOut",
  "ActivityCanceled",
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

/** Numbers of the types of events, in packed histories and in the journal: a number is never given to another type. */
const typeNumbers = {
  ExecutionStarted: 0,
  TaskStarted: 1,
  TaskCompleted: 2,
  TaskFailed: 3,
  ActivityScheduled: 4,
  ActivityCancelRequested: 5,
  ActivityCompleted: 6,
  ActivityFailed: 7,
  ActivityTimedOut: 8,
  ActivityCanceled: 9,
  TimerStarted: 10,
  TimerCanceled: 11,
  TimerFired: 12,
  SideEffectRecorded: 13,
  VersionRecorded: 14,
  MessageSent: 15,
  AttributesUpserted: 16,
  ExecutionSignaled: 17,
  ExecutionCancelRequested: 18,
  UpdateDelivered: 19,
  UpdateAccepted: 20,
  UpdateRejected: 21,
  UpdateCompleted: 22,
  UpdateAborted: 23,
  ExternalSignalInitiated: 24,
  ExternalSignaled: 25,
  ExternalSignalFailed: 26,
  ExternalCancelInitiated: 27,
  ExternalCancelRequested: 28,
  ExternalCancelFailed: 29,
  ChildInitiated: 30,
  ChildStarted: 31,
  ChildStartFailed: 32,
  ChildCancelRequested: 33,
  ChildCompleted: 34,
  ChildFailed: 35,
  ChildTimedOut: 36,
  ChildCanceled: 37,
  ChildTerminated: 38,
  ExecutionCompleted: 39,
  ExecutionFailed: 40,
  ExecutionTimedOut: 41,
  ExecutionCanceled: 42,
  ExecutionTerminated: 43,
  ExecutionContinuedAsNew: 44,
  LocalActivityScheduled: 45,
  LocalActivityCancelRequested: 46,
  LocalActivityRecorded: 47,
  MessagePublished: 48,
} satisfies Record<EventType, number>;

const eventTypes = Object.keys(typeNumbers) as EventType[];

/** Returns the number by which packed events say of which type they are. */
export function numberOfType(type: EventType): number {
  return typeNumbers[type];
}

/** The inverse of `numberOfType`; undefined for a number that no type has. */
export function eventTypeOf(number: number): EventType | undefined {
  return eventTypes[number];
}

/**
 * Packs events to be handed to a worker: their ids, times and types, and behind them their data as it is,
 * so that it can be read in one go. A reader of its own for each event would cost more than its data.
 */
export function packHistory(events: readonly StoredEvent[]): Uint8Array {
  const heads: number[] = [];
  let size = 0;
  for (const { id, time, type, data } of events) {
    heads.push(id, time, typeNumbers[type]);
    size += data.length;
  }
  return packHeads(heads, events, size);
}

/** The events of a history, which need not be packed. */
export function unpackHistory(bytes: Uint8Array | HistoryEvent[]): HistoryEvent[] {
  if (Array.isArray(bytes)) return bytes;
  const read = readHeads(bytes);
  if (!read) throw new RangeError("no packed history");
  const { heads, from } = read;
  if (from === bytes.length) return [];
  const all = readValues(bytes, from) ?? packr.unpackMultiple(bytes.subarray(from)) as unknown[];
  return all.map((data, index) => {
    const at = 3 * index;
    return { id: heads[at], time: heads[at + 1], type: eventTypes[heads[at + 2]!], data };
  }) as HistoryEvent[];
}

/** Fields of commands that hold values of Lua; everything else is plain. */
const valueFields = [
  "args",
  "payloads",
  "headers",
  "value",
  "result",
  "frame",
  "memo",
  "search",
  "searchAttributes",
] as const;
type ValueField = (typeof valueFields)[number];

type PackedMessages<Messages> = Messages extends (infer Message)[]
  ? (Omit<Message, "payloads"> & { payloads: Payload })[]
  : Messages;

type WithPackedValues<Part> = Part extends object ? {
    [Key in keyof Part]: Key extends ValueField ? Payload
      : Key extends "messages" ? PackedMessages<Part[Key]>
      : Part[Key];
  }
  : never;

/** What the taskHandler adds to the commands of the engine: where in a task the code was shown which outcome. */
export type LocalActivityMarker = { type: "record_local_activity" } & LocalActivityResult;

/** A command as it crosses to the provider: its values are packed, and where it was made is left out. */
export type PackedCommand = WithPackedValues<CommandBody> | LocalActivityMarker;

/** What a list without items is packed as: many tasks have no command. */
const EMPTY_LIST = 0x90;

/** Packs what the engine answered, for `TaskCompletion`. */
export function packCommands(commands: readonly (Command | LocalActivityMarker)[]): Uint8Array {
  if (commands.length === 0) return Uint8Array.of(EMPTY_LIST);
  return packPlain(commands.map((command) =>
    // Nearly every command is of this kind: a list, without the names of its fields.
    command.type === "schedule_activity" ? packSchedule(command) : packValues(command)
  ));
}

/** The same for a provider on this thread: only the values are packed. */
export function toPackedCommands(
  commands: readonly (Command | LocalActivityMarker)[],
): PackedCommand[] {
  return commands.map((command) =>
    command.type === "schedule_activity"
      ? scheduleOf(packSchedule(command))
      : packValues(command) as PackedCommand
  );
}

function packValues(command: Command | LocalActivityMarker): object {
  if (command.type === "record_local_activity") return command;
  const { at: _, ...packed }: Record<string, unknown> = { ...command };
  for (const field of valueFields) {
    if (packed[field] !== undefined) packed[field] = pack(packed[field] as LuaValue);
  }
  if (command.type === "complete_workflow") packed.result = pack(command.result);
  if ("messages" in command && command.messages) {
    packed.messages = command.messages.map((message) => ({
      ...message,
      payloads: pack(message.payloads),
    }));
  }
  return packed;
}

/** A packed `schedule_activity`, without what is as it mostly is. */
type PackedSchedule = [
  seq: number,
  entry: string,
  args: Payload,
  options: ActivityOptions | null,
  operation: boolean,
  activityId: string | null,
  frame: Payload | null,
];

function packSchedule(command: ScheduleActivity): PackedSchedule {
  const { seq, entry, args, options, operation = false, activityId = null, frame } = command;
  return [
    seq,
    entry,
    pack(args),
    isEmpty(options) ? null : options,
    operation,
    activityId,
    frame === undefined ? null : pack(frame),
  ];
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

/** The commands of a completion, which need not be packed. */
export function unpackCommands(bytes: Uint8Array | PackedCommand[]): PackedCommand[] {
  if (Array.isArray(bytes)) return bytes;
  if (bytes.length === 1 && bytes[0] === EMPTY_LIST) return [];
  return unpackPlain<(PackedCommand | PackedSchedule)[]>(bytes).map((command) =>
    Array.isArray(command) ? scheduleOf(command) : command
  );
}

function scheduleOf(
  [seq, entry, args, options, operation, activityId, frame]: PackedSchedule,
): PackedCommand {
  return {
    type: "schedule_activity",
    seq,
    entry,
    args,
    options: options ?? {},
    operation,
    ...activityId !== null && { activityId },
    ...frame !== null && { frame },
  };
}

/** A rough cost of an event beside its data, in bytes: its type, its time and its place in the tree. */
export const eventOverhead = 24;
