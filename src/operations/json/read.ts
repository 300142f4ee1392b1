import { WippyError } from "../../vm/error.ts";
import { parseNumbers } from "../../vm/json.ts";
import type { LuaValue } from "../../vm/value.ts";
import { scanJson } from "./scan.ts";
import { jsonError, maxDepth } from "./write.ts";

/** What JSON text means. */
export interface JsonValue {
  value: LuaValue;
  /** The objects in it that are empty in Lua: without keys, or with nulls only. */
  emptyObjects: LuaValue[];
}

/**
 * Reads the first JSON value of a text; what follows it is ignored. Whole numbers become integers,
 * exactly up to 64 bits, and larger ones floats.
 *
 * @throws WippyError Internal: a syntax error with its line and column, or too deep
 */
export function readJson(text: string): JsonValue {
  let value: LuaValue;
  try {
    value = parseNumbers(text);
  } catch (error) {
    if (error instanceof WippyError) throw jsonError(error.message);
    // The engine tells neither where nor what, and refuses what follows the first value.
    value = parseNumbers(text.slice(0, scanJson(text)));
  }
  const emptyObjects: LuaValue[] = [];
  inspect(value, emptyObjects, 0);
  return { value, emptyObjects };
}

function inspect(value: LuaValue, emptyObjects: LuaValue[], depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth >= maxDepth) {
    throw jsonError(`cannot decode values nested deeper than ${maxDepth} levels`);
  }
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "object") inspect(item, emptyObjects, depth + 1);
    }
    return;
  }
  const object = value as Record<string, LuaValue>;
  let empty = true;
  for (const key in object) {
    const item = object[key];
    if (item === null) continue;
    empty = false;
    if (typeof item === "object") inspect(item, emptyObjects, depth + 1);
  }
  if (empty) emptyObjects.push(value);
}
