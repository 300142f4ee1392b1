/**
 * What the thread of the database of a `queue.driver.sqlite` is asked to do. A batch of commands is one transaction.
 * @module
 */
import type { ErrorData } from "../../../vm/error.ts";

/** A row of the table of messages. */
export interface Row {
  seq: number;
  id: string;
  attempts: number;
  /** Packed. */
  headers: Uint8Array;
  body: Uint8Array;
}

/** One thing to do. Times are milliseconds since 1970. */
export type Command =
  | {
    type: "publish";
    queue: string;
    seq: number;
    id: string;
    headers: Uint8Array;
    body: Uint8Array;
    due: number;
    /** Recorded, so that a second message of the id is dropped: when. */
    unique?: number;
    /** A consumer gets it at once. */
    leased: boolean;
  }
  /** Leases messages that are due, the oldest first. */
  | { type: "take"; queue: string; limit: number; now: number }
  /** Deletes a message. */
  | { type: "ack"; seq: number }
  /** Ends a lease. With `forget`, the delivery does not count. */
  | { type: "return"; seq: number; due?: number; forget: boolean }
  | { type: "ready"; queue: string; now: number }
  /** Forgets ids of unique messages that are older. */
  | { type: "prune"; before: number };

/** What became of a command. */
export type Outcome<Given extends Command = Command> =
  /** Whether it is a second message of an id, and was dropped. */
  Given extends { type: "publish" } ? boolean
    : Given extends { type: "take" } ? {
        rows: Row[];
        /** When the next message is due, if all that are due were taken. */
        next?: number;
      }
    : Given extends { type: "ready" } ? { count: number }
    : null;

/** What the thread says when the file is open. */
export interface Opened {
  /** Messages that wait, by queue. */
  waiting: Record<string, number>;
  /** The highest number of a message. */
  last: number;
}

/** What the thread answers. */
export type Reply =
  | { opened: Opened }
  /** Packed outcomes. */
  | Uint8Array
  | { failure: ErrorData }
  | "closed";
