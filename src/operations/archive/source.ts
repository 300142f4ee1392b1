import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

/** A stream that is kept in a file without a name, so that it can be read at any place. */
export class Spool implements Closable {
  readonly #handle: FileHandle;
  readonly #limit: number;
  #size = 0;
  #taken = false;

  /** Use `open`. */
  constructor(handle: FileHandle, limit: number) {
    this.#handle = handle;
    this.#limit = limit;
  }

  /** @param limit bytes at most */
  static async open(limit: number): Promise<Spool> {
    const path = join(tmpdir(), `wippy-archive-${randomUUID()}`);
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return new Spool(handle, limit);
  }

  /** @throws WippyError Invalid beyond the limit */
  async write(data: Uint8Array): Promise<void> {
    if (this.#size + data.length > this.#limit) {
      throw invalid(`more than ${this.#limit} bytes in all; raise max_total_bytes`);
    }
    const position = this.#size;
    this.#size += data.length;
    let done = 0;
    while (done < data.length) {
      const left = data.length - done;
      done += (await this.#handle.write(data, done, left, position + done)).bytesWritten;
    }
  }

  /** What was written, which belongs to the source from now on. */
  take(): Source {
    this.#taken = true;
    return new FileSource(this.#handle, this.#size, true);
  }

  async close(): Promise<void> {
    if (!this.#taken) await this.#handle.close().catch(() => {});
  }
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
