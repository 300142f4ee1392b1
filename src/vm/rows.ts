/**
 * Rows of a database as one piece of bytes, from the thread that reads them to the VM, which makes its tables of them
 * by itself (natives/rows.as.ts). No value of a row is an object of JavaScript on the way.
 *
 * The bytes are, all little-endian: columns, rows, and where the words, the kinds and the texts begin; of each column
 * where its name is among the texts, and its length; then of each value, row by row, a word of eight bytes, which is an
 * integer, a float or place and length of a string; then of each its kind; then the texts.
 * @module
 */
import { WippyError } from "./error.ts";
import { envelope, valueLimits } from "./limits.ts";
import { LuaFloat, type LuaValue } from "./value.ts";

/** A row as Lua has it: a NULL has no key. */
export type Row = Record<string, LuaValue>;

/** Kinds of values; natives/rows.as.ts has the same. */
const KIND = { null: 0, false: 1, true: 2, integer: 3, float: 4, text: 5, bytes: 6 } as const;

const headBytes = 20;
const nameBytes = 8;
/** Values and bytes of texts for which there is room at first. */
const firstValues = 64;
const firstBytes = 1_024;
/** Up to this length a text is encoded unit by unit: a native call costs more. */
const shortText = 48;
/** Rooms larger than that, in bytes, are not kept for the next rows. */
const mostKept = 1_048_576;

const encoder = new TextEncoder();

/** Values in all rows, beside the rows themselves, and bytes of texts that may cross into a VM at once. */
const mostValues = valueLimits.values + envelope.values;

function tooLarge(what: string, limit: string, maximum: number): WippyError {
  return new WippyError(
    "Invalid",
    `the rows are too large: they hold more than ${maximum} ${what}; ` +
      "read them with db:stream, or fewer at once with LIMIT",
    { retryable: false, details: { limit, maximum } },
  );
}

/** Packs rows, value by value. After `finish` it packs others. */
export class RowPacker {
  #count = 0;
  #kinds = new Uint8Array(firstValues);
  #f64 = new Float64Array(firstValues);
  #i64 = new BigInt64Array(this.#f64.buffer);
  #i32 = new Int32Array(this.#f64.buffer);
  #texts = new Uint8Array(firstBytes);
  #end = 0;

  /** Values that were packed. */
  get count(): number {
    return this.#count;
  }

  /** Bytes that were packed, about. */
  get size(): number {
    return this.#count * 9 + this.#end;
  }

  /** The place of the next value. */
  #place(kind: number): number {
    const at = this.#count++;
    if (at === this.#kinds.length) this.#grow();
    this.#kinds[at] = kind;
    return at;
  }

  #grow(): void {
    if (this.#count > mostValues) throw tooLarge("values", "values", mostValues);
    const kinds = new Uint8Array(this.#kinds.length * 2);
    kinds.set(this.#kinds);
    const words = new Float64Array(kinds.length);
    new Uint8Array(words.buffer).set(new Uint8Array(this.#f64.buffer));
    this.#kinds = kinds;
    this.#f64 = words;
    this.#i64 = new BigInt64Array(words.buffer);
    this.#i32 = new Int32Array(words.buffer);
  }

  #room(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#texts.length) return;
    if (this.#end > valueLimits.bytes) throw tooLarge("bytes of text", "bytes", valueLimits.bytes);
    const texts = new Uint8Array(Math.max(needed, this.#texts.length * 2));
    texts.set(this.#texts.subarray(0, this.#end));
    this.#texts = texts;
  }

  null(): void {
    this.#place(KIND.null);
  }

  boolean(value: boolean): void {
    this.#place(value ? KIND.true : KIND.false);
  }

  /** An integer that a number holds exactly. */
  integer(value: number): void {
    const at = this.#place(KIND.integer) * 2;
    this.#i32[at] = value; // modulo 2^32
    this.#i32[at + 1] = Math.floor(value / 4_294_967_296);
  }

  /** An integer of 64 bits. */
  bigint(value: bigint): void {
    const at = this.#place(KIND.integer);
    this.#i64[at] = value;
  }

  float(value: number): void {
    const at = this.#place(KIND.float);
    this.#f64[at] = value;
  }

  #string(kind: number, from: number): void {
    const at = this.#place(kind) * 2;
    this.#i32[at] = from;
    this.#i32[at + 1] = this.#end - from;
  }

  text(value: string): void {
    const from = this.#end;
    this.#write(value);
    this.#string(KIND.text, from);
  }

  #write(value: string): void {
    const { length } = value;
    this.#room(length * 3);
    const from = this.#end;
    const texts = this.#texts;
    let i = 0;
    if (length <= shortText) {
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 127) break;
        texts[from + i] = unit;
      }
    }
    if (i === length) this.#end = from + length;
    else this.#end = from + encoder.encodeInto(value, texts.subarray(from)).written;
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    const from = this.#end;
    this.#texts.set(value, from);
    this.#end = from + value.length;
    this.#string(KIND.bytes, from);
  }

  /** A value of any kind; undefined and null are NULL, and what no column holds, too. */
  value(value: LuaValue): void {
    switch (typeof value) {
      case "boolean":
        return this.boolean(value);
      case "number":
        return Number.isSafeInteger(value) ? this.integer(value) : this.float(value);
      case "bigint":
        return this.bigint(value);
      case "string":
        return this.text(value);
      default:
        if (value instanceof Uint8Array) return this.bytes(value);
        if (value instanceof LuaFloat) return this.float(value.value);
        return this.null();
    }
  }

  /**
   * The rows: where a name comes twice, the last column of it counts.
   *
   * @param names of the columns
   * @param rows how many there are, where there are no columns
   * @throws WippyError Invalid for more than may cross into a VM at once
   */
  finish(names: readonly string[], rows = names.length > 0 ? this.#count / names.length : 0) {
    const count = this.#count;
    if (count + rows > mostValues) throw tooLarge("values", "values", mostValues);
    const head = new Int32Array(5 + names.length * 2);
    for (const [at, name] of names.entries()) {
      const from = this.#end;
      this.#write(name);
      head[5 + at * 2] = from;
      head[6 + at * 2] = this.#end - from;
    }
    if (this.#end > valueLimits.bytes) throw tooLarge("bytes of text", "bytes", valueLimits.bytes);
    // Words are where a multiple of eight is.
    const words = headBytes + names.length * nameBytes + 4;
    const kinds = words + count * 8;
    const texts = kinds + count;
    head.set([names.length, rows, words, kinds, texts]);
    const packed = new Uint8Array(texts + this.#end);
    packed.set(new Uint8Array(head.buffer));
    packed.set(new Uint8Array(this.#f64.buffer, 0, count * 8), words);
    packed.set(this.#kinds.subarray(0, count), kinds);
    packed.set(this.#texts.subarray(0, this.#end), texts);
    this.reset();
    return packed;
  }

  /** Forgets what was packed. */
  reset(): void {
    this.#count = 0;
    this.#end = 0;
    if (this.#f64.byteLength > mostKept) {
      this.#kinds = new Uint8Array(firstValues);
      this.#f64 = new Float64Array(firstValues);
      this.#i64 = new BigInt64Array(this.#f64.buffer);
      this.#i32 = new Int32Array(this.#f64.buffer);
    }
    if (this.#texts.length > mostKept) this.#texts = new Uint8Array(firstBytes);
  }
}

/** Packed rows on their way into a VM, where they become a list of tables. */
export class PackedRows {
  constructor(readonly bytes: Uint8Array) {}
}

/** How many rows a {@link RowPacker} packed. */
export function countRows(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
}

/** The rows that a {@link RowPacker} packed, as objects. */
export function unpackRows(bytes: Uint8Array): Row[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number) => view.getInt32(at, true);
  const [columns, count, words, kinds, texts] = [0, 4, 8, 12, 16].map(word) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const bytesAt = (at: number): Uint8Array => {
    const from = texts + word(at);
    return bytes.subarray(from, from + word(at + 4));
  };
  const textAt = (at: number): string => new TextDecoder().decode(bytesAt(at));
  const valueAt = (at: number): LuaValue => {
    const place = words + at * 8;
    switch (bytes[kinds + at]) {
      case KIND.false:
        return false;
      case KIND.true:
        return true;
      case KIND.integer: {
        const value = view.getBigInt64(place, true);
        return Number.isSafeInteger(Number(value)) ? Number(value) : value;
      }
      case KIND.float: {
        const value = view.getFloat64(place, true);
        return Number.isSafeInteger(value) ? new LuaFloat(value) : value;
      }
      case KIND.text:
        return textAt(place);
      case KIND.bytes:
        return new Uint8Array(bytesAt(place));
      default:
        return undefined;
    }
  };
  const names = Array.from(
    { length: columns },
    (_, at) => textAt(headBytes + at * nameBytes),
  );
  return Array.from({ length: count }, (_, at) => {
    const row: Row = Object.create(null);
    for (const [column, name] of names.entries()) {
      const value = valueAt(at * columns + column);
      if (value === undefined) delete row[name];
      else row[name] = value;
    }
    return row;
  });
}
