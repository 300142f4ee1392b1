import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";
import { DurationValue, TimeValue } from "./clock-value.ts";
import { compareNumbers, floatText, isInteger, isNumber } from "./number.ts";
import { ExpressionError } from "./source.ts";

/**
 * A value of an expression: a Lua value, where nil is `null`, or a time or a duration. A map is an object without
 * prototype, or a Map when a key of it is no string.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | LuaFloat
  | string
  | Uint8Array
  | WippyError
  | TimeValue
  | DurationValue
  | Value[]
  | ValueMap;

export type ValueMap = Map<Value, Value> | { [key: string]: Value };

/** Deepest nesting of values that an expression follows. */
const deepest = 128;

/**
 * A value that came from Lua. A table with a positive integer among its keys is an array, with nil in the holes; its
 * other keys are dropped. Any other table is a map.
 */
export function fromLua(value: LuaValue, depth = 0): Value {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || value instanceof LuaFloat || value instanceof Uint8Array) {
    return value;
  }
  if (value instanceof WippyError) return value;
  if (depth >= deepest) {
    throw new ExpressionError(`a value nests deeper than ${deepest} levels, or holds itself`);
  }
  if (Array.isArray(value)) return value.map((item) => fromLua(item, depth + 1));
  const made: { [key: string]: Value } = Object.create(null);
  if (!(value instanceof Map)) {
    for (const key in value) made[key] = fromLua(value[key], depth + 1);
    return made;
  }
  const indexes = [...value.keys()].filter((key): key is number =>
    typeof key === "number" && Number.isSafeInteger(key) && key > 0
  );
  if (indexes.length === 0) {
    for (const [key, item] of value) {
      if (typeof key === "string") made[key] = fromLua(item, depth + 1);
    }
    return made;
  }
  const length = indexes.reduce((most, index) => Math.max(most, index), 0);
  if (length > 1_000_000) {
    throw new ExpressionError(`a list has the index ${length}, which is too large`);
  }
  return Array.from({ length }, (_, index) => fromLua(value.get(index + 1), depth + 1));
}

/** A result as Lua gets it: times as RFC 3339 text, durations as nanoseconds. */
export function toLua(value: Value): LuaValue {
  if (value === null) return undefined;
  if (typeof value !== "object") return value;
  if (value instanceof TimeValue) return value.text();
  if (value instanceof DurationValue) return value.ns;
  if (isScalarObject(value)) return value;
  if (Array.isArray(value)) return value.map(toLua);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [toLua(key), toLua(item)]));
  }
  const made: { [key: string]: LuaValue } = Object.create(null);
  for (const key in value) made[key] = toLua(value[key]!);
  return made;
}

function isScalarObject(value: Value): value is LuaFloat | Uint8Array | WippyError {
  return value instanceof LuaFloat || value instanceof Uint8Array || value instanceof WippyError;
}

/** The name of a value's type, as `type` returns it. */
export function typeName(value: Value): string {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "string":
      return "string";
    case "number":
    case "bigint":
      return isInteger(value) ? "int" : "float";
  }
  if (value === null) return "nil";
  if (value instanceof LuaFloat) return "float";
  if (value instanceof Uint8Array) return "string";
  if (value instanceof TimeValue) return "time.Time";
  if (value instanceof DurationValue) return "time.Duration";
  if (value instanceof WippyError) return "error";
  return Array.isArray(value) ? "array" : "map";
}

export function isMap(value: Value): value is ValueMap {
  return value instanceof Map || (typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === null);
}

/** Whether two values are equal: numbers by what they are worth, arrays and maps by what they hold. */
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) {
    return compareNumbers(a, b) === 0;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]!));
  }
  if (a instanceof TimeValue) return b instanceof TimeValue && a.ns === b.ns;
  if (a instanceof DurationValue) return b instanceof DurationValue && a.ns === b.ns;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (!isMap(a) || !isMap(b)) return false;
  const [x, y] = [pairsOf(a), pairsOf(b)];
  return x.length === y.length &&
    x.every(([key, item], i) => equal(key, y[i]![0]) && equal(item, y[i]![1]));
}

/** The keys and values of a map, sorted by key, so that every evaluation sees them in the same order. */
export function pairsOf(map: ValueMap): [Value, Value][] {
  const pairs: [Value, Value][] = map instanceof Map ? [...map] : Object.entries(map);
  return pairs.sort(([a], [b]) => {
    if (isNumber(a) && isNumber(b)) {
      return compareNumbers(a, b);
    }
    const [x, y] = [textOf(a), textOf(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  });
}

/** A map of pairs: the last of equal keys wins. */
export function mapOf(pairs: Iterable<readonly [Value, Value]>): ValueMap {
  const found = new Map<Value, Value>();
  let plain = true;
  for (const [key, value] of pairs) {
    if (typeof key !== "string") plain = false;
    // A float and an integer of the same worth are one key, as they are in Lua.
    const whole = key instanceof LuaFloat && isInteger(key.value) ? key.value : key;
    found.set(whole, value);
  }
  if (!plain) return found;
  return Object.assign(Object.create(null), Object.fromEntries(found as Map<string, Value>));
}

/** What a map has under a key; undefined when it has nothing. */
export function itemOf(map: ValueMap, key: Value): Value | undefined {
  if (map instanceof Map) {
    const whole = key instanceof LuaFloat && isInteger(key.value) ? key.value : key;
    return map.get(whole);
  }
  return typeof key === "string" && Object.hasOwn(map, key) ? map[key] : undefined;
}

/** A value as text, as `string` returns it. */
export function textOf(value: Value): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return isInteger(value) ? String(value) : floatText(value);
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "<nil>";
  if (value instanceof LuaFloat) return floatText(value.value);
  if (value instanceof TimeValue || value instanceof DurationValue) return value.text();
  if (value instanceof WippyError) return value.message;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(" ")}]`;
  return `map[${pairsOf(value).map(([key, item]) => `${textOf(key)}:${textOf(item)}`).join(" ")}]`;
}
