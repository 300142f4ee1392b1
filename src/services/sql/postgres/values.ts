import type { RowPacker } from "../../../vm/rows.ts";
import { rfc3339 } from "../timestamp.ts";

/** Packs a value of a type from the text in which the server writes it. */
export type Reader = (packer: RowPacker, text: string) => void;

const integer: Reader = (packer, text) => {
  // 15 digits fit into a double.
  if (text.length <= 15) packer.integer(Number(text));
  else packer.bigint(BigInt(text));
};

const float: Reader = (packer, text) => packer.float(Number(text));

const bytes: Reader = (packer, text) => {
  if (text.startsWith("\\x")) packer.bytes(Buffer.from(text.slice(2), "hex"));
  else packer.text(text);
};

const time: Reader = (packer, text) => packer.text(rfc3339(text));

/** By the oid of the type (pg_type.dat); whatever else stays the text that the server writes. */
const readers = new Map<number, Reader>([
  [16, (packer, text) => packer.boolean(text === "t")],
  [17, bytes],
  [20, integer],
  [21, integer],
  [23, integer],
  [26, integer],
  [700, float],
  [701, float],
  [1082, time],
  [1114, time],
  [1184, time],
]);

const same: Reader = (packer, text) => packer.text(text);

/** Makes values of Lua of the texts of a type. */
export function readerOf(oid: number): Reader {
  return readers.get(oid) ?? same;
}
