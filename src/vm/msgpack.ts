/**
 * Lua values as MessagePack, by msgpackr: what `codec.ts` does not do itself.
 * @module
 */
// The entry point without msgpackr's native addon, which a cross-compiled executable cannot hold.
import { addExtension, Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import "./msgpack-text.ts";
import { WippyError } from "./error.ts";
import { LuaFloat, type LuaValue, metatableOf, setMetatable } from "./value.ts";

/** A table that was packed before: its number, in the order of packing. */
class Again {
  constructor(readonly number: number) {}
}

/** A table that is neither an array nor keyed by strings: keys and values in turn. */
class Pairs {
  constructor(readonly items: unknown[]) {}
}

/** A WippyError: kind, message, retryable, details, position, luaStack. */
class PackedError {
  constructor(readonly fields: unknown[]) {}
}

/** A table and its metatable. */
class WithMetatable {
  constructor(readonly parts: readonly unknown[]) {}
}

// MessagePack's extension types 1 to 5 are ours; stored journals hold them, so they stay as is.
addExtension({
  Class: LuaFloat,
  type: 1,
  pack(float: LuaFloat) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(float.value);
    return bytes;
  },
  unpack: (bytes: Uint8Array) => new LuaFloat(Buffer.from(bytes).readDoubleBE()),
});
addExtension({
  Class: Again,
  type: 2,
  write: (again: Again) => again.number,
  read: (number: number) => new Again(number),
});
addExtension({
  Class: Pairs,
  type: 3,
  write: (pairs: Pairs) => pairs.items,
  read: (items: unknown[]) => new Pairs(items),
});
addExtension({
  Class: PackedError,
  type: 4,
  write: (failure: PackedError) => failure.fields,
  read: (fields: unknown[]) => new PackedError(fields),
});
addExtension({
  Class: WithMetatable,
  type: 5,
  write: (table: WithMetatable) => table.parts,
  read: (parts: unknown[]) => new WithMetatable(parts),
});

// Without records: what they share would make bytes depend on what was packed before.
const packr = new Packr({ useRecords: false, mapsAsObjects: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });

/** Packs a Lua value, whatever it is. Throws a WippyError Invalid for what is none. */
export function packAny(value: LuaValue): Uint8Array {
  // A copy: msgpackr answers a view of a large buffer, all of which postMessage would take along.
  return new Uint8Array(packr.pack(outline(value, new Map())));
}

/** The value that was packed. Throws a WippyError Invalid when the bytes are not such. */
export function unpackAny(bytes: Uint8Array): LuaValue {
  let packed: unknown;
  try {
    packed = unpackr.unpack(bytes);
  } catch (error) {
    throw new WippyError("Invalid", `packed value is damaged: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return restore(packed, []);
}

/** See `packFlat` of `codec.ts`. */
export function packList(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(list));
}

/** See `unpackFlat` of `codec.ts`. */
export function unpackList(bytes: Uint8Array): unknown[] {
  return unpackr.unpack(bytes) as unknown[];
}

/**
 * A value in the terms that msgpackr keeps apart: an object becomes a Map, whose keys may have
 * any name ("constructor", "__proto__"); other Maps, errors and repetitions get their classes.
 */
function outline(value: LuaValue, seen: Map<object, number>): unknown {
  switch (typeof value) {
    case "undefined":
      return null;
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return value;
    case "object":
      break;
    default:
      throw new WippyError("Invalid", `a ${typeof value} cannot be packed`);
  }
  if (value === null || value instanceof Uint8Array || value instanceof LuaFloat) return value;
  const number = seen.get(value);
  if (number !== undefined) return new Again(number);
  seen.set(value, seen.size);
  const contents = outlineContents(value, seen);
  const metatable = metatableOf(value);
  return metatable === undefined
    ? contents
    : new WithMetatable([contents, outline(metatable, seen)]);
}

function outlineContents(
  value: LuaValue[] | { [key: string]: LuaValue } | Map<LuaValue, LuaValue> | WippyError,
  seen: Map<object, number>,
): unknown {
  if (Array.isArray(value)) {
    const list = new Array<unknown>(value.length);
    for (let i = 0; i < value.length; i++) list[i] = outline(value[i], seen);
    return list;
  }
  if (value instanceof Map) {
    const items: unknown[] = [];
    for (const [key, item] of value) items.push(outline(key, seen), outline(item, seen));
    return new Pairs(items);
  }
  if (value instanceof WippyError) {
    const { kind, message, retryable, details, position, luaStack } = value;
    const packedDetails = outline(details as LuaValue, seen);
    return new PackedError([kind, message, retryable, packedDetails, position, luaStack]);
  }
  const object = new Map<string, unknown>();
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) object.set(key, outline(item, seen));
  }
  return object;
}

function restore(packed: unknown, seen: LuaValue[]): LuaValue {
  if (typeof packed !== "object") return packed as LuaValue;
  if (packed === null) return undefined;
  if (Array.isArray(packed)) {
    seen.push(packed);
    for (let i = 0; i < packed.length; i++) packed[i] = restore(packed[i], seen);
    return packed;
  }
  if (packed instanceof Map) {
    const object: { [key: string]: LuaValue } = Object.create(null);
    seen.push(object);
    for (const [key, item] of packed) object[String(key)] = restore(item, seen);
    return object;
  }
  if (packed instanceof LuaFloat) return packed;
  // msgpackr answers a view of its input, which the caller may use again.
  if (packed instanceof Uint8Array) return new Uint8Array(packed);
  if (packed instanceof Again) return seen[packed.number];
  if (packed instanceof Pairs) {
    const map = new Map<LuaValue, LuaValue>();
    seen.push(map);
    for (let i = 0; i < packed.items.length; i += 2) {
      const key = restore(packed.items[i], seen);
      map.set(key, restore(packed.items[i + 1], seen));
    }
    return map;
  }
  if (packed instanceof PackedError) return restoreError(packed, seen);
  if (packed instanceof WithMetatable) {
    const table = restore(packed.parts[0], seen);
    const metatable = restore(packed.parts[1], seen);
    if (typeof table === "object" && table !== null && typeof metatable === "object") {
      if (metatable !== null) setMetatable(table, metatable);
    }
    return table;
  }
  throw new WippyError("Invalid", "packed value is damaged: it holds an unknown type");
}

function restoreError(packed: PackedError, seen: LuaValue[]): WippyError {
  const [kind, message, retryable, details, position, luaStack] = packed.fields;
  // The number is taken before the details are numbered. Details that hold the error itself
  // cannot be: a WippyError is made whole.
  const at = seen.push(undefined) - 1;
  const error = new WippyError(String(kind), String(message), {
    retryable: typeof retryable === "boolean" ? retryable : undefined,
    details: restore(details, seen) as Record<string, unknown> | undefined,
    position: typeof position === "string" ? position : undefined,
    luaStack: typeof luaStack === "string" ? luaStack : undefined,
  });
  seen[at] = error;
  return error;
}
