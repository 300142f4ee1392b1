import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { orClose } from "./file-handle.ts";

/**
 * Bytes on the disk, in a temporary file without a name: the file is gone when it is closed or the process ends. It is
 * made by the first bytes; whoever has one closes it.
 *
 * @example
 * const file = new ScratchFile("upload");
 * const from = await file.append(bytes);
 * const copy = await file.read(from, bytes.length);
 * await file.close();
 */
export class ScratchFile {
  readonly #purpose: string;
  #file: Promise<FileHandle> | undefined;
  #size = 0;
  #closed = false;

  /** @param purpose the part of its name for as long as it has one */
  constructor(purpose: string) {
    this.#purpose = purpose;
  }

  /** Bytes that were appended. */
  get size(): number {
    return this.#size;
  }

  async #open(): Promise<FileHandle> {
    const path = join(tmpdir(), `wippy-${this.#purpose}-${randomUUID()}`);
    return await orClose(await open(path, "wx+", 0o600), async (handle) => {
      await unlink(path);
      return handle;
    });
  }

  /** The file. @throws Error when it is closed, also when that happened while it was being made */
  async #opened(): Promise<FileHandle> {
    if (this.#closed) throw new Error("the temporary file is closed");
    const handle = await (this.#file ??= this.#open());
    if (this.#closed) throw new Error("the temporary file is closed");
    return handle;
  }

  /**
   * Appends bytes. Returns the position of the first one.
   *
   * @throws Error when the file is closed, or the disk does not take them
   */
  async append(data: Uint8Array): Promise<number> {
    const position = this.#size;
    this.#size += data.length;
    let done = 0;
    while (done < data.length) {
      const handle = await this.#opened();
      const left = data.length - done;
      done += (await handle.write(data, done, left, position + done)).bytesWritten;
    }
    return position;
  }

  /** Up to `length` bytes from a position on, fewer only at the end. @throws Error when the file is closed */
  async read(position: number, length: number): Promise<Uint8Array> {
    const part = new Uint8Array(Math.max(0, Math.min(length, this.#size - position)));
    let done = 0;
    while (done < part.length) {
      const handle = await this.#opened();
      const { bytesRead } = await handle.read(part, done, part.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return part.subarray(0, done);
  }

  /** Closes the file, also one that is only being made. Twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const handle = await this.#file?.catch(() => undefined);
    await handle?.close();
  }
}
