/**
 * The names of the headers and markers that our histories on Temporal have in addition to those of other SDKs.
 * @module
 */
import type { LuaValue } from "../../../vm/value.ts";
import { pack, unpack } from "../../../vm/codec.ts";
import type { Payload as Packed } from "../../payload.ts";
import type { OutboxMessage } from "../../provider.ts";
import type { Conversion } from "./conversion.ts";
import type { Header, Payload, Payloads } from "./proto.ts";

/** Header fields. */
export const fields = {
  /** Plain data about the call: `CallInfo`. */
  info: "wippy",
  /** The frame: in whose name the unit works, and its context values. */
  frame: "wippy-frame",
  /** Messages that came with a start or a signal, in their order: `CarriedMessage[]`. */
  messages: "wippy-messages",
} as const;

/** Names of markers. */
export const markers = {
  sideEffect: "SideEffect",
  version: "Version",
  message: "MessageSent",
  localActivity: "LocalActivity",
  localActivityScheduled: "LocalActivityScheduled",
  localActivityCancelRequested: "LocalActivityCancelRequested",
  updateAnswer: "UpdateAnswer",
  /** Stands for the start of a child that was canceled in the task that started it: `WithdrawnChild`. */
  childWithdrawn: "ChildWithdrawn",
  /** A request to cancel a child that has not started, which is sent when it has, or one that has ended. */
  childCancelRequested: "ChildCancelRequested",
  /** A request to cancel an activity that has ended. */
  activityCancelRequested: "ActivityCancelRequested",
  /** Keeps two upserts of attributes apart that would be read as one. */
  separator: "Separator",
} as const;

/** The search attribute in which Temporal's SDKs list the versions of a run's code. */
export const changeVersionAttribute = "TemporalChangeVersion";

/** Metadata of a start, a signal or a scheduled activity. */
export interface CallInfo {
  /** The engine's number of the command. */
  seq?: number;
  /** PID text. */
  sender?: string;
  /** The run that sent a signal, whose number is `seq`: the same signal may come twice. */
  run?: string;
  /** Id of the durable host. */
  host?: string;
  /** PID text of the parent. */
  parent?: string;
  /** A host operation. */
  operation?: true;
  /** A cancellation is reported when the attempt has ended. */
  wait?: true;
  /** The worker sends heartbeats automatically while the attempt runs. */
  beats?: true;
  /** The header is that of a start and of a signal that came with it; what it carries is the signal's. */
  signaled?: true;
  /** The run, on another provider, in whose place this one was started. */
  moved?: string;
  /** A request to cancel that the run before had not received. */
  cancel?: { reason?: string; sender: string };
}

/** Type of the workflows that keep what ending runs send; also the beginning of their ids. */
export const keeperType = "wippy-outbox";

/** A message to a plain process. */
export interface SentMessage extends OutboxMessage {
  /** The same when it comes again. */
  id: string;
}

/** A child that is not started, because it was canceled before it could be. */
export interface WithdrawnChild {
  seq: number;
  workflowId: string;
  entry: string;
  hostId: string;
  /** Why it was canceled. */
  reason?: string;
}

/** A message beside the one of a signal. */
export interface CarriedMessage {
  name: string;
  sender: string;
  payloads: LuaValue[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const jsonPlain = encoder.encode("json/plain");

/** Plain data as a payload that every tool can show. */
export function plain(value: unknown): Payload {
  return { metadata: { encoding: jsonPlain }, data: encoder.encode(JSON.stringify(value)) };
}

/** The inverse of `plain`; undefined for no payload. The caller vouches for the type. */
export function readPlain<Value>(payload: Payload | null | undefined): Value | undefined {
  if (!payload?.data) return undefined;
  return JSON.parse(decoder.decode(payload.data)) as Value;
}

/** Values, each a payload. */
export function payloadsOf(conversion: Conversion, values: readonly LuaValue[]): Payloads {
  return { payloads: values.map((value) => conversion.payload(value)) };
}

export function valuesOf(
  conversion: Conversion,
  payloads: Payloads | null | undefined,
): LuaValue[] {
  return (payloads?.payloads ?? []).map((payload) => conversion.value(payload));
}

/** The first value packed, as results are; nil for none. */
export function packedResult(conversion: Conversion, result: Payloads | null | undefined): Packed {
  return pack(valuesOf(conversion, result)[0]);
}

/** A packed value as payloads with one value. */
export function resultPayloads(conversion: Conversion, value: Packed): Payloads {
  return { payloads: [conversion.payload(unpack(value))] };
}

/** Packed values, each a payload. */
export function unpackedPayloads(conversion: Conversion, values: Packed): Payloads {
  return payloadsOf(conversion, unpack(values) as LuaValue[]);
}

/** Makes a header. */
export function headerOf(
  conversion: Conversion,
  info: CallInfo,
  frame?: Packed,
  messages: readonly CarriedMessage[] = [],
): Header {
  const carried = messages.map(({ name, sender, payloads }): LuaValue => ({
    name,
    sender,
    payloads,
  }));
  return {
    fields: {
      [fields.info]: plain(info),
      ...frame && { [fields.frame]: conversion.payload(unpack(frame)) },
      ...carried.length > 0 && { [fields.messages]: conversion.payload(carried) },
    },
  };
}

/** Reads what a header says; of a foreign one nothing. */
export function infoOf(header: Header | null | undefined): CallInfo {
  return readPlain<CallInfo>(header?.fields?.[fields.info]) ?? {};
}

/** The packed frame in a header. */
export function frameOf(
  conversion: Conversion,
  header: Header | null | undefined,
): Packed | undefined {
  const payload = header?.fields?.[fields.frame];
  return payload ? pack(conversion.value(payload)) : undefined;
}

export function messagesOf(
  conversion: Conversion,
  header: Header | null | undefined,
): CarriedMessage[] {
  const payload = header?.fields?.[fields.messages];
  return payload ? conversion.value(payload) as object as CarriedMessage[] : [];
}
