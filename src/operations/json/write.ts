import { WippyError } from "../../vm/error.ts";
import { valueLimits } from "../../vm/limits.ts";
import { digits } from "../../vm/json.ts";
import { LuaFloat, type LuaValue, onceNamed } from "../../vm/value.ts";

/** Deepest nesting of tables that can be written and read. */
export const maxDepth = valueLimits.depth;

/** A failure of encoding or decoding. */
export function jsonError(message: string): WippyError {
  return new WippyError("Internal", message, { retryable: false });
}

const inHtml = /[<>&\u2028\u2029]/g;

/**
 * JSON text of a Lua value. Keys are sorted, so that the same value gives the same text, in every
 * replay of a workflow too. `<`, `>`, `&` and the line separators are escaped, so that it can stand
 * in HTML.
 *
 * @param emptyObjects those empty tables in it that are objects, not arrays, beside those that once had names
 * @throws WippyError Internal: mixed keys, holes in an array, too deep, too many values
 */
export function writeJson(value: LuaValue, emptyObjects: ReadonlySet<LuaValue>): string {
  return JSON.stringify(prepare(value, { emptyObjects, values: 0 }, 0)).replace(
    inHtml,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

interface Writing {
  emptyObjects: ReadonlySet<LuaValue>;
  /** Values in all tables so far: a table that is in several places is written in each of them. */
  values: number;
}

/** What the engine writes as JSON means it: a sorted copy is faster than a writer of our own. */
function prepare(value: LuaValue, writing: Writing, depth: number): unknown {
  switch (typeof value) {
    case "number":
      return digits(value);
    case "string":
    case "boolean":
      return value;
    case "bigint":
      return JSON.rawJSON(String(value));
    case "object":
      return value === null ? null : prepareObject(value, writing, depth);
    default:
      return null;
  }
}

function prepareObject(
  value: LuaValue & object,
  writing: Writing,
  depth: number,
): unknown {
  if (value instanceof LuaFloat) return digits(value.value);
  if (value instanceof WippyError) return value.message;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof Map) throw jsonError(badKeys(value));
  if (depth >= maxDepth) {
    throw jsonError(
      `cannot encode tables nested deeper than ${maxDepth} levels, or one that holds itself`,
    );
  }
  const list = Array.isArray(value);
  const keys = list ? [] : Object.keys(value);
  writing.values += list ? value.length : keys.length;
  if (writing.values > valueLimits.values) {
    throw jsonError(`cannot encode more than ${valueLimits.values} values`);
  }
  if (list) return value.map((item) => prepare(item, writing, depth + 1));
  if (keys.length === 0) return writing.emptyObjects.has(value) || onceNamed.has(value) ? {} : [];
  const sorted: Record<string, unknown> = Object.create(null);
  for (const key of keys.sort()) sorted[key] = prepare(value[key], writing, depth + 1);
  return sorted;
}

/** What is wrong with the keys of a table that is neither a list nor an object. */
function badKeys(table: Map<LuaValue, LuaValue>): string {
  for (const key of table.keys()) {
    if (key instanceof Uint8Array) return "cannot encode a key that is not UTF-8 text";
    if (typeof key !== "number" || !Number.isInteger(key)) {
      return "cannot encode a table with mixed keys: use either 1..n or strings, not both";
    }
  }
  return "cannot encode a sparse array: the keys must be 1..n without holes";
}
