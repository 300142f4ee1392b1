/**
 * What the operations of `queue` ask services (`src/services/queue`).
 * @module
 */
import type { LuaValue } from "../../vm/value.ts";

/** Requests to a queue. */
export interface QueueRequests {
  /**
   * `body` is packed; `delay` in milliseconds; without an id the message gets one. With `unique`, a second message of
   * the same id is the same message.
   */
  publish: {
    id?: string;
    body: Uint8Array;
    headers: Record<string, LuaValue>;
    delay: number;
    unique: boolean;
  };
  info: Record<string, never>;
}

/** Requests to a consumer, about a message that its function has. */
export interface ConsumerRequests {
  settle: { tag: number; how: "ack" | "nack" };
  /** Whether the function still has it. */
  open: { tag: number };
}
