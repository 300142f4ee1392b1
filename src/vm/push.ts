import { unpack } from "./codec.ts";
import { WippyError } from "./error.ts";
import { type LuaExports, REGISTRY } from "./exports.ts";
import type { Heap } from "./heap.ts";
import { COLLECTED_TABLE, STATE, TAG, VALUE } from "./layout.ts";
import { type MarshalLimits, tooLarge } from "./read.ts";
import {
  LuaFloat,
  LuaRef,
  type LuaValue,
  metatableOf,
  Packed,
  PackedList,
  PackedRows,
} from "./value.ts";

/** What can be pushed: a Lua value, also one that never left the VM or is packed, and packed rows. */
export type Pushable =
  | LuaValue
  | LuaRef
  | Packed
  | PackedRows
  | Pushable[]
  | { [key: string]: Pushable };

/** Bytes of the buffer through which strings reach Lua; longer ones get one of their own. */
export const SCRATCH = 65_536;
/** Bytes of a string, at most, for which a block of the memory reserve is freed. */
const SPENT_FOR = 262_144;
/** Up to this length, that of an identifier and more, a string is encoded unit by unit: a native call costs more. */
const SHORT_STRING = 40;
/** Stack slots that a frame may use without asking (LUA_MINSTACK). */
const FREE_SLOTS = 20;
/** Where `unpack_values` leaves what it counted: src/vm/natives/memory.as.ts. */
const UNPACKED_VALUES = 676;
const UNPACKED_BYTES = 680;
/** Bytes behind what is unpacked that may be read. */
const SLACK = 8;
const MIN_INTEGER = -(2n ** 63n);
const MAX_INTEGER = 2n ** 63n - 1n;

/** Pushes JavaScript values on Lua's stack: scalars by writing the memory, the rest by calls. */
export class Pusher {
  /** Function (kind, message, retryable, details, stack) -> Error object, once there is one. */
  errorConstructor: LuaRef | undefined;
  /** Address of the buffer for strings and packed values. */
  readonly scratch: number;
  readonly #encoder = new TextEncoder();
  #depth = 0;
  #nodes = 0;
  #bytes = 0;
  #seen: Map<object, number> | undefined;

  constructor(
    readonly lua: LuaExports,
    readonly heap: Heap,
    readonly limits: MarshalLimits,
  ) {
    this.scratch = lua.malloc(SCRATCH);
  }

  /**
   * Pushes several values. Lua may raise "not enough memory" in here, so it runs in a protected
   * call; throws a WippyError Invalid for what cannot be passed on.
   */
  pushAll(L: number, values: readonly (Pushable | PackedList)[]): void {
    if (values.length > FREE_SLOTS && this.lua.lua_checkstack(L, values.length) === 0) {
      throw new WippyError("Invalid", `${values.length} values are too many for Lua's stack`);
    }
    for (const value of values) {
      if (value instanceof PackedList) this.#packedList(L, value.bytes);
      else this.push(L, value);
    }
  }

  /** Pushes one value, as `pushAll` does. */
  push(L: number, value: Pushable): void {
    this.#depth = 0;
    this.#nodes = 0;
    this.#bytes = 0;
    this.#seen = undefined;
    this.#push(L, value);
  }

  #push(L: number, value: Pushable): void {
    switch (typeof value) {
      case "undefined":
        return this.#tag(L, TAG.nil);
      case "boolean":
        return this.#tag(L, value ? TAG.true : TAG.false);
      case "number":
        if (Number.isSafeInteger(value)) return this.#integer(L, value);
        return this.#float(L, value);
      case "string":
        return this.#string(L, value);
      case "bigint":
        return this.#bigint(L, value);
      case "object":
        if (value === null) return this.#tag(L, TAG.nil);
        return this.#object(L, value);
      default:
        throw new WippyError("Invalid", `a ${typeof value} cannot be passed to Lua`);
    }
  }

  /** Takes the stack's next slot; answers its address. */
  #slot(L: number, tag: number): number {
    const { u8, u32 } = this.heap;
    const top = u32[(L + STATE.top) >> 2]!;
    u8[top + VALUE.tag] = tag;
    u32[(L + STATE.top) >> 2] = top + VALUE.size;
    return top;
  }

  #tag(L: number, tag: number): void {
    this.#slot(L, tag);
  }

  #integer(L: number, value: number): void {
    const at = this.#slot(L, TAG.integer) >> 2;
    const { i32 } = this.heap;
    i32[at] = value; // modulo 2^32, as every integer that is stored there
    i32[at + 1] = Math.floor(value / 4_294_967_296);
  }

  #float(L: number, value: number): void {
    const at = this.#slot(L, TAG.float);
    this.heap.f64[at >> 3] = value;
  }

  #bigint(L: number, value: bigint): void {
    if (value < MIN_INTEGER || value > MAX_INTEGER) {
      throw new WippyError("Invalid", `${value} does not fit a Lua integer (64 bits)`);
    }
    const at = this.#slot(L, TAG.integer);
    this.heap.i64[at >> 3] = value;
  }

  #string(L: number, value: string): void {
    const { length } = value;
    const scratch = this.scratch;
    if (length <= SHORT_STRING) {
      const { u8 } = this.heap;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 127) break;
        u8[scratch + i] = unit;
      }
      if (i === length) {
        this.lua.lua_pushlstring(L, scratch, length);
        return;
      }
    }
    if (length * 3 <= SCRATCH) {
      const room = this.heap.u8.subarray(scratch, scratch + SCRATCH);
      const { written } = this.#encoder.encodeInto(value, room);
      this.#count(written);
      this.lua.lua_pushlstring(L, scratch, written);
    } else {
      this.#longString(L, Buffer.from(value));
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.limits.bytes) throw tooLarge("bytes", this.limits);
  }

  #longString(L: number, bytes: Uint8Array): void {
    this.#count(bytes.length);
    const address = bytes.length <= SCRATCH ? this.scratch : this.#allocate(bytes.length);
    if (address === 0) throw new WippyError("Unavailable", "not enough memory in the Lua VM");
    try {
      this.heap.u8.set(bytes, address);
      this.lua.lua_pushlstring(L, address, bytes.length);
    } finally {
      if (address !== this.scratch) this.lua.free(address);
    }
  }

  #allocate(bytes: number): number {
    const address = this.lua.malloc(bytes);
    if (address !== 0 || bytes > SPENT_FOR || this.lua.spend_memory_reserve() === 0) return address;
    return this.lua.malloc(bytes);
  }

  #packedList(L: number, bytes: Uint8Array): void {
    this.#depth = 0;
    this.#nodes = 0;
    this.#bytes = 0;
    if (this.#unpack(L, bytes, true)) return;
    const values = unpack(bytes);
    if (!Array.isArray(values)) throw new WippyError("Invalid", "packed value is not a list");
    this.pushAll(L, values);
    if (this.lua.lua_checkstack(L, FREE_SLOTS) === 0) {
      throw new WippyError("Unavailable", "Lua's stack is full");
    }
  }

  /** Whether the native pushed the packed value, or all values of a packed list. */
  #unpack(L: number, bytes: Uint8Array, list: boolean): boolean {
    const { length } = bytes;
    const { limits } = this;
    if (length > limits.bytes) return false;
    const room = length + SLACK;
    const address = room <= SCRATCH ? this.scratch : this.#allocate(room);
    if (address === 0) return false;
    try {
      this.heap.u8.set(bytes, address);
      const count = this.lua.unpack_values(
        L,
        address,
        length,
        list ? 1 : 0,
        limits.depth - this.#depth,
        limits.nodes - this.#nodes,
        limits.bytes - this.#bytes,
      );
      if (count < 0) return false;
      this.#nodes += this.heap.u32[UNPACKED_VALUES >> 2]!;
      this.#bytes += this.heap.u32[UNPACKED_BYTES >> 2]!;
      return true;
    } finally {
      if (address !== this.scratch) this.lua.free(address);
    }
  }

  #object(L: number, value: object): void {
    if (value instanceof LuaRef) return void this.lua.get_index(L, REGISTRY, value.id);
    if (value instanceof LuaFloat) return this.#float(L, value.value);
    if (value instanceof Uint8Array) return this.#longString(L, value);
    if (value instanceof Packed) {
      if (!this.#unpack(L, value.bytes, false)) this.#push(L, unpack(value.bytes));
      return;
    }
    const known = this.#seen?.get(value);
    if (known !== undefined) {
      const at = this.#slot(L, COLLECTED_TABLE);
      this.heap.u32[at >> 2] = known;
      return;
    }
    if (++this.#depth > this.limits.depth) throw tooLarge("depth", this.limits);
    if (this.lua.lua_checkstack(L, FREE_SLOTS) === 0) {
      throw new WippyError("Unavailable", "Lua's stack is full");
    }
    if (value instanceof WippyError) this.#error(L, value);
    else if (value instanceof PackedRows) this.#rows(L, value.bytes);
    else if (Array.isArray(value)) this.#array(L, value);
    else if (value instanceof Map) this.#map(L, value);
    else this.#record(L, value);
    const metatable = metatableOf(value);
    if (metatable !== undefined) {
      this.#push(L, metatable);
      this.lua.lua_setmetatable(L, -2);
    }
    this.#depth--;
  }

  #rows(L: number, bytes: Uint8Array): void {
    const address = bytes.length <= SCRATCH ? this.scratch : this.#allocate(bytes.length);
    if (address === 0) throw new WippyError("Unavailable", "not enough memory in the Lua VM");
    try {
      this.heap.u8.set(bytes, address);
      this.lua.push_rows(L, address);
    } finally {
      if (address !== this.scratch) this.lua.free(address);
    }
  }

  /** A new table on the stack, known under the value that it stands for. */
  #table(L: number, value: object, array: number, hash: number): void {
    this.#nodes += array + hash;
    if (this.#nodes > this.limits.nodes) throw tooLarge("nodes", this.limits);
    this.lua.lua_createtable(L, array, hash);
    // Reachable from the stack until the whole value is, so its address stays its own.
    (this.#seen ??= new Map()).set(value, this.lua.lua_topointer(L, -1));
  }

  #array(L: number, values: readonly Pushable[]): void {
    this.#table(L, values, values.length, 0);
    for (let i = 0; i < values.length; i++) {
      if (values[i] === undefined || values[i] === null) continue;
      this.#push(L, values[i]);
      this.lua.set_index(L, -2, i + 1);
    }
  }

  #map(L: number, values: ReadonlyMap<LuaValue, LuaValue>): void {
    this.#table(L, values, 0, values.size);
    for (const [key, value] of values) {
      if (value === undefined || value === null) continue;
      if (key === undefined || key === null || Number.isNaN(key)) {
        throw new WippyError("Invalid", `${String(key)} cannot be a key of a Lua table`);
      }
      this.#push(L, key);
      this.#push(L, value);
      this.lua.lua_rawset(L, -3);
    }
  }

  #record(L: number, record: object): void {
    const prototype = Object.getPrototypeOf(record);
    if (prototype !== null && prototype !== Object.prototype) {
      const name = prototype.constructor?.name ?? "object";
      throw new WippyError("Invalid", `a ${name} cannot be passed to Lua`);
    }
    const keys = Object.keys(record);
    this.#table(L, record, 0, keys.length);
    for (const key of keys) {
      const value = (record as { [key: string]: Pushable })[key];
      if (value === undefined || value === null) continue;
      this.#string(L, key);
      this.#push(L, value);
      this.lua.lua_rawset(L, -3);
    }
  }

  #error(L: number, error: WippyError): void {
    if (this.errorConstructor === undefined) return this.#string(L, error.message);
    this.#push(L, this.errorConstructor);
    this.#string(L, error.kind);
    this.#string(L, error.message);
    this.#push(L, error.retryable);
    this.#push(L, error.details as LuaValue);
    this.#push(L, error.luaStack);
    this.lua.lua_callk(L, 5, 1, 0, 0);
    (this.#seen ??= new Map()).set(error, this.lua.lua_topointer(L, -1));
  }
}
