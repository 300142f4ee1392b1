import { Types } from "mysql2";
import { LuaFloat, type LuaValue } from "../../../vm/value.ts";
import { rfc3339 } from "../timestamp.ts";

function integer(value: unknown): LuaValue {
  if (typeof value === "number") return value;
  const whole = BigInt(String(value));
  if (Number.isSafeInteger(Number(whole))) return Number(whole);
  // The upper half of BIGINT UNSIGNED is none of Lua's integers.
  return whole >= -(2n ** 63n) && whole < 2n ** 63n ? whole : String(value);
}

function float(value: unknown): LuaValue {
  const number = Number(value);
  return Number.isInteger(number) ? new LuaFloat(number) : number;
}

function other(value: unknown): LuaValue {
  // A copy: the driver's bytes are a piece of what came from the server.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return typeof value === "number" ? value : String(value);
}

const time = (value: unknown): LuaValue => rfc3339(String(value));

const readers = new Map<number | undefined, (value: unknown) => LuaValue>([
  ...[Types.TINY, Types.SHORT, Types.INT24, Types.LONG, Types.LONGLONG, Types.YEAR].map((type) =>
    [type, integer] as const
  ),
  ...[Types.FLOAT, Types.DOUBLE].map((type) => [type, float] as const),
  ...[Types.DATE, Types.NEWDATE, Types.DATETIME, Types.TIMESTAMP].map((type) =>
    [type, time] as const
  ),
]);

/** Makes values of Lua of what `mysql2` reads of a type, with its settings for long numbers and dates as text. */
export function readerOf(type: number | undefined): (value: unknown) => LuaValue {
  return readers.get(type) ?? other;
}
