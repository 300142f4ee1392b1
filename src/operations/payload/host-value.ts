import { isTable, type LuaValue } from "../../vm/value.ts";

/**
 * A value as hosts take it: a table with a positive integer among its keys is a list of what is at 1, 2, 3 and so on,
 * any other has its text keys.
 */
export function hostValue(value: LuaValue): LuaValue {
  if (Array.isArray(value)) return value.map(hostValue);
  if (value instanceof Map) {
    const isList = [...value.keys()].some((key) => Number.isInteger(key) && Number(key) > 0);
    if (!isList) {
      const named = [...value].filter(([key]) => typeof key === "string");
      return Object.fromEntries(named.map(([key, item]) => [key, hostValue(item)]));
    }
    const list: LuaValue[] = [];
    for (let at = 1; value.has(at); at++) list.push(hostValue(value.get(at)));
    return list;
  }
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hostValue(item)]));
}
