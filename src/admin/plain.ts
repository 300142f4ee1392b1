import { WippyError } from "../vm/error.ts";
import { LuaFloat } from "../vm/value.ts";

/** What JSON can say. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

/**
 * A value of Lua for a reader of JSON: nil is null, integers beyond 2^53 and numbers that are none (`nan`, `inf`) are
 * text, bytes that are not UTF-8 are `{"$base64": …}`, an error is its plain form, a repetition inside itself is
 * `(cycle)`. Keys of tables become text.
 */
export function plain(value: unknown, around: readonly object[] = []): Plain {
  switch (typeof value) {
    case "boolean":
    case "string":
      return value;
    case "number":
      return Number.isFinite(value)
        ? value
        : Number.isNaN(value)
        ? "nan"
        : value > 0
        ? "inf"
        : "-inf";
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "object":
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (value instanceof LuaFloat) return plain(value.value);
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString("base64") };
  if (around.includes(value)) return "(cycle)";
  const inside = [...around, value];
  if (value instanceof WippyError) return plain(value.toJSON(), inside);
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map((element) => plain(element, inside));
  const pairs = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    pairs.filter(([, element]) => element !== undefined)
      .map((
        [key, element],
      ) => [String(key instanceof LuaFloat ? key.value : key), plain(element, inside)]),
  );
}
