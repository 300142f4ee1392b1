/**
 * Histories as the API shows and exports them.
 * @module
 */
import type { HistoryEvent } from "../workflows/history.ts";
import { unpack } from "../vm/codec.ts";
import { type Plain, plain } from "./plain.ts";

/** An event as the API shows it. */
export type ShownEvent = {
  id: number;
  /** Milliseconds since 1970. */
  time: number;
  type: string;
  /** Values of Lua are unpacked. */
  data: Record<string, Plain>;
};

/** Fields that say who acts: of no use to a reader, and large. */
const hidden: ReadonlySet<string> = new Set(["frame"]);

/** A value that was recorded; damaged ones are shown as bytes. */
function shownBytes(bytes: Uint8Array): Plain {
  try {
    return plain(unpack(bytes));
  } catch {
    return plain(bytes);
  }
}

/** An event with its values unpacked. */
export function showEvent({ id, time, type, data }: HistoryEvent): ShownEvent {
  const fields = Object.entries(data).filter(([name, value]) =>
    !hidden.has(name) && value !== undefined
  ).map(([name, value]): [string, Plain] => [
    name,
    value instanceof Uint8Array ? shownBytes(value) : plain(value),
  ]);
  return { id, time, type, data: Object.fromEntries(fields) };
}
