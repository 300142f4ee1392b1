import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";
import type { SqlValue } from "./driver.ts";
import type { Tags } from "../../operations/sql/requests.ts";

function bytes(value: LuaValue): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  return typeof value === "string" ? new TextEncoder().encode(value) : null;
}

function plain(value: LuaValue): SqlValue {
  if (value instanceof LuaFloat) return value.value;
  // A number that is no safe integer is a float, whole or not.
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  const scalar = typeof value === "bigint" || typeof value === "string" ||
    typeof value === "boolean" || value instanceof Uint8Array;
  return scalar ? value : null;
}

/**
 * Parameters as drivers take them.
 *
 * @param tags one letter for each: `v` the value as it is, `n` NULL, `b` its bytes, `t` its text
 */
export function sqlValues(values: LuaValue, tags: Tags): SqlValue[] {
  const list = Array.isArray(values) ? values : [];
  return [...tags].map((tag, at) => {
    if (tag === "n") return null;
    if (tag === "b") return bytes(list[at]);
    const value = plain(list[at]);
    return tag === "t" && value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
  });
}

/** The text of a statement. @throws WippyError Invalid when it is no UTF-8 */
export function sqlText(sql: string | Uint8Array): string {
  if (typeof sql === "string") return sql;
  throw new WippyError("Invalid", "a statement is text in UTF-8; pass bytes as parameters", {
    retryable: false,
  });
}
