import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";

/** A row as Lua has it: a NULL has no key. */
export type Row = Record<string, LuaValue>;

/**
 * Packs the rows of a query: the names once, then the values of all rows, one after the other.
 *
 * @param values null or undefined for NULL; their number is a multiple of that of the names
 */
export function packRows(names: readonly string[], values: readonly LuaValue[]): Uint8Array {
  return pack([[...names], [...values]]);
}

/** The rows that {@link packRows} packed. @throws WippyError Invalid when the bytes are not such */
export function unpackRows(bytes: Uint8Array): Row[] {
  const packed = unpack(bytes);
  const [names, values] = Array.isArray(packed) ? packed : [];
  if (!Array.isArray(names) || !Array.isArray(values)) {
    throw new WippyError("Invalid", "packed rows are damaged", { retryable: false });
  }
  const rows: Row[] = [];
  for (let at = 0; at < values.length; at += names.length) {
    const row: Row = Object.create(null);
    for (let column = 0; column < names.length; column += 1) {
      const value = values[at + column];
      if (value !== undefined) row[names[column] as string] = value;
    }
    rows.push(row);
  }
  return rows;
}
