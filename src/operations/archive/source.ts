import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { ScratchFile } from "../../platform/scratch-file.ts";
import type { Closable } from "../resources.ts";
import { invalid } from "./format.ts";

/** The bytes of an archive, at any place. */
export interface Source extends Closable {
  readonly size: number;
  /** Up to `length` bytes from a position on; fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** An archive in memory. */
export class BytesSource implements Source {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return Promise.resolve(this.#bytes.subarray(position, position + length));
  }

  close(): void {}
}

/** An archive in a file. */
export class FileSource implements Source {
  readonly #handle: FileHandle;
  readonly #owned: boolean;
  readonly size: number;

  /** @param owned whether the file is closed with the archive */
  constructor(handle: FileHandle, size: number, owned: boolean) {
    this.#handle = handle;
    this.size = size;
    this.#owned = owned;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const buffer = new Uint8Array(Math.max(0, Math.min(length, this.size - position)));
    let done = 0;
    while (done < buffer.length) {
      const left = buffer.length - done;
      const { bytesRead } = await this.#handle.read(buffer, done, left, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  async close(): Promise<void> {
    if (this.#owned) await this.#handle.close().catch(() => {});
  }
}

/** A stream that is kept on the disk, so that it can be read at any place. */
export class Spool implements Source {
  readonly #file = new ScratchFile("archive");
  readonly #limit: number;

  /** @param limit bytes at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#file.size;
  }

  /** @throws WippyError Invalid beyond the limit */
  async write(data: Uint8Array): Promise<void> {
    if (this.size + data.length > this.#limit) {
      throw invalid(`more than ${this.#limit} bytes in all; raise max_total_bytes`);
    }
    await this.#file.append(data);
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#file.read(position, length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** All bytes of a source as a stream, which closes it, however it ends. */
export function streamOf(source: Source): Readable {
  return Readable.from(pieces(source, 64 * 1024), { objectMode: false })
    .once("close", () => void source.close());
}

/** All bytes of a source from one position to another, in pieces. */
export async function* pieces(
  source: Source,
  size: number,
  start = 0,
  end = source.size,
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end;) {
    const piece = await source.read(at, Math.min(size, end - at));
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}
