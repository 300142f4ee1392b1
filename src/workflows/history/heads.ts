/**
 * The form in which events are together: a list of numbers that says what each of them is, and behind it their data,
 * one after the other. The bytes are those that `packPlain` makes of `[heads, data]`, in a quarter of its time: every
 * task has several of them.
 * @module
 */

/** First bytes of MessagePack: a list of two, longer lists, bytes, numbers. */
const [PAIR, SHORT_LIST, LIST16, LIST32] = [0x92, 0x90, 0xdc, 0xdd];
const [BIN8, BIN16, BIN32] = [0xc4, 0xc5, 0xc6];
const [FLOAT64, UINT8, UINT16, UINT32] = [0xcb, 0xcc, 0xcd, 0xce];
const [INT8, INT16, INT32] = [0xd0, 0xd1, 0xd2];

const float = new Float64Array(1);
const floatBytes = new Uint8Array(float.buffer);

/** What has data. */
interface WithData {
  data: Uint8Array;
}

/** @param size bytes of the data of all events together */
export function packHeads(
  heads: readonly number[],
  events: readonly WithData[],
  size: number,
): Uint8Array {
  let length = 1 + listHeader(heads.length) + (size < 0x100 ? 2 : size < 0x1_0000 ? 3 : 5) + size;
  for (const number of heads) length += bytesOf(number);
  const bytes = new Uint8Array(length);
  bytes[0] = PAIR;
  let at = writeListHeader(bytes, 1, heads.length);
  for (const number of heads) at = writeNumber(bytes, at, number);
  at = writeBytesHeader(bytes, at, size);
  for (const { data } of events) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

/**
 * The inverse: the numbers, and where in the bytes the data begins, which ends with them. Undefined for bytes that
 * `packHeads` does not make.
 */
export function readHeads(bytes: Uint8Array): { heads: number[]; from: number } | undefined {
  const first = bytes[1] ?? 0;
  let at = 2;
  let count = first - SHORT_LIST;
  if (first === LIST16) {
    count = unsigned(bytes, at, 2);
    at += 2;
  } else if (first === LIST32) {
    count = unsigned(bytes, at, 4);
    at += 4;
  } else if (count < 0 || count > 15) return undefined;
  if (bytes[0] !== PAIR || count > bytes.length) return undefined;
  const heads: number[] = [];
  for (let i = 0; i < count; i++) {
    const byte = bytes[at++];
    if (byte === undefined) return undefined;
    if (byte < 0x80) heads.push(byte);
    else if (byte >= 0xe0) heads.push(byte - 0x100);
    else {
      const width = widthOf(byte);
      if (width === 0) return undefined;
      heads.push(numberAt(bytes, at, byte, width));
      at += width;
    }
  }
  const width = bytes[at] === BIN8 ? 1 : bytes[at] === BIN16 ? 2 : bytes[at] === BIN32 ? 4 : 0;
  const from = at + 1 + width;
  if (width === 0 || from + unsigned(bytes, at + 1, width) !== bytes.length) return undefined;
  return { heads, from };
}

function listHeader(length: number): number {
  return length < 16 ? 1 : length < 0x1_0000 ? 3 : 5;
}

function writeListHeader(bytes: Uint8Array, at: number, length: number): number {
  if (length < 16) {
    bytes[at] = SHORT_LIST + length;
    return at + 1;
  }
  if (length < 0x1_0000) return write16(bytes, at, LIST16, length);
  return write32(bytes, at, LIST32, length);
}

function writeBytesHeader(bytes: Uint8Array, at: number, length: number): number {
  if (length < 0x100) return write8(bytes, at, BIN8, length);
  if (length < 0x1_0000) return write16(bytes, at, BIN16, length);
  return write32(bytes, at, BIN32, length);
}

/** How many bytes `writeNumber` writes. */
export function bytesOf(number: number): number {
  if (number >>> 0 === number) {
    return number < 0x80 ? 1 : number < 0x100 ? 2 : number < 0x1_0000 ? 3 : 5;
  }
  if (number >> 0 !== number) return 9;
  return number >= -0x20 ? 1 : number >= -0x80 ? 2 : number >= -0x8000 ? 3 : 5;
}

/** Writes a number as MessagePack does, in its shortest form. @returns where it ends */
export function writeNumber(bytes: Uint8Array, at: number, number: number): number {
  if (number >>> 0 === number) {
    if (number < 0x80) {
      bytes[at] = number;
      return at + 1;
    }
    if (number < 0x100) return write8(bytes, at, UINT8, number);
    if (number < 0x1_0000) return write16(bytes, at, UINT16, number);
    return write32(bytes, at, UINT32, number);
  }
  if (number >> 0 === number) {
    if (number >= -0x20) {
      bytes[at] = number;
      return at + 1;
    }
    if (number >= -0x80) return write8(bytes, at, INT8, number);
    if (number >= -0x8000) return write16(bytes, at, INT16, number);
    return write32(bytes, at, INT32, number);
  }
  bytes[at] = FLOAT64;
  float[0] = number;
  for (let i = 0; i < 8; i++) bytes[at + 1 + i] = floatBytes[7 - i]!;
  return at + 9;
}

function write8(bytes: Uint8Array, at: number, first: number, number: number): number {
  bytes[at] = first;
  bytes[at + 1] = number;
  return at + 2;
}

function write16(bytes: Uint8Array, at: number, first: number, number: number): number {
  bytes[at] = first;
  bytes[at + 1] = number >> 8;
  bytes[at + 2] = number;
  return at + 3;
}

function write32(bytes: Uint8Array, at: number, first: number, number: number): number {
  bytes[at] = first;
  bytes[at + 1] = number >>> 24;
  bytes[at + 2] = number >> 16;
  bytes[at + 3] = number >> 8;
  bytes[at + 4] = number;
  return at + 5;
}

/** Bytes of a number behind its first one; 0 when it is none. */
function widthOf(first: number): number {
  switch (first) {
    case UINT8:
    case INT8:
      return 1;
    case UINT16:
    case INT16:
      return 2;
    case UINT32:
    case INT32:
      return 4;
    case FLOAT64:
      return 8;
    default:
      return 0;
  }
}

function numberAt(bytes: Uint8Array, at: number, first: number, width: number): number {
  if (first === FLOAT64) {
    for (let i = 0; i < 8; i++) floatBytes[7 - i] = bytes[at + i] ?? 0;
    return float[0]!;
  }
  const number = unsigned(bytes, at, width);
  if (first <= UINT32) return number;
  const bits = 32 - 8 * width;
  return number << bits >> bits;
}

function unsigned(bytes: Uint8Array, at: number, width: number): number {
  let number = 0;
  for (let i = 0; i < width; i++) number = number * 0x100 + (bytes[at + i] ?? 0);
  return number;
}
