import { isTable, type LuaValue } from "../../vm/value.ts";

/**
 * A value as hosts take it: a table with a positive integer among its keys is a list of what is at 1, 2, 3 and so on,
 * any other has its text keys.
 *
 * @param empty what a table without keys is: a list in JSON, where `json.encode` has it so, else a map
 */
export function hostValue(value: LuaValue, empty: "list" | "map"): LuaValue {
  const inside = (item: LuaValue) => hostValue(item, empty);
  if (Array.isArray(value)) return value.length === 0 && empty === "map" ? {} : value.map(inside);
  if (value instanceof Map) {
    const isList = [...value.keys()].some((key) => Number.isInteger(key) && Number(key) > 0);
    if (!isList) {
      const named = [...value].filter(([key]) => typeof key === "string");
      return Object.fromEntries(named.map(([key, item]) => [key, inside(item)]));
    }
    const list: LuaValue[] = [];
    for (let at = 1; value.has(at); at++) list.push(inside(value.get(at)));
    return list;
  }
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
}
