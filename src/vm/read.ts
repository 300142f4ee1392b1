import { textOfBytes } from "./byte-text.ts";
import { WippyError } from "./error.ts";
import type { Heap } from "./heap.ts";
import {
  ARRAY_LIMIT_IS_HINT,
  CALL_INFO,
  COLLECTED,
  DEAD_KEY,
  MARKED,
  NODE,
  STATE,
  STRING,
  TABLE,
  TAG,
  TAG_MASK,
  VALUE,
} from "./layout.ts";
import { envelope, valueLimits } from "./limits.ts";
import { LuaFloat, type LuaValue, onceNamed, setMetatable } from "./value.ts";
import { isUtf8 } from "node:buffer";

/** Bounds of what crosses at once: a value with what the runtime lays around it. */
export interface MarshalLimits {
  /** Tables inside tables. */
  readonly depth: number;
  /** Values in all tables together. */
  readonly nodes: number;
  /** Bytes of all strings together. */
  readonly bytes: number;
}

export const DEFAULT_LIMITS: MarshalLimits = {
  depth: valueLimits.depth + envelope.depth,
  nodes: valueLimits.values + envelope.values,
  bytes: valueLimits.bytes,
};

/** The error for a value that is larger than a limit. */
export function tooLarge(what: keyof MarshalLimits, limits: MarshalLimits): WippyError {
  const message = {
    depth: `tables nest deeper than ${limits.depth} levels`,
    nodes: `it holds more than ${limits.nodes} values`,
    bytes: `its strings hold more than ${limits.bytes} bytes`,
  }[what];
  return new WippyError("Invalid", `value too large to pass on: ${message}`, {
    retryable: false,
    details: { limit: what, maximum: limits[what] },
  });
}

/** What the metatable of a type has at 1: types are objects, too. */
const TYPE_MARK = "type";

/** Texts of each kind that are remembered, a power of two; and the longest of those that are no short strings. */
const KNOWN_STRINGS = 1_024;
const LONGEST_KNOWN = 128;

/**
 * Turns Lua values into JavaScript values by reading the wasm's memory, without one crossing.
 * Nothing in here allocates in Lua, so nothing moves meanwhile.
 */
export class Reader {
  /** Address of the metatable of Error objects, 0 while there is none. */
  errorMetatable = 0;
  #depth = 0;
  #nodes = 0;
  #bytes = 0;
  #seen: Map<number, LuaValue> | undefined;
  #notesMetatables = false;
  /** Texts of ASCII that were read before, by their hash. */
  readonly #known: string[] = new Array<string>(KNOWN_STRINGS).fill("");
  /** The same of longer texts, by their address. */
  readonly #places: string[] = new Array<string>(KNOWN_STRINGS).fill("");

  constructor(readonly heap: Heap, readonly limits: MarshalLimits) {}

  /** How many values a function's frame holds: lua_gettop. */
  top(L: number): number {
    const { u32 } = this.heap;
    const frame = u32[u32[(L + STATE.callInfo) >> 2]! + CALL_INFO.function >> 2]!;
    return ((u32[(L + STATE.top) >> 2]! - frame) >> 4) - 1;
  }

  /** The lower half of the value at a positive index of the frame, and its tag. */
  slot(L: number, index: number): { value: number; tag: number } {
    const { u8, u32 } = this.heap;
    const frame = u32[u32[(L + STATE.callInfo) >> 2]! + CALL_INFO.function >> 2]!;
    const at = frame + index * VALUE.size;
    return { value: u32[at >> 2]!, tag: u8[at + VALUE.tag]! };
  }

  /**
   * The value at a positive index of the frame. `withMetatables` notes those of its tables (`metatableOf`), for a value
   * that is passed on to another unit. Throws a WippyError when it is too large.
   */
  read(L: number, index: number, withMetatables = false): LuaValue {
    this.#notesMetatables = withMetatables;
    const { u32 } = this.heap;
    const frame = u32[u32[(L + STATE.callInfo) >> 2]! + CALL_INFO.function >> 2]!;
    this.#depth = 0;
    this.#nodes = 0;
    this.#bytes = 0;
    this.#seen = undefined;
    return this.#value(frame + index * VALUE.size);
  }

  /** Whether there is a string at a positive index of the frame. */
  isString(L: number, index: number): boolean {
    const { u8, u32 } = this.heap;
    const frame = u32[u32[(L + STATE.callInfo) >> 2]! + CALL_INFO.function >> 2]!;
    const tag = u8[frame + index * VALUE.size + VALUE.tag]! & TAG_MASK;
    return tag === TAG.shortString || tag === TAG.longString;
  }

  /** The bytes of a string at a positive index of the frame, where they lie; none for anything else. */
  bytes(L: number, index: number): Uint8Array {
    const { u8, u32 } = this.heap;
    const frame = u32[u32[(L + STATE.callInfo) >> 2]! + CALL_INFO.function >> 2]!;
    const at = frame + index * VALUE.size;
    const tag = u8[at + VALUE.tag]! & TAG_MASK;
    if (tag !== TAG.shortString && tag !== TAG.longString) return new Uint8Array(0);
    const string = u32[at >> 2]!;
    const length = tag === TAG.shortString
      ? u8[string + STRING.shortLength]!
      : u32[(string + STRING.longLength) >> 2]!;
    return u8.subarray(string + STRING.contents, string + STRING.contents + length);
  }

  #value(at: number): LuaValue {
    const { heap } = this;
    switch (heap.u8[at + VALUE.tag]! & TAG_MASK) {
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.integer:
        return this.#integer(at);
      case TAG.float: {
        const number = heap.f64[at >> 3]!;
        return Number.isSafeInteger(number) ? new LuaFloat(number) : number;
      }
      case TAG.shortString:
      case TAG.longString:
        return this.#string(heap.u32[at >> 2]!, heap.u8[at + VALUE.tag]! & TAG_MASK);
      case TAG.table:
        return this.#table(heap.u32[at >> 2]!);
      default:
        return undefined;
    }
  }

  #integer(at: number): number | bigint {
    const { i32, i64, u32 } = this.heap;
    const low = i32[at >> 2]!;
    const high = i32[(at >> 2) + 1]!;
    if (high === low >> 31) return low;
    const number = high * 4_294_967_296 + u32[at >> 2]!;
    return Number.isSafeInteger(number) ? number : i64[at >> 3]!;
  }

  #string(at: number, tag: number): string | Uint8Array {
    const { u8, u32, buffer } = this.heap;
    if (tag === TAG.shortString) return this.#shortString(at);
    const length = u32[(at + STRING.longLength) >> 2]!;
    const start = at + STRING.contents;
    if (length <= LONGEST_KNOWN) return this.#text(this.#places, at >>> 4, start, length);
    this.#count(length);
    const end = start + length;
    const bytes = u8.subarray(start, end);
    return isUtf8(bytes) ? buffer.utf8Slice(start, end) : bytes.slice();
  }

  #shortString(at: number): string | Uint8Array {
    const { u8, u32 } = this.heap;
    const hash = u32[(at + STRING.hash) >> 2]!;
    return this.#text(this.#known, hash, at + STRING.contents, u8[at + STRING.shortLength]!);
  }

  /**
   * Names and other texts come again and again: the last one of each hash, which Lua keeps with a short string, or of
   * each address, which a PID that a program holds keeps, is compared byte by byte, which takes a tenth of making it
   * anew.
   */
  #text(texts: string[], key: number, start: number, length: number): string | Uint8Array {
    const { u8, buffer } = this.heap;
    this.#count(length);
    const slot = key & (KNOWN_STRINGS - 1);
    const known = texts[slot]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === u8[start + i]) i++;
      if (i === length) return known;
    }
    let ascii = true;
    for (let i = start; i < start + length && ascii; i++) ascii = u8[i]! < 128;
    if (ascii) return texts[slot] = buffer.latin1Slice(start, start + length);
    const bytes = u8.subarray(start, start + length);
    return isUtf8(bytes) ? buffer.utf8Slice(start, start + length) : bytes.slice();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.limits.bytes) throw tooLarge("bytes", this.limits);
  }

  #table(table: number): LuaValue {
    const seen = this.#seen ??= new Map();
    // An object of another kind is undefined, and known as such.
    if (seen.has(table)) return seen.get(table);
    const { u8, u32 } = this.heap;
    const metatable = u32[(table + TABLE.metatable) >> 2]!;
    const isMarked = metatable !== 0 && (u8[metatable + TABLE.flags]! & MARKED) !== 0;
    if (isMarked && metatable !== this.errorMetatable) {
      const mark = this.#markOf(metatable);
      const tag = mark === 0 ? TAG.nil : u8[mark + VALUE.tag]! & TAG_MASK;
      const marksType = tag === TAG.shortString && this.#shortString(u32[mark >> 2]!) === TYPE_MARK;
      if (tag === TAG.true || marksType) {
        seen.set(table, undefined);
        return undefined;
      }
      if (tag === TAG.table) return this.#table(u32[mark >> 2]!);
    }
    if (++this.#depth > this.limits.depth) throw tooLarge("depth", this.limits);
    const value = metatable !== 0 && metatable === this.errorMetatable
      ? this.#error(table)
      : this.#contents(table, seen);
    if (this.#notesMetatables && metatable !== 0 && metatable !== this.errorMetatable) {
      this.#noteMetatable(value as object, metatable);
    }
    this.#depth--;
    return value;
  }

  /** A weak table holds its contents where it arrives: nothing else there does. */
  #noteMetatable(table: object, address: number): void {
    const metatable = this.#table(address);
    if (typeof metatable !== "object" || metatable === null || metatable instanceof WippyError) {
      return;
    }
    if (metatable instanceof Map) metatable.delete("__mode");
    else if ("__mode" in metatable) delete metatable.__mode;
    setMetatable(table, metatable);
  }

  /** Number of items that the array part has room for. */
  #arraySize(table: number): number {
    const { u8, u32 } = this.heap;
    const limit = u32[(table + TABLE.arrayLimit) >> 2]!;
    if ((u8[table + TABLE.flags]! & ARRAY_LIMIT_IS_HINT) === 0 || limit === 0) return limit;
    return 2 ** (32 - Math.clz32(limit - 1));
  }

  /**
   * Address of what a marked metatable holds at 1, 0 for nothing: true for objects, for read-only views the table that
   * they stand for.
   */
  #markOf(metatable: number): number {
    const { u8, i32, u32 } = this.heap;
    if (this.#arraySize(metatable) > 0) return u32[(metatable + TABLE.array) >> 2]!;
    let node = u32[(metatable + TABLE.nodes) >> 2]!;
    const end = node + (1 << u8[metatable + TABLE.logNodes]!) * NODE.size;
    for (; node < end; node += NODE.size) {
      if (u8[node + NODE.keyTag] === TAG.integer && i32[(node + NODE.key) >> 2] === 1) {
        const high = i32[((node + NODE.key) >> 2) + 1];
        if (high === 0) return node;
      }
    }
    return 0;
  }

  #contents(table: number, seen: Map<number, LuaValue>): LuaValue {
    const { u8, u32 } = this.heap;
    const array = u32[(table + TABLE.array) >> 2]!;
    const size = this.#arraySize(table);
    let items = 0; // before the first hole
    while (items < size && (u8[array + items * VALUE.size + VALUE.tag]! & 15) !== TAG.nil) items++;
    let sparse = false;
    for (let i = items; i < size && !sparse; i++) {
      sparse = (u8[array + i * VALUE.size + VALUE.tag]! & 15) !== TAG.nil;
    }

    const first = u32[(table + TABLE.nodes) >> 2]!;
    const end = first + (1 << u8[table + TABLE.logNodes]!) * NODE.size;
    let nodes = 0;
    let strings = 0;
    let integers = 0;
    let named = false;
    for (let node = first; node < end; node += NODE.size) {
      const keyTag = u8[node + NODE.keyTag]! & TAG_MASK;
      if ((u8[node + NODE.tag]! & 15) === TAG.nil) {
        // Strings, as what else is collected has no names here; afterwards nobody knows what it was.
        named ||= keyTag === DEAD_KEY || (u8[node + NODE.keyTag]! & COLLECTED) !== 0;
        continue;
      }
      nodes++;
      if (keyTag === TAG.shortString || keyTag === TAG.longString) strings++;
      if (keyTag === TAG.integer) integers++;
    }
    this.#nodes += items + nodes;
    if (this.#nodes > this.limits.nodes) throw tooLarge("nodes", this.limits);

    if (!sparse && nodes === 0 && items > 0) {
      const list: LuaValue[] = [];
      seen.set(table, list);
      for (let i = 0; i < items; i++) list.push(this.#value(array + i * VALUE.size));
      return list;
    }
    if (!sparse && items === 0 && nodes === strings) {
      const object = this.#object(table, first, end, seen);
      if (nodes === 0 && named) onceNamed.add(object as object);
      return object;
    }
    if (!sparse && integers === nodes) {
      const list = this.#arrayInNodes(table, array, items, first, end, nodes, seen);
      if (list !== undefined) return list;
    }
    return this.#map(table, array, size, first, end, seen);
  }

  /** A table with string keys only; a Map when one of them is not valid UTF-8. */
  #object(table: number, first: number, end: number, seen: Map<number, LuaValue>): LuaValue {
    const { u8, u32 } = this.heap;
    // All keys first: whether the table is an object must be known before it is referred to.
    const keys: string[] = [];
    for (let node = first; node < end; node += NODE.size) {
      if ((u8[node + NODE.tag]! & 15) === TAG.nil) continue;
      const tag = u8[node + NODE.keyTag]! & TAG_MASK;
      const key = this.#string(u32[(node + NODE.key) >> 2]!, tag);
      if (typeof key !== "string") return this.#map(table, 0, 0, first, end, seen);
      keys.push(key);
    }
    const object: { [key: string]: LuaValue } = Object.create(null);
    seen.set(table, object);
    let i = 0;
    for (let node = first; node < end; node += NODE.size) {
      if ((u8[node + NODE.tag]! & 15) === TAG.nil) continue;
      const value = this.#value(node);
      // What has no value here is kept as undefined: the table is not an empty one.
      object[keys[i]!] = value;
      i++;
    }
    return object;
  }

  /** Items of an array that Lua keeps in the hash part, wholly or in part; undefined: a hole. */
  #arrayInNodes(
    table: number,
    array: number,
    items: number,
    first: number,
    end: number,
    nodes: number,
    seen: Map<number, LuaValue>,
  ): LuaValue[] | undefined {
    const { u8, i32 } = this.heap;
    const places = new Array<number>(nodes).fill(0);
    for (let node = first; node < end; node += NODE.size) {
      if ((u8[node + NODE.tag]! & 15) === TAG.nil) continue;
      const index = i32[(node + NODE.key) >> 2]! - items - 1;
      if (i32[((node + NODE.key) >> 2) + 1] !== 0 || index < 0 || index >= nodes) return undefined;
      places[index] = node;
    }
    const list: LuaValue[] = [];
    seen.set(table, list);
    for (let i = 0; i < items; i++) list.push(this.#value(array + i * VALUE.size));
    for (const node of places) list.push(this.#value(node));
    return list;
  }

  #map(
    table: number,
    array: number,
    size: number,
    first: number,
    end: number,
    seen: Map<number, LuaValue>,
  ): LuaValue {
    const { u8 } = this.heap;
    const map = new Map<LuaValue, LuaValue>();
    seen.set(table, map);
    for (let i = 0; i < size; i++) {
      const value = this.#value(array + i * VALUE.size);
      if (value !== undefined) map.set(i + 1, value);
    }
    for (let node = first; node < end; node += NODE.size) {
      if ((u8[node + NODE.tag]! & 15) === TAG.nil) continue;
      const key = this.#key(node);
      const value = this.#value(node);
      if (key !== undefined && value !== undefined) map.set(key, value);
    }
    return map;
  }

  /** A node's key, which lies in the node as a value without its tag behind it. */
  #key(node: number): LuaValue {
    const { f64, u8, u32 } = this.heap;
    const tag = u8[node + NODE.keyTag]! & TAG_MASK;
    switch (tag) {
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.integer:
        return this.#integer(node + NODE.key);
      case TAG.float: // never integral: Lua makes such a key an integer
        return f64[(node + NODE.key) >> 3]!;
      case TAG.shortString:
      case TAG.longString:
        return this.#string(u32[(node + NODE.key) >> 2]!, tag);
      case TAG.table:
        return this.#table(u32[(node + NODE.key) >> 2]!);
      default:
        return undefined;
    }
  }

  /** An Error object: its fields are the kernel's (lua/kernel/core/errors.lua). */
  #error(table: number): WippyError {
    const seen = this.#seen!;
    const { u8, u32 } = this.heap;
    const first = u32[(table + TABLE.nodes) >> 2]!;
    const end = first + (1 << u8[table + TABLE.logNodes]!) * NODE.size;
    const fields = this.#object(table, first, end, seen) as { [key: string]: LuaValue };
    const { _kind, _message, _context, _retryable, _details, _stack } = fields;
    const context = _context === undefined ? "" : `${textOf(_context)}: `;
    const error = new WippyError(
      typeof _kind === "string" ? _kind : "",
      context + textOf(_message),
      {
        retryable: typeof _retryable === "boolean" ? _retryable : undefined,
        details: plainDetails(_details),
        luaStack: typeof _stack === "string" ? _stack : undefined,
      },
    );
    seen.set(table, error);
    return error;
  }
}

function textOf(value: LuaValue): string {
  return value instanceof Uint8Array ? textOfBytes(value) : String(value ?? "");
}

function plainDetails(details: LuaValue): Record<string, unknown> | undefined {
  if (typeof details !== "object" || details === null) return undefined;
  if (Array.isArray(details)) return Object.fromEntries(details.map((v, i) => [String(i + 1), v]));
  if (details instanceof Map) {
    return Object.fromEntries([...details].map(([key, value]) => [String(key), value]));
  }
  return details as Record<string, unknown>;
}
