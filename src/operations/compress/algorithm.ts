import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { WippyError } from "../../vm/error.ts";
import { isWholeZstd } from "./zstd.ts";

/** `deflate` is raw, `zlib` has its header and checksum. */
export type Algorithm = "gzip" | "deflate" | "zlib" | "brotli" | "zstd";

/** Lowest and highest level of each algorithm. */
export const levels: Record<Algorithm, readonly [lowest: number, highest: number]> = {
  gzip: [1, 9],
  deflate: [1, 9],
  zlib: [1, 9],
  brotli: [0, 11],
  zstd: [1, 22],
};

type Coder = (data: Uint8Array, options: Options) => Promise<Buffer>;

interface Options {
  level?: number;
  params?: Record<number, number>;
  dictionary?: Uint8Array;
  maxOutputLength?: number;
}

const encoders: Record<Algorithm, Coder> = {
  gzip: promisify(zlib.gzip) as Coder,
  deflate: promisify(zlib.deflateRaw) as Coder,
  zlib: promisify(zlib.deflate) as Coder,
  brotli: promisify(zlib.brotliCompress) as Coder,
  zstd: promisify(zlib.zstdCompress) as Coder,
};

const decoders: Record<Algorithm, Coder> = {
  gzip: promisify(zlib.gunzip) as Coder,
  deflate: promisify(zlib.inflateRaw) as Coder,
  zlib: promisify(zlib.inflate) as Coder,
  brotli: promisify(zlib.brotliDecompress) as Coder,
  zstd: promisify(zlib.zstdDecompress) as Coder,
};

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function levelOption(algorithm: Algorithm, level: number): Options {
  const { BROTLI_PARAM_QUALITY, ZSTD_c_compressionLevel } = zlib.constants;
  if (algorithm === "brotli") return { params: { [BROTLI_PARAM_QUALITY]: level } };
  if (algorithm === "zstd") return { params: { [ZSTD_c_compressionLevel]: level } };
  return { level };
}

/**
 * Compresses bytes.
 *
 * @param dictionary of Zstandard; the others ignore it
 * @throws WippyError Invalid: no bytes, or a level that the algorithm does not have
 */
export async function compressBytes(
  algorithm: Algorithm,
  data: Uint8Array,
  level: number,
  dictionary?: Uint8Array,
): Promise<Uint8Array> {
  const [lowest, highest] = levels[algorithm];
  if (level < lowest || level > highest) {
    throw invalid(`the level of ${algorithm} must be from ${lowest} to ${highest}, got ${level}`);
  }
  if (data.length === 0) throw invalid("there is nothing to compress: the data is empty");
  return await encoders[algorithm](data, {
    ...levelOption(algorithm, level),
    ...(dictionary && algorithm === "zstd" && { dictionary }),
  });
}

/**
 * Decompresses bytes.
 *
 * @param limit most bytes of the result
 * @param dictionary the one that the data was compressed with
 * @throws WippyError Invalid: no bytes, or not of that format; Internal: larger than the limit
 */
export async function decompressBytes(
  algorithm: Algorithm,
  data: Uint8Array,
  limit: number,
  dictionary?: Uint8Array,
): Promise<Uint8Array> {
  if (data.length === 0) throw invalid("there is nothing to decompress: the data is empty");
  try {
    const bytes = await decoders[algorithm](data, {
      maxOutputLength: limit,
      ...(dictionary && algorithm === "zstd" && { dictionary }),
    });
    // The platform returns the beginning of a cut Zstandard frame as if it were all.
    if (algorithm === "zstd" && !isWholeZstd(data)) throw new Error("unexpected end of file");
    return bytes;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw new WippyError("Internal", `the decompressed data is larger than ${limit} bytes`, {
        retryable: false,
        details: { limit },
      });
    }
    throw invalid(`the data is not valid ${algorithm}: ${message}`);
  }
}
