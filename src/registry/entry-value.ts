import type { LuaValue } from "../vm/value.ts";
import type { Entry } from "./entry.ts";

/** An integer of a definition file as a number of Lua's: beyond 64 bits it is the nearest float. */
function fitting(value: bigint): number | bigint {
  return BigInt.asIntN(64, value) === value ? value : Number(value);
}

/** Plain data of an entry as Lua code gets it: the same object, unless an integer in it has more than 64 bits. */
export function luaData(value: unknown): LuaValue {
  if (typeof value === "bigint") return fitting(value);
  if (typeof value !== "object" || value === null) return value as LuaValue;
  if (Array.isArray(value)) {
    const list = value.map(luaData);
    return list.some((element, index) => element !== value[index]) ? list : value;
  }
  let changed: Record<string, LuaValue> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    const data = luaData(inner);
    if (data === inner || data !== data) continue;
    changed ??= { ...value };
    changed[key] = data;
  }
  return (changed ?? value) as LuaValue;
}

/** An entry as Lua code gets it. */
export function entryValue({ id, kind, meta, data }: Entry): LuaValue {
  return { id, kind, meta: luaData(meta), data: luaData(data) };
}
