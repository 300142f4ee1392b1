import { pack, unpack } from "../../../../vm/codec.ts";
import { LuaFloat, type LuaValue } from "../../../../vm/value.ts";
import type { Payload } from "../../../payload.ts";

/** Memo or search attributes with others laid over them; all packed. */
export function mergeAttributes(old: Payload | null, added: Payload): Payload {
  if (!old) return added;
  const tables = [unpack(old), unpack(added)] as { [key: string]: LuaValue }[];
  return pack(Object.assign({}, ...tables));
}

/** A value of a search attribute as it is looked for: one of the two is null. */
export interface AttributeRow {
  run: number;
  key: string;
  position: number;
  text: string | null;
  number: number | null;
}

/** How a value is looked for: numbers by their value, all else as JSON. */
export function attributeValue(value: unknown): Pick<AttributeRow, "text" | "number"> {
  const number = value instanceof LuaFloat
    ? value.value
    : typeof value === "bigint"
    ? Number(value)
    : value;
  if (typeof number === "number") return { text: null, number };
  return { text: JSON.stringify(number), number: null };
}

/** The rows of packed search attributes; values that are neither text, number, boolean nor a list of them have none. */
export function attributeRows(run: number, packed: Payload): AttributeRow[] {
  const table = unpack(packed);
  if (typeof table !== "object" || table === null || Array.isArray(table)) return [];
  const pairs = table instanceof Map ? [...table] : Object.entries(table);
  return pairs.flatMap(([key, value]) => {
    const values = Array.isArray(value) ? value : [value];
    return [...new Set(values.filter(isScalar))].map((element, position) => ({
      run,
      key: String(key),
      position,
      ...attributeValue(element),
    }));
  });
}

function isScalar(value: unknown): boolean {
  return value instanceof LuaFloat ||
    ["string", "number", "bigint", "boolean"].includes(typeof value);
}
