import type { LuaValue } from "../vm/value.ts";

/** Whether a value is a Lua table with string keys. */
export function isRecord(value: LuaValue): value is Record<string, LuaValue> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
