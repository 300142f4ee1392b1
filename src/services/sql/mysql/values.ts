import { Types } from "mysql2";
import type { RowPacker } from "../../../vm/rows.ts";
import { rfc3339 } from "../timestamp.ts";

/** Packs a value of a type as `mysql2` reads it; never NULL. */
export type Reader = (packer: RowPacker, value: unknown) => void;

const integer: Reader = (packer, value) => {
  if (typeof value === "number") return packer.integer(value);
  const whole = BigInt(String(value));
  // The upper half of BIGINT UNSIGNED is none of Lua's integers.
  if (whole >= -(2n ** 63n) && whole < 2n ** 63n) packer.bigint(whole);
  else packer.text(String(value));
};

const float: Reader = (packer, value) => packer.float(Number(value));

const other: Reader = (packer, value) => {
  if (value instanceof Uint8Array) packer.bytes(value);
  else if (typeof value === "number") packer.value(value);
  else packer.text(String(value));
};

const time: Reader = (packer, value) => packer.text(rfc3339(String(value)));

const readers = new Map<number | undefined, Reader>([
  ...[Types.TINY, Types.SHORT, Types.INT24, Types.LONG, Types.LONGLONG, Types.YEAR].map((type) =>
    [type, integer] as const
  ),
  ...[Types.FLOAT, Types.DOUBLE].map((type) => [type, float] as const),
  ...[Types.DATE, Types.NEWDATE, Types.DATETIME, Types.TIMESTAMP].map((type) =>
    [type, time] as const
  ),
]);

/** Makes values of Lua of what `mysql2` reads of a type, with its settings for long numbers and dates as text. */
export function readerOf(type: number | undefined): Reader {
  return readers.get(type) ?? other;
}
