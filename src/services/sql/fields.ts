/**
 * Lists of texts, numbers and bytes on their way between threads, packed: a structured clone of many small objects
 * takes several times as long.
 * @module
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";

// A bigint stays one, whatever its size: SQLite gets numbers as floats.
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "bigint" });

/** The list, packed. */
export function packFields(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(list));
}

/** What {@link packFields} packed. */
export function unpackFields(bytes: Uint8Array): unknown[] {
  return unpackr.unpack(bytes) as unknown[];
}
