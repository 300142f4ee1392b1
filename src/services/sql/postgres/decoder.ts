/**
 * Messages of a PostgreSQL server. The values of rows go from the bytes of the socket into packed rows.
 * @module
 */
import type { RowPacker } from "../../../vm/rows.ts";
import { rfc3339 } from "../timestamp.ts";

/** Packs a value that is a part of bytes. */
export type Decode = (packer: RowPacker, bytes: Buffer, begin: number, end: number) => void;

/** How a column is read. */
export interface Column {
  name: string;
  /** 0: the server sends texts, 1: binary. */
  format: 0 | 1;
  decode: Decode;
  /** Reads a text. */
  decodeText: Decode;
}

/** A big-endian integer of 32 bits; unlike a Buffer's method without a check of the range. */
export function int32(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
}

const text: Decode = (packer, bytes, begin, end) => packer.utf8(bytes, begin, end);

const integerText: Decode = (packer, bytes, begin, end) => {
  const digits = bytes.toString("latin1", begin, end);
  // 15 digits fit into a double.
  if (digits.length <= 15) packer.integer(Number(digits));
  else packer.bigint(BigInt(digits));
};

const floatText: Decode = (packer, bytes, begin, end) =>
  packer.float(Number(bytes.toString("latin1", begin, end)));

const timeText: Decode = (packer, bytes, begin, end) =>
  packer.text(rfc3339(bytes.toString("latin1", begin, end)));

const bytesText: Decode = (packer, bytes, begin, end) =>
  packer.bytes(Buffer.from(bytes.toString("latin1", begin + 2, end), "hex"));

const booleanText: Decode = (packer, bytes, begin) => packer.boolean(bytes[begin] === 0x74);

const halves: Decode = (packer, bytes, begin) =>
  packer.integerHalves(int32(bytes, begin), int32(bytes, begin + 4));

const word: Decode = (packer, bytes, begin) => packer.integer(int32(bytes, begin));

type Reading = [decodeText: Decode, decode?: Decode];

/** By the oid of the type (pg_type.dat): what reads texts, and what reads the binary format where that is used. */
const readings = new Map<number, Reading>([
  [16, [booleanText, (packer, bytes, begin) => packer.boolean(bytes[begin] === 1)]],
  [17, [bytesText, (packer, bytes, begin, end) => packer.bytes(bytes.subarray(begin, end))]],
  [20, [integerText, halves]],
  [21, [
    integerText,
    (packer, bytes, begin) => packer.integer(bytes[begin]! << 24 >> 16 | bytes[begin + 1]!),
  ]],
  [23, [integerText, word]],
  [26, [integerText, (packer, bytes, begin) => packer.integer(int32(bytes, begin) >>> 0)]],
  // The text of a `real` has fewer digits than the double that equals it.
  [700, [floatText]],
  [701, [
    floatText,
    (packer, bytes, begin) => packer.floatHalves(int32(bytes, begin), int32(bytes, begin + 4)),
  ]],
  [1082, [timeText]],
  [1114, [timeText]],
  [1184, [timeText]],
]);

const asIs: Reading = [text];

/** The columns of a `RowDescription`. */
export function columnsOf(bytes: Buffer, begin: number): Column[] {
  const count = bytes.readInt16BE(begin);
  let at = begin + 2;
  return Array.from({ length: count }, () => {
    const end = bytes.indexOf(0, at);
    const name = bytes.toString("utf8", at, end);
    const [decodeText, decode] = readings.get(bytes.readUInt32BE(end + 7)) ?? asIs;
    at = end + 19;
    return { name, decodeText, decode: decode ?? decodeText, format: decode ? 1 : 0 };
  });
}

/** Packs a `DataRow`. @param asTexts whether all its values are texts */
export function packRow(
  packer: RowPacker,
  columns: readonly Column[],
  asTexts: boolean,
  bytes: Buffer,
  begin: number,
): void {
  let at = begin + 2;
  for (let column = 0; column < columns.length; column += 1) {
    const length = int32(bytes, at);
    at += 4;
    if (length < 0) packer.null();
    else {
      const { decode, decodeText } = columns[column]!;
      (asTexts ? decodeText : decode)(packer, bytes, at, at + length);
      at += length;
    }
  }
}
