import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";

const packr = new Packr({ useRecords: false, mapsAsObjects: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** A value without what MessagePack as others read it does not have. */
function plain(value: LuaValue): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (value instanceof WippyError) return value.message;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [plain(key), plain(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Writes a value as MessagePack that others read. */
export function writeMessagePack(value: LuaValue): Buffer {
  return Buffer.from(packr.pack(plain(value)));
}

/**
 * Reads MessagePack of others.
 *
 * @throws Error when it is none
 */
export function readMessagePack(bytes: Uint8Array): LuaValue {
  return unpackr.unpack(bytes) as LuaValue;
}
