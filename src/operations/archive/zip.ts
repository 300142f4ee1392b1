import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import * as yauzl from "yauzl";
import { WippyError } from "../../vm/error.ts";
import type { Entry, EntryInfo } from "./entry.ts";
import { corrupt, invalid } from "./format.ts";
import type { Budget } from "./options.ts";
import { pieces, type Source } from "./source.ts";

class SourceReader extends yauzl.RandomAccessReader {
  readonly #source: Source;
  readonly #piece: number;

  constructor(source: Source, piece: number) {
    super();
    this.#source = source;
    this.#piece = piece;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(pieces(this.#source, this.#piece, start, end));
  }
}

const methods: Readonly<Record<number, string>> = { 0: "store", 8: "deflate" };

const symbolicLink = 0o120000;

function infoOf(entry: yauzl.Entry): EntryInfo {
  const name = yauzl.getFileNameLowLevel(
    entry.generalPurposeBitFlag,
    entry.fileNameRaw,
    entry.extraFields,
    true,
  );
  const attributes = entry.externalFileAttributes >>> 16;
  const isDirectory = name.endsWith("/");
  const isLink = (attributes & 0o170000) === symbolicLink;
  const modified = entry.getLastModDate({ timezone: "UTC" }).getTime();
  return {
    name,
    size: entry.uncompressedSize,
    compressed_size: entry.compressedSize,
    is_dir: isDirectory,
    mode: attributes === 0 ? (isDirectory ? 0o755 : 0o644) : attributes & 0o777,
    modified: Number.isNaN(modified) ? 0 : Math.floor(modified / 1000),
    method: methods[entry.compressionMethod] ?? String(entry.compressionMethod),
    crc32: entry.crc32,
    type: isDirectory ? "directory" : isLink ? "symlink" : "file",
  };
}

/** The entries of a zip archive, in the order of its directory. @throws WippyError Invalid */
export async function readZip(source: Source, budget: Budget): Promise<Entry[]> {
  const { buffer_bytes } = budget.options;
  const reader = new SourceReader(source, buffer_bytes);
  try {
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, source.size, {
      autoClose: false,
      // Names are checked when they are used: an archive may be looked at whatever is in it.
      decodeStrings: false,
    });
    budget.entries(zip.entryCount);
    const entries: Entry[] = [];
    for await (const entry of zip.eachEntry()) {
      const info = infoOf(entry);
      entries.push({ info, content: () => contentOf(zip, entry, info) });
      budget.entries(entries.length);
    }
    return entries;
  } catch (error) {
    throw corrupt(error);
  }
}

async function* contentOf(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  info: EntryInfo,
): AsyncGenerator<Uint8Array> {
  if (info.is_dir) return;
  if (entry.isEncrypted()) throw invalid(`${info.name} is encrypted`);
  if (methods[entry.compressionMethod] === undefined) {
    throw invalid(`${info.name} is compressed by method ${info.method}, which is not known`);
  }
  const stream = await zip.openReadStreamPromise(entry);
  let sum = 0;
  for await (const part of stream) {
    const bytes = part as Buffer;
    sum = crc32(bytes, sum);
    yield new Uint8Array(bytes);
  }
  if (sum !== entry.crc32) {
    throw new WippyError("Invalid", `archive: corrupt: ${info.name} has another checksum`, {
      retryable: false,
    });
  }
}
