/**
 * JSON that other SDKs read and that gives back the same Lua value: a float keeps its point (`2.0`), so that it is
 * not decoded as an integer.
 * @module
 */
import { WippyError } from "../../../../vm/error.ts";
import { writable } from "../../../../vm/json.ts";
import { valueLimits } from "../../../../vm/limits.ts";
import { LuaFloat, type LuaValue } from "../../../../vm/value.ts";

/** How often repeated tables may be written in one value, since JSON has no references. */
const mostRepetitions = 1_000;

/** What JSON cannot carry. */
class NoJson extends Error {}

/** JSON text of a value; undefined if decoding it would give a different value. */
export function exactJson(value: LuaValue): string | undefined {
  try {
    return JSON.stringify(new Writer().prepare(value, 1));
  } catch (error) {
    if (error instanceof NoJson) return undefined;
    throw error;
  }
}

class Writer {
  readonly #written = new Set<object>();
  #repetitions = 0;

  /** A copy that the engine writes as JSON means it. */
  prepare(value: LuaValue, depth: number): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        if (!Number.isFinite(value)) throw new NoJson();
        return writable(value);
      case "undefined":
        return null;
      case "object":
        return value === null ? null : this.#table(value, depth);
      default:
        // Other languages read an integer beyond 2^53 as a float near it.
        throw new NoJson();
    }
  }

  #table(value: LuaValue & object, depth: number): unknown {
    if (value instanceof LuaFloat) return float(value.value);
    const plain =
      !(value instanceof Uint8Array || value instanceof Map || value instanceof WippyError);
    if (!plain || depth > valueLimits.depth) throw new NoJson();
    if (this.#written.has(value) && ++this.#repetitions > mostRepetitions) throw new NoJson();
    this.#written.add(value);
    if (Array.isArray(value)) return value.map((item) => this.prepare(item, depth + 1));
    const table: Record<string, unknown> = Object.create(null);
    for (const key of Object.keys(value)) {
      if (value[key] !== undefined) table[key] = this.prepare(value[key], depth + 1);
    }
    return table;
  }
}

function float(value: number): unknown {
  if (!Number.isFinite(value)) throw new NoJson();
  if (!Number.isInteger(value) || Math.abs(value) >= 1e21) return value;
  return JSON.rawJSON(Object.is(value, -0) ? "-0.0" : `${value}.0`);
}

/** Numbers that JavaScript's own reader would change: `2.0`, `1e3`, `-0`, whole ones with many digits. */
const delicate = /\d\.0|\d[eE]|\d{16}|-0/;

/** The value of JSON text, whoever wrote it. @throws SyntaxError */
export function readExactJson(text: string): LuaValue {
  return delicate.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
}

const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined) return value;
  if (!/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? new LuaFloat(value) : value;
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  const integer = BigInt(source);
  return integer >= smallest && integer <= largest ? integer : value;
}
