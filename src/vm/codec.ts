import { packShort, unpackShort } from "./short-lists.ts";
import { type LuaValue, metatableOf } from "./value.ts";

type Msgpack = typeof import("./msgpack.ts");

let loaded: Msgpack | undefined;

/** Read when there is more than plain lists: a short script has none. */
const msgpack = (): Msgpack => loaded ??= require("./msgpack.ts") as Msgpack;

/**
 * Packs a Lua value as MessagePack. `unpack` gives back an equal value, cycles and shared
 * references included. Throws a WippyError Invalid for what is no Lua value.
 */
export function pack(value: LuaValue): Uint8Array {
  return packScalar(value) ?? (isPlainList(value) ? packShort(value) : undefined) ??
    msgpack().packAny(value);
}

/** The value that `pack` packed. Throws a WippyError Invalid when the bytes are not such. */
export function unpack(bytes: Uint8Array): LuaValue {
  if (bytes.length === 1) {
    const [byte = 0] = bytes;
    if (byte < 0x80) return byte;
    if (byte === 0xc0) return undefined;
    if (byte === 0xc2 || byte === 0xc3) return byte === 0xc3;
  }
  return unpackShort(bytes) ?? msgpack().unpackAny(bytes);
}

/**
 * Packs a list of scalars, bytes and further lists, several times as fast as {@link pack}, because it looks for no
 * tables, errors or repetitions. A LuaFloat stays one.
 */
export function packFlat(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return msgpack().packList(list);
}

/** The list that {@link packFlat} packed. Its bytes are parts of the buffer. */
export function unpackFlat(bytes: Uint8Array): unknown[] {
  return msgpack().unpackList(bytes);
}

function isPlainList(value: LuaValue): value is LuaValue[] {
  return Array.isArray(value) && metatableOf(value) === undefined;
}

/** The one byte of a small scalar: steps of workflows mostly carry such, and packr takes ten times as long. */
function packScalar(value: LuaValue): Uint8Array | undefined {
  switch (typeof value) {
    case "undefined":
      return Uint8Array.of(0xc0);
    case "boolean":
      return Uint8Array.of(value ? 0xc3 : 0xc2);
    case "number":
      return Number.isInteger(value) && value >= 0 && value < 0x80 && !Object.is(value, -0)
        ? Uint8Array.of(value)
        : undefined;
    default:
      return undefined;
  }
}
