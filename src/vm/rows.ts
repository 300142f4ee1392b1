/**
 * Rows of a database in one buffer, from the thread that reads them to the VM, which creates its tables from the buffer
 * (natives/rows.as.ts). No value of a row becomes a JavaScript object on the way.
 *
 * The layout, all little-endian: the number of columns and rows, and the offsets of words, kinds and texts; for each
 * column, offset and length of its name in the texts; for each value, row by row, a word of eight bytes: an integer, a
 * float, or offset and length of a string; then the kind of each value; then the texts.
 * @module
 */
import { WippyError } from "./error.ts";
import { envelope, valueLimits } from "./limits.ts";
import { LuaFloat, type LuaValue } from "./value.ts";

/** A row as a Lua table: a NULL has no key. */
export type Row = Record<string, LuaValue>;

/** Kinds of values; natives/rows.as.ts has the same. */
const KIND = { null: 0, false: 1, true: 2, integer: 3, float: 4, text: 5, bytes: 6 } as const;

const headBytes = 20;
const nameBytes = 8;
/** Initial capacity in values, and in bytes of text. */
const firstValues = 64;
const firstBytes = 1_024;
/** Texts up to this length are encoded in JavaScript, because a native call costs more. */
const shortText = 48;
/** Buffers larger than this, in bytes, are not reused. */
const mostKept = 1_048_576;

const encoder = new TextEncoder();

/** Limits of one buffer: values in all rows, counting the rows, and bytes of text. */
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

  /** Number of packed values. */
  get count(): number {
    return this.#count;
  }

  /** Approximate number of packed bytes. */
  get size(): number {
    return this.#count * 9 + this.#end;
  }

  /** Returns the position of the next value. */
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

  /** An integer of 64 bits, in two halves. */
  integerHalves(high: number, low: number): void {
    this.#halves(KIND.integer, high, low);
  }

  /** A float, in the two halves of its bits. */
  floatHalves(high: number, low: number): void {
    this.#halves(KIND.float, high, low);
  }

  #halves(kind: number, high: number, low: number): void {
    const at = this.#place(kind) * 2;
    this.#i32[at] = low;
    this.#i32[at + 1] = high;
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

  /** A text that is a part of bytes, in UTF-8. */
  utf8(source: Uint8Array, begin: number, end: number): void {
    this.#room(end - begin);
    const from = this.#end;
    if (end - begin > shortText) this.#texts.set(source.subarray(begin, end), from);
    else {
      const texts = this.#texts;
      for (let at = begin; at < end; at++) texts[from + at - begin] = source[at]!;
    }
    this.#end = from + end - begin;
    this.#string(KIND.text, from);
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length);
    const from = this.#end;
    this.#texts.set(value, from);
    this.#end = from + value.length;
    this.#string(KIND.bytes, from);
  }

  /** Packs a value of any kind; undefined, null and values of unsupported types become NULL. */
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
   * Returns the packed rows. If two columns have the same name, the last one is used.
   *
   * @param names of the columns
   * @param rows number of rows, if there are no columns
   * @throws WippyError Invalid for rows that exceed the limits
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
    // Words are aligned to eight bytes.
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
