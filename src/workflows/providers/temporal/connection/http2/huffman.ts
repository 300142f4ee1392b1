/**
 * The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: the lengths of the codes say what the codes are.
 * @module
 */

/** The length of each byte's code, in bits. */
const lengths = [
  ...[13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28],
  ...[28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28],
  ...[6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6],
  ...[5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10],
  ...[13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7],
  ...[7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6],
  ...[15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5],
  ...[6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28],
  ...[20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23],
  ...[24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24],
  ...[22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23],
  ...[21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23],
  ...[26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25],
  ...[19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27],
  ...[20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23],
  ...[26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26],
];
const longest = 30;

/** Bytes by their codes: first by length, then by value. */
const ordered = lengths.map((_, value) => value).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
/** For each length: its first code, the number of its codes, and where they begin in `ordered`. */
const first = new Int32Array(longest + 1);
const counts = new Int32Array(longest + 1);
const starts = new Int32Array(longest + 1);
for (const length of lengths) counts[length]!++;
for (let length = 1; length <= longest; length++) {
  first[length] = (first[length - 1]! + counts[length - 1]!) << 1;
  starts[length] = starts[length - 1]! + counts[length - 1]!;
}

/** Reads text that is written in the code. @throws RangeError when it is not */
export function readHuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code << 1 | byte >> bit & 1;
      length++;
      if (length > longest) throw new RangeError("a header is not in the Huffman code");
      const at = code - first[length]!;
      if (at >= counts[length]!) continue;
      text.push(ordered[starts[length]! + at]!);
      code = 0;
      length = 0;
    }
  }
  // The last byte is filled with ones.
  if (length > 7 || code !== (1 << length) - 1) {
    throw new RangeError("a header ends within a code of Huffman's");
  }
  return Buffer.from(text).toString("latin1");
}
