/**
 * The parts of protobuf's binary format, which `build/temporal-messages.js` puts together: one message is written, or
 * read, at a time. Whole numbers of 64 bits are numbers, exact up to 2^53.
 * @module
 */

/** Bytes that stay allocated for writing; larger messages have their own. */
const usual = 1 << 16;
/** Characters of a text that are faster written and read one by one. */
const few = 24;

let out = Buffer.allocUnsafeSlow(usual);
let end = 0;

/** Messages do not nest: what is written by `write` becomes one. */
export function message(write: () => void): Uint8Array {
  end = 0;
  write();
  // A copy of its own: the next message is written over this one.
  const bytes = new Uint8Array(out.subarray(0, end));
  if (out.length > usual) out = Buffer.allocUnsafeSlow(usual);
  return bytes;
}

function reserve(count: number): void {
  if (end + count <= out.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * out.length, end + count));
  larger.set(out.subarray(0, end));
  out = larger;
}

/** Writes a whole number, as a tag too. */
export function putNumber(value: number): void {
  reserve(10);
  let rest = value;
  if (rest < 0) {
    // Two's complement in 64 bits.
    let bits = BigInt.asUintN(64, BigInt(Math.trunc(rest)));
    for (; bits > 127n; bits >>= 7n) out[end++] = Number(bits & 127n) | 128;
    out[end++] = Number(bits);
    return;
  }
  for (; rest >= 0x8000_0000; rest = Math.floor(rest / 128)) out[end++] = rest % 128 | 128;
  for (; rest > 127; rest >>>= 7) out[end++] = rest & 127 | 128;
  out[end++] = rest;
}

export function putBool(value: boolean): void {
  reserve(1);
  out[end++] = value ? 1 : 0;
}

export function putFloat(value: number): void {
  reserve(4);
  end = out.writeFloatLE(value, end);
}

export function putDouble(value: number): void {
  reserve(8);
  end = out.writeDoubleLE(value, end);
}

export function putBytes(value: Uint8Array): void {
  putNumber(value.length);
  reserve(value.length);
  out.set(value, end);
  end += value.length;
}

export function putText(value: string): void {
  const { length } = value;
  if (length < few) {
    reserve(length + 1);
    const from = end;
    out[end++] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) {
        end = from;
        return putLongText(value);
      }
      out[end++] = code;
    }
    return;
  }
  putLongText(value);
}

function putLongText(value: string): void {
  const length = Buffer.byteLength(value);
  putNumber(length);
  reserve(length);
  end += out.write(value, end);
}

/** Begins something that follows its length. @returns what `close` takes */
export function open(): number {
  reserve(1);
  return end++;
}

/** Writes the length of what was written since `open`. */
export function close(place: number): void {
  const from = place + 1;
  const length = end - from;
  if (length < 128) {
    out[place] = length;
    return;
  }
  // Room for a longer length.
  let more = 1;
  for (let rest = length >>> 14; rest > 0; rest >>>= 7) more++;
  reserve(more);
  out.copyWithin(from + more, from, end);
  end = place;
  putNumber(length);
  end += length;
}

let data: Buffer = Buffer.alloc(0);
let at = 0;

/** Reads a message from all of `bytes`. @throws RangeError when they are not one */
export function reading<Message>(bytes: Uint8Array, read: (limit: number) => Message): Message {
  data = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  at = 0;
  return read(data.length);
}

/** Whether there is more before `limit`. @throws RangeError when something went beyond it */
export function more(limit: number): boolean {
  if (at < limit) return true;
  if (at > limit) throw truncated();
  return false;
}

function truncated(): RangeError {
  return new RangeError("the message is truncated");
}

function byte(): number {
  const value = data[at++];
  if (value === undefined) throw truncated();
  return value;
}

/** Reads a whole number, as a tag too. */
export function number(): number {
  let value = byte();
  if (value < 128) return value;
  value &= 127;
  for (let shift = 7; shift < 28; shift += 7) {
    const next = byte();
    value |= (next & 127) << shift;
    if (next < 128) return value;
  }
  return largeNumber(value);
}

/** @param low the first 28 bits */
function largeNumber(low: number): number {
  let value = low;
  let scale = 2 ** 28;
  const from = at;
  for (let count = 4; count < 9; count++) {
    const next = byte();
    value += (next & 127) * scale;
    if (next < 128) return value;
    scale *= 128;
  }
  // Ten bytes: it is negative.
  let bits = BigInt(low);
  at = from;
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const next = byte();
    bits |= BigInt(next & 127) << shift;
    if (next < 128) return Number(BigInt.asIntN(64, bits));
  }
  throw new RangeError("a number of the message is too long");
}

export function bool(): boolean {
  return number() !== 0;
}

export function float(): number {
  const value = data.readFloatLE(at);
  at += 4;
  return value;
}

export function double(): number {
  const value = data.readDoubleLE(at);
  at += 8;
  return value;
}

/** Reads a length. @returns where it ends */
export function limit(): number {
  const length = number();
  const past = at + length;
  if (length < 0 || past > data.length) throw truncated();
  return past;
}

/** A view of the message. */
export function bytes(): Uint8Array {
  const past = limit();
  const value = data.subarray(at, past);
  at = past;
  return value;
}

export function text(): string {
  const past = limit();
  const from = at;
  at = past;
  if (past - from < few) {
    let value = "";
    for (let i = from; i < past; i++) {
      const code = data[i]!;
      if (code > 127) return data.toString("utf8", from, past);
      value += String.fromCharCode(code);
    }
    return value;
  }
  return data.toString("utf8", from, past);
}

/** Skips a field that is not known. @throws RangeError for what no message of proto3 has */
export function skip(tag: number): void {
  switch (tag & 7) {
    case 0:
      number();
      return;
    case 1:
      at += 8;
      return;
    case 2:
      at = limit();
      return;
    case 5:
      at += 4;
      return;
    default:
      throw new RangeError(`the message has a field of type ${tag & 7}`);
  }
}
