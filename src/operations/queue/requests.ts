/**
 * What the operations of `queue` ask services (`src/services/queue`).
 * @module
 */
import type { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";

/** A message as it is published. */
export interface PublishedMessage {
  /** Without one the message gets one. */
  id?: string;
  /** Packed. */
  body: Uint8Array;
  headers: Record<string, LuaValue>;
  /** Milliseconds. */
  delay: number;
  /** A second message of the same id is the same message. */
  unique: boolean;
}

/** What became of one of several messages: false when it has to wait for room, and was not taken. */
export type PublishOutcome = boolean | WippyError;

/** Requests to a queue. */
export interface QueueRequests {
  /** One packed message (`messages.ts`). */
  publish: Uint8Array;
  /** Packed messages. Answered with the outcome of each, or `true` when all are in the queue. */
  publish_all: Uint8Array;
  info: Record<string, never>;
}

/** Requests to a consumer, about a message that its function has. */
export interface ConsumerRequests {
  settle: { tag: number; how: "ack" | "nack" };
  /** Whether the function still has it. */
  open: { tag: number };
  /** Of the kernel: the tags of calls that ended well, and tag, kind and message of those that failed. */
  ended: { done: number[]; failed: [tag: number, kind: string, message: string][] };
}
