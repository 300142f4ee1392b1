import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import * as tarStream from "tar-stream";
import { Interruption } from "../../platform/interruption.ts";
import type { Entry, EntryInfo } from "./entry.ts";
import { corrupt, type Format, invalid } from "./format.ts";
import type { Budget } from "./options.ts";
import { pieces, type Source } from "./source.ts";

/** Zeros that end an archive. */
const endBytes = 512;

/** The bytes of an archive. @throws WippyError Invalid when its end is missing, which a decompressor may not see */
async function* whole(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let zeros = 0;
  for await (const piece of bytes) {
    let at = piece.length;
    while (at > 0 && piece.length - at < endBytes && piece[at - 1] === 0) at -= 1;
    zeros = at === 0 ? zeros + piece.length : piece.length - at;
    yield piece;
  }
  if (zeros < endBytes) throw invalid("corrupt: the archive is cut off");
}

function infoOf({ name, size, mode, mtime, type }: tarStream.Header): EntryInfo {
  const isDirectory = type === "directory" || name.endsWith("/");
  return {
    name,
    size: isDirectory ? 0 : size,
    is_dir: isDirectory,
    mode: mode & 0o777,
    modified: Math.floor(mtime.getTime() / 1000),
    type: isDirectory ? "directory" : type === "file" || type === "contiguous-file" ? "file" : type,
  };
}

/**
 * The entries of a tar archive, one after the other; the content of each can be read until the next one is asked for.
 *
 * @throws WippyError Invalid
 */
export async function* walkTar(
  source: Source,
  format: Exclude<Format, "zip">,
  budget: Budget,
): AsyncGenerator<Entry> {
  const extract = tarStream.extract();
  const bytes = Readable.from(pieces(source, budget.options.buffer_bytes));
  const unpacked = format === "tar"
    ? bytes
    : pipeline(bytes, format === "tar.gz" ? createGunzip() : createZstdDecompress(), () => {});
  const ended = new Interruption();
  const feeding = Readable.from(whole(unpacked));
  pipeline(feeding, extract, (error) => {
    if (error) ended.interrupt(error);
  });
  const entries = extract[Symbol.asyncIterator]();
  let count = 0;
  try {
    for (;;) {
      const next = await ended.race(entries.next());
      if (next.done) return;
      const { header } = next.value;
      count += 1;
      budget.entries(count);
      const info = infoOf(header);
      yield { info, content: () => contentOf(next.value, ended) };
      // What was not read of it is passed over.
      next.value.resume();
    }
  } catch (error) {
    throw corrupt(error);
  } finally {
    bytes.destroy();
    feeding.destroy();
    extract.destroy();
  }
}

async function* contentOf(
  entry: AsyncIterable<unknown>,
  ended: Interruption,
): AsyncGenerator<Uint8Array> {
  const parts = entry[Symbol.asyncIterator]();
  for (;;) {
    const next = await ended.race(parts.next());
    if (next.done) return;
    yield new Uint8Array(next.value as Buffer);
  }
}
