/**
 * Data of the events that every task has, packed: the bytes that `packPlain` makes, from constants. A packed map begins
 * with three bytes, of which the last one is the number of its fields.
 * @module
 */
import { bytesOf, writeNumber } from "./heads.ts";

/** What comes before the only field of a map, which is a number. */
function headOf(field: string): Uint8Array {
  return Uint8Array.of(0xde, 0, 1, 0xa0 + field.length, ...Buffer.from(field));
}

const startedHead = headOf("size");
const completedHead = headOf("worker");

function packed(head: Uint8Array, number: number): Uint8Array {
  const bytes = new Uint8Array(head.length + bytesOf(number));
  bytes.set(head);
  writeNumber(bytes, head.length, number);
  return bytes;
}

/** Packs the data of a TaskStarted event. */
export function packTaskStarted(size: number): Uint8Array {
  return packed(startedHead, size);
}

/** Packs the data of a TaskCompleted event. */
export function packTaskCompleted(worker: number): Uint8Array {
  return packed(completedHead, worker);
}
