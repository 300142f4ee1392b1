/**
 * Times, durations and numbers of Temporal's messages as ours: milliseconds, and numbers.
 * @module
 */
import { google, long, type temporal } from "./messages/messages.ts";

export { long };

type Long = google.protobuf.Duration["seconds"];

/** A whole number of 64 bits; ids of events and sizes stay far below the limit of exact numbers. */
export function whole(value: Long | number | null | undefined): number {
  return Number(value ?? 0);
}

/** Returns milliseconds; undefined for none, and for zero, which Temporal takes as none. */
export function milliseconds(
  duration: google.protobuf.IDuration | null | undefined,
): number | undefined {
  if (!duration) return undefined;
  return whole(duration.seconds) * 1_000 + (duration.nanos ?? 0) / 1e6 || undefined;
}

/** Returns milliseconds since the epoch. */
export function instant(time: google.protobuf.ITimestamp | null | undefined): number {
  if (!time) return 0;
  return whole(time.seconds) * 1_000 + Math.floor((time.nanos ?? 0) / 1e6);
}

/** @param milliseconds fractions are kept to the nanosecond */
export function duration(milliseconds: number): google.protobuf.Duration {
  const seconds = Math.floor(milliseconds / 1_000);
  const nanos = Math.round((milliseconds - seconds * 1_000) * 1e6);
  return google.protobuf.Duration.create({ seconds: long(seconds), nanos });
}

/** @param time milliseconds since the epoch */
export function timestamp(time: number): google.protobuf.Timestamp {
  const seconds = Math.floor(time / 1_000);
  const nanos = Math.round((time - seconds * 1_000) * 1e6);
  return google.protobuf.Timestamp.create({ seconds: long(seconds), nanos });
}

export type Payload = temporal.api.common.v1.IPayload;
export type Payloads = temporal.api.common.v1.IPayloads;
export type Header = temporal.api.common.v1.IHeader;
export type TemporalFailure = temporal.api.failure.v1.IFailure;
export type TemporalEvent = NonNullable<temporal.api.history.v1.History["events"]>[number];
export type TemporalCommand = temporal.api.command.v1.ICommand;
export type ProtocolMessage = temporal.api.protocol.v1.IMessage;
