import {
  type CollectionTag,
  LineCounter,
  parseAllDocuments,
  Scalar,
  stringify,
  type Tags,
} from "yaml";
import { oldIntegers } from "../../registry/yaml-integers.ts";
import { obeyTags } from "../../registry/yaml-tags.ts";
import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";

/** Deepest nesting that is written and read. */
const maxDepth = 128;

function failure(kind: "Invalid" | "Internal", message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/** Texts of these forms are no texts without quotes: what is written has quotes where what is read needs them. */
const customTags = (tags: Tags): Tags => [...oldIntegers, ...tags, "timestamp"];

/** A list of maps with one key each: a Lua table has no order of keys that could be kept. */
const orderedMap: CollectionTag = {
  tag: "tag:yaml.org,2002:omap",
  collection: "seq",
  resolve: (items) => items,
};

const readTags = (tags: Tags): Tags => [...customTags(tags), orderedMap];

/**
 * Reads the first document of a text (YAML 1.2, with timestamps). Integers are exact up to 64 bits, timestamps become
 * seconds since 1970.
 *
 * @throws WippyError Internal: a syntax error with its line and column, too many aliases, too deep
 */
export function readYaml(text: string): LuaValue {
  const lineCounter = new LineCounter();
  const options = { intAsBigInt: true, merge: true, customTags: readTags, lineCounter } as const;
  const documents = parseAllDocuments(text, options);
  const first = documents[0];
  if (!first || "empty" in documents) return undefined;
  const [error] = first.errors;
  if (error) throw failure("Internal", `YAML: ${error.message}`);
  const [fault] = obeyTags(first);
  if (fault) {
    const { line, col } = lineCounter.linePos(fault.offset);
    const message = `YAML: ${fault.message} at line ${line}, column ${col}`;
    throw failure("Internal", message);
  }
  try {
    return fromYaml(first.toJS({ mapAsMap: true }), 0);
  } catch (error) {
    throw error instanceof WippyError ? error : failure("Internal", `YAML: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fromYaml(value: unknown, depth: number): LuaValue {
  if (depth > maxDepth) throw failure("Internal", `YAML: nested deeper than ${maxDepth} levels`);
  switch (typeof value) {
    case "bigint": {
      if (BigInt.asIntN(64, value) !== value) return new LuaFloat(Number(value));
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case "number":
      return Number.isInteger(value) ? new LuaFloat(value) : value;
    case "string":
    case "boolean":
      return value;
    case "object":
      return fromObject(value, depth);
    default:
      return undefined;
  }
}

function fromObject(value: object | null, depth: number): LuaValue {
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  if (Array.isArray(value)) return value.map((item) => fromYaml(item, depth + 1));
  if (value instanceof Uint8Array) return value;
  // Members are keys, as programs ask for them.
  if (value instanceof Set) {
    value = new Map(Array.from(value, (member) => [member, true]));
  }
  if (!(value instanceof Map)) return undefined;
  const map = new Map<LuaValue, LuaValue>();
  for (const [key, item] of value) {
    const luaKey = fromYaml(key, depth + 1);
    // Lua has neither nil nor NaN as key.
    if (luaKey === undefined || Number.isNaN(luaKey)) continue;
    map.set(luaKey, fromYaml(item, depth + 1));
  }
  return map;
}

/**
 * Writes a table as YAML. Keys are sorted, those of `fieldOrder` first, at every level.
 *
 * @param indent spaces per level
 * @throws WippyError Invalid: bytes that are not text, a table that holds itself or is nested too deep
 */
export function writeYaml(value: LuaValue, fieldOrder: readonly string[], indent: number): string {
  const ranks = new Map(fieldOrder.map((name, index) => [name, index]));
  const plain = toYaml(value, ranks, 0);
  // Others may read it as YAML 1.1, in which yes and 12:30 are no texts either.
  const options = { compat: "yaml-1.1", customTags, lineWidth: 0 } as const;
  return stringify(plain, { ...options, indent, aliasDuplicateObjects: false });
}

type Ranks = ReadonlyMap<string, number>;

function toYaml(value: LuaValue, ranks: Ranks, depth: number): unknown {
  if (typeof value !== "object") return value ?? null;
  if (value === null) return null;
  if (depth > maxDepth) {
    const message = `tables nested deeper than ${maxDepth} levels, or one that holds itself`;
    throw failure("Invalid", `cannot write ${message}`);
  }
  if (value instanceof LuaFloat) {
    return Object.assign(new Scalar(value.value), { minFractionDigits: 1 });
  }
  if (value instanceof WippyError) return value.message;
  if (value instanceof Uint8Array) {
    throw failure("Invalid", "cannot write bytes that are not UTF-8");
  }
  if (Array.isArray(value)) return value.map((item) => toYaml(item, ranks, depth + 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const sorted = entries
    .map(([key, item]) => [toKey(key), item] as const)
    .sort(([one], [other]) => compare(one, other, ranks));
  return new Map(sorted.map(([key, item]) => [key, toYaml(item, ranks, depth + 1)]));
}

type Key = string | number | bigint | boolean;

/** Tables as keys have no order that a replay of a workflow would see again. */
function toKey(key: LuaValue): Key {
  if (key instanceof LuaFloat) return key.value;
  if (typeof key === "string" || typeof key === "number") return key;
  if (typeof key === "bigint" || typeof key === "boolean") return key;
  throw failure("Invalid", "keys must be text, numbers or booleans");
}

function compare(one: Key, other: Key, ranks: Ranks): number {
  const [a, b] = [String(one), String(other)];
  const difference = (ranks.get(a) ?? ranks.size) - (ranks.get(b) ?? ranks.size);
  if (difference !== 0) return difference;
  if (a === b) return typeof one < typeof other ? -1 : 1;
  return a < b ? -1 : 1;
}
