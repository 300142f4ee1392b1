/**
 * The format of Zstandard dictionaries (RFC 8878, section 5): a magic number, an identifier, tables for the entropy
 * coders, three offsets, and content, which data is compressed as if it followed.
 * @module
 */
import { WippyError } from "../../vm/error.ts";

const magic = 0xec30_a437;
const headerSize = 8;
/** Offsets that encoders begin with, as Zstandard itself has them. */
const firstOffsets = [1, 4, 8] as const;
/** Bytes that the smallest content has: the offsets point into it. */
export const leastContent = 8;

/**
 * Tables for literals, offsets, lengths of matches and lengths of literals, as `zstd --train` made them of text and
 * code. An encoder that finds them unfit for what it compresses makes its own.
 */
const tables = Buffer.from(
  "PRAQcuc7CNYJ3zTy7j2sVJqa9wnx40I5DgfSQEkTWcwWuW4W2iQlnNAWeC120gReGj2SzgtpmwWobCDAQBtT" +
    "ABAMDhKLBYOhgFxCq74ABGAAFh8UrJ4ThtIoyWEQQgYZQgAgAAAAAADAiACAIAAAAFQ058lMTjKFjBEAAAAA" +
    "AAAAAAA=",
  "base64",
);

/** Bytes of a dictionary that are not content. */
export const overhead = headerSize + tables.length + 4 * firstOffsets.length;

/** Puts a dictionary together. */
export function dictionaryOf(id: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(overhead + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, id, true);
  bytes.set(tables, headerSize);
  for (const [index, offset] of firstOffsets.entries()) {
    view.setUint32(headerSize + tables.length + 4 * index, offset, true);
  }
  bytes.set(content, overhead);
  return bytes;
}

/**
 * What a dictionary says of itself: its identifier and the size of its content.
 *
 * @throws WippyError Invalid: not a dictionary
 */
export function dictionaryFacts(dictionary: Uint8Array): { id: number; content_size: number } {
  const view = new DataView(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength);
  if (dictionary.length < headerSize || view.getUint32(0, true) !== magic) {
    throw new WippyError("Invalid", "the data is not a Zstandard dictionary", { retryable: false });
  }
  let at: number | undefined = endOfWeights(dictionary, headerSize);
  for (let table = 0; table < 3 && at !== undefined; table++) at = endOfCounts(dictionary, at);
  const content = at === undefined ? -1 : dictionary.length - at - 4 * firstOffsets.length;
  if (content < 0) {
    throw new WippyError("Invalid", "the Zstandard dictionary is damaged or cut short", {
      retryable: false,
    });
  }
  return { id: view.getUint32(4, true), content_size: content };
}

/** Where the weights of the Huffman code for literals end, which begin at `at`. */
function endOfWeights(bytes: Uint8Array, at: number): number | undefined {
  const header = bytes[at];
  if (header === undefined) return undefined;
  // Below 128 weights are compressed, into so many bytes; above there are 127 less of them, each of four bits.
  return at + 1 + (header < 128 ? header : Math.ceil((header - 127) / 2));
}

/** Where a table of probabilities ends, which begins at `at`; undefined for what is none. */
function endOfCounts(bytes: Uint8Array, at: number): number | undefined {
  let bit = at * 8;
  const read = (width: number): number => {
    let value = 0;
    for (let index = 0; index < width; index++, bit++) {
      value |= ((bytes[bit >> 3] ?? 0) >> (bit & 7) & 1) << index;
    }
    return value;
  };
  const accuracy = read(4) + 5;
  let left = (1 << accuracy) + 1;
  let width = accuracy + 1;
  for (let symbol = 0; left > 1; symbol++) {
    if (symbol > 255 || bit >> 3 >= bytes.length) return undefined;
    // Small values have one bit less, as far as the others leave room.
    const half = 1 << (width - 1);
    const short = 2 * half - 1 - left;
    let value = read(width - 1);
    if (value >= short) {
      value |= read(1) << (width - 1);
      if (value >= half) value -= short;
    }
    // 0 stands for "less than one", which takes one.
    const probability = value - 1;
    left -= Math.abs(probability);
    for (let more = probability === 0; more;) {
      const zeros = read(2);
      symbol += zeros;
      more = zeros === 3;
    }
    while (left < 1 << (width - 1) && width > 1) width -= 1;
  }
  return left === 1 ? Math.ceil(bit / 8) : undefined;
}
