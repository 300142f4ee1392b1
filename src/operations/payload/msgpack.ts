/**
 * Lua values as MessagePack that others read and write. Integers and floats stay apart, unlike with a library that
 * knows only the numbers of JavaScript.
 * @module
 */
import { WippyError } from "../../vm/error.ts";
import { isTable, LuaFloat, type LuaValue } from "../../vm/value.ts";

/** Levels of tables that are read at most, as of JSON. */
const mostLevels = 128;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes that grow. */
class Output {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  #room(count: number): number {
    const at = this.#end;
    this.#end += count;
    if (this.#end > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#end, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }

  byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  /** A byte and a number of so many bytes. */
  tagged(tag: number, value: number, size: 1 | 2 | 4): void {
    this.byte(tag);
    const at = this.#room(size);
    if (size === 1) this.#view.setUint8(at, value);
    else if (size === 2) this.#view.setUint16(at, value);
    else this.#view.setUint32(at, value);
  }

  int64(value: bigint): void {
    this.byte(0xd3);
    const at = this.#room(8);
    this.#view.setBigInt64(at, value);
  }

  float(value: number): void {
    this.byte(0xcb);
    const at = this.#room(8);
    this.#view.setFloat64(at, value);
  }

  append(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** The tag of a length: the short one where it fits, else that of 8 bits, if there is one, of 16 or of 32. */
  length(length: number, short: number, most: number, tag8: number, tag16: number): void {
    if (length <= most) this.byte(short | length);
    else if (tag8 !== 0 && length <= 0xff) this.tagged(tag8, length, 1);
    else if (length <= 0xffff) this.tagged(tag16, length, 2);
    else this.tagged(tag16 + 1, length, 4);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#end);
  }
}

function writeInteger(output: Output, value: number): void {
  if (value >= -32 && value < 0x80) output.byte(value & 0xff);
  else if (value >= 0 && value <= 0xff) output.tagged(0xcc, value, 1);
  else if (value >= 0 && value <= 0xffff) output.tagged(0xcd, value, 2);
  else if (value >= 0 && value <= 0xffff_ffff) output.tagged(0xce, value, 4);
  else if (value >= -0x80 && value < 0) output.tagged(0xd0, value, 1);
  else if (value >= -0x8000 && value < 0) output.tagged(0xd1, value, 2);
  else if (value >= -0x8000_0000 && value < 0) output.tagged(0xd2, value, 4);
  else output.int64(BigInt(value));
}

function writeText(output: Output, text: string): void {
  const bytes = encoder.encode(text);
  output.length(bytes.length, 0xa0, 31, 0xd9, 0xda);
  output.append(bytes);
}

function writeObject(output: Output, value: LuaValue & object): void {
  if (value instanceof LuaFloat) output.float(value.value);
  else if (value instanceof WippyError) writeText(output, value.message);
  else if (value instanceof Uint8Array) {
    output.length(value.length, 0, -1, 0xc4, 0xc5);
    output.append(value);
  } else if (Array.isArray(value)) {
    output.length(value.length, 0x90, 15, 0, 0xdc);
    for (const item of value) write(output, item);
  } else if (value instanceof Map) {
    output.length(value.size, 0x80, 15, 0, 0xde);
    for (const [key, item] of value) {
      write(output, key);
      write(output, item);
    }
  } else if (isTable(value)) {
    const fields = Object.entries(value);
    output.length(fields.length, 0x80, 15, 0, 0xde);
    for (const [key, item] of fields) {
      writeText(output, key);
      write(output, item);
    }
  } else output.byte(0xc0);
}

function write(output: Output, value: LuaValue): void {
  switch (typeof value) {
    case "boolean":
      return output.byte(value ? 0xc3 : 0xc2);
    case "number":
      return Number.isSafeInteger(value) ? writeInteger(output, value) : output.float(value);
    case "bigint":
      return output.int64(value);
    case "string":
      return writeText(output, value);
    case "object":
      if (value !== null) return writeObject(output, value);
  }
  output.byte(0xc0);
}

/** Writes a value as MessagePack that others read. */
export function writeMessagePack(value: LuaValue): Uint8Array<ArrayBuffer> {
  const output = new Output();
  write(output, value);
  return output.finish();
}

/** A float as Lua values have it. */
function floatOf(value: number): LuaValue {
  return Number.isSafeInteger(value) ? new LuaFloat(value) : value;
}

function integerOf(value: bigint): LuaValue {
  if (value > 0x7fff_ffff_ffff_ffffn) return Number(value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** What is read from bytes. */
class Input {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #level = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  #skip(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new Error("the text ends too soon");
    this.#at += count;
    return at;
  }

  #unsigned(size: number): number {
    const at = this.#skip(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #bin(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.slice(at, at + length);
  }

  #text(length: number): string | Uint8Array {
    const bytes = this.#bin(length);
    try {
      return decoder.decode(bytes);
    } catch {
      return bytes;
    }
  }

  #list(length: number): LuaValue[] {
    const list: LuaValue[] = [];
    for (let i = 0; i < length; i++) list.push(this.read());
    return list;
  }

  #map(length: number): LuaValue {
    const object: { [key: string]: LuaValue } = Object.create(null);
    let others: Map<LuaValue, LuaValue> | undefined;
    for (let i = 0; i < length; i++) {
      const key = this.read();
      const value = this.read();
      if (typeof key === "string") object[key] = value;
      else if (key !== undefined) (others ??= new Map()).set(key, value);
    }
    if (!others) return object;
    for (const [key, value] of Object.entries(object)) others.set(key, value);
    return others;
  }

  /** The next value. @throws Error when there is none */
  read(): LuaValue {
    if (this.#level === mostLevels) throw new Error(`more than ${mostLevels} levels`);
    this.#level += 1;
    const value = this.#value(this.#unsigned(1));
    this.#level -= 1;
    return value;
  }

  #value(tag: number): LuaValue {
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 15);
    if (tag < 0xa0) return this.#list(tag & 15);
    if (tag < 0xc0) return this.#text(tag & 31);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return undefined;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bin(this.#unsigned(1 << tag - 0xc4));
      case 0xca:
        return floatOf(this.#view.getFloat32(this.#skip(4)));
      case 0xcb:
        return floatOf(this.#view.getFloat64(this.#skip(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << tag - 0xcc);
      case 0xcf:
        return integerOf(this.#view.getBigUint64(this.#skip(8)));
      case 0xd0:
        return this.#view.getInt8(this.#skip(1));
      case 0xd1:
        return this.#view.getInt16(this.#skip(2));
      case 0xd2:
        return this.#view.getInt32(this.#skip(4));
      case 0xd3:
        return integerOf(this.#view.getBigInt64(this.#skip(8)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << tag - 0xd9));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#unsigned(2 << tag - 0xdc));
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(2 << tag - 0xde));
    }
    throw new Error(`the type 0x${tag.toString(16)} has no value in Lua`);
  }
}

/**
 * Reads MessagePack of others.
 *
 * @throws Error when it is none
 */
export function readMessagePack(bytes: Uint8Array): LuaValue {
  const input = new Input(bytes);
  const value = input.read();
  if (!input.ended) throw new Error("there is more behind the value");
  return value;
}
