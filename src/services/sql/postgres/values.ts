import { LuaFloat, type LuaValue } from "../../../vm/value.ts";
import { rfc3339 } from "../timestamp.ts";

function integer(text: string): LuaValue {
  // 15 digits fit into a double.
  return text.length <= 15 ? Number(text) : BigInt(text);
}

function float(text: string): LuaValue {
  const value = Number(text);
  return Number.isInteger(value) ? new LuaFloat(value) : value;
}

function bytes(text: string): LuaValue {
  return text.startsWith("\\x") ? new Uint8Array(Buffer.from(text.slice(2), "hex")) : text;
}

/** By the oid of the type (pg_type.dat); whatever else stays the text that the server writes. */
const readers = new Map<number, (text: string) => LuaValue>([
  [16, (text) => text === "t"],
  [17, bytes],
  [20, integer],
  [21, integer],
  [23, integer],
  [26, integer],
  [700, float],
  [701, float],
  [1082, rfc3339],
  [1114, rfc3339],
  [1184, rfc3339],
]);

const same = (text: string): LuaValue => text;

/** Makes values of Lua of the texts of a type. */
export function readerOf(oid: number): (text: string) => LuaValue {
  return readers.get(oid) ?? same;
}
