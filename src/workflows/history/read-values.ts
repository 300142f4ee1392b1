/**
 * Reads plain data that is packed one after the other, as the data of the events of a history is: what msgpackr does,
 * in less time, because its texts (names, entries, senders) mostly have come before.
 * @module
 */

/** Texts that are kept: as many places as there are numbers of eight bits, and their longest length. */
const places = 256;
const longestKept = 64;

/** Bytes are copied one by one up to this length: a call costs more. */
const shortBytes = 128;

interface Kept {
  bytes: Uint8Array;
  text: string;
}

const kept: (Kept | undefined)[] = new Array(places).fill(undefined);

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

/** Something that is left to msgpackr. */
const unusual = Symbol("unusual");

/** Where it reads. */
const nothing = new Uint8Array();
let bytes: Uint8Array = nothing;
let at = 0;

/** Returns the values from a place on; undefined when something unusual is among them, or the bytes are damaged. */
export function readValues(source: Uint8Array, from: number): unknown[] | undefined {
  bytes = source;
  at = from;
  const values: unknown[] = [];
  while (at < source.length) {
    const value = read();
    if (value === unusual) break;
    values.push(value);
    if (at === source.length) {
      bytes = nothing;
      return values;
    }
  }
  bytes = nothing;
  return from === source.length ? values : undefined;
}

function read(): unknown {
  const first = bytes[at++];
  if (first === undefined) return unusual;
  if (first < 0x80) return first;
  if (first < 0x90) return map(first - 0x80);
  if (first < 0xa0) return list(first - 0x90);
  if (first < 0xc0) return text(first - 0xa0);
  if (first >= 0xe0) return first - 0x100;
  switch (first) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return copy(unsigned(1));
    case 0xc5:
      return copy(unsigned(2));
    case 0xc6:
      return copy(unsigned(4));
    case 0xcb:
      return double();
    case 0xcc:
      return unsigned(1);
    case 0xcd:
      return unsigned(2);
    case 0xce:
      return unsigned(4);
    case 0xd0:
      return unsigned(1) << 24 >> 24;
    case 0xd1:
      return unsigned(2) << 16 >> 16;
    case 0xd2:
      return unsigned(4) >> 0;
    case 0xd9:
      return text(unsigned(1));
    case 0xda:
      return text(unsigned(2));
    case 0xdc:
      return list(unsigned(2));
    case 0xde:
      return map(unsigned(2));
    default:
      return unusual;
  }
}

function unsigned(width: number): number {
  let number = 0;
  for (let i = 0; i < width; i++) number = number * 0x100 + (bytes[at++] ?? 0);
  return number;
}

function double(): number {
  for (let i = 7; i >= 0; i--) floatBytes[i] = bytes[at++] ?? 0;
  return float[0]!;
}

function copy(length: number): Uint8Array | typeof unusual {
  const from = at;
  at += length;
  if (at > bytes.length) return unusual;
  // `slice` of a Buffer would be a view.
  if (length > shortBytes) return Uint8Array.prototype.slice.call(bytes, from, at);
  const copied = new Uint8Array(length);
  for (let i = 0; i < length; i++) copied[i] = bytes[from + i]!;
  return copied;
}

function list(length: number): unknown {
  const values: unknown[] = [];
  for (let i = 0; i < length; i++) {
    const value = read();
    if (value === unusual) return unusual;
    values.push(value);
  }
  return values;
}

function map(length: number): unknown {
  const object: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const key = read();
    if (typeof key !== "string" || key === "__proto__") return unusual;
    const value = read();
    if (value === unusual) return unusual;
    object[key] = value;
  }
  return object;
}

function text(length: number): string | typeof unusual {
  const from = at;
  at += length;
  if (at > bytes.length) return unusual;
  if (length === 0) return "";
  if (length > longestKept) return make(from, length);
  const middle = bytes[from + (length >> 1)]!;
  const place = (31 * length + 7 * bytes[from]! + 13 * middle + bytes[at - 1]!) % places;
  const known = kept[place];
  if (known && isAt(known.bytes, from, length)) return known.text;
  const made = make(from, length);
  if (made !== unusual) {
    kept[place] = { bytes: Uint8Array.prototype.slice.call(bytes, from, at), text: made };
  }
  return made;
}

function isAt(expected: Uint8Array, from: number, length: number): boolean {
  if (expected.length !== length) return false;
  for (let i = 0; i < length; i++) if (expected[i] !== bytes[from + i]) return false;
  return true;
}

/** Texts that are not ASCII are left to msgpackr. */
function make(from: number, length: number): string | typeof unusual {
  for (let i = 0; i < length; i++) if (bytes[from + i]! > 0x7f) return unusual;
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString("latin1");
}
