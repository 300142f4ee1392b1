import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { orClose } from "../../platform/file-handle.ts";
import { WippyError } from "../../vm/error.ts";
import type { Closable } from "../resources.ts";
import { failureOf } from "./failure.ts";
import type { Place } from "./volume.ts";

/** How a file is opened: read, truncate and write, write a file that must not exist, append. */
export type OpenMode = "r" | "w" | "wx" | "a";

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } =
  constants;

// O_NOFOLLOW as the real path has no links; O_NONBLOCK so that a pipe does not hang the opening.
const flags: Readonly<Record<OpenMode, number>> = {
  r: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  w: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK,
  wx: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK,
  a: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK,
};

/** Opens a regular file. New ones get `0644` masked by the volume's mode. */
export async function openHandle({ volume, path, real }: Place, mode: OpenMode) {
  try {
    return await orClose(await open(real, flags[mode], 0o644 & volume.mode), async (handle) => {
      const stat = await handle.stat();
      if (stat.isFile()) return handle;
      const what = stat.isDirectory() ? "a directory" : "no regular file";
      throw new WippyError("Invalid", `open ${path}: it is ${what}`, { retryable: false });
    });
  } catch (error) {
    throw failureOf(`open ${path}`, error);
  }
}

/** An open file with a position. What is asked of it is done in the order of the requests. */
export class OpenFile implements Closable {
  #position = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    readonly place: Place,
    readonly mode: OpenMode,
    readonly handle: FileHandle,
  ) {}

  /** Throws WippyError NotFound, AlreadyExists, PermissionDenied, Invalid or Internal. */
  static async open(place: Place, mode: OpenMode): Promise<OpenFile> {
    return await orClose(await openHandle(place, mode), async (handle) => {
      const file = new OpenFile(place, mode, handle);
      if (mode === "a") file.#position = (await handle.stat()).size;
      return file;
    });
  }

  get readable(): boolean {
    return this.mode === "r";
  }

  #queued<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(async () => {
      if (this.#closed) {
        throw new WippyError("Invalid", `${what} ${this.place.path}: the file is closed`, {
          retryable: false,
        });
      }
      try {
        return await work();
      } catch (error) {
        throw failureOf(`${what} ${this.place.path}`, error);
      }
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  #mustBe(readable: boolean, what: string): void {
    if (this.readable === readable) return;
    const message = `${what} ${this.place.path}: it was opened with mode ${this.mode}`;
    throw new WippyError("Invalid", message, { retryable: false });
  }

  /** Up to `limit` bytes from the position on; none at the end of the file. */
  read(limit: number): Promise<Uint8Array> {
    return this.#queued("read", async () => {
      this.#mustBe(true, "read");
      const left = (await this.handle.stat()).size - this.#position;
      // Some files of the system have no size, yet content.
      const buffer = new Uint8Array(Math.min(limit, left > 0 ? left : 64 * 1024));
      const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, this.#position);
      this.#position += bytesRead;
      return buffer.subarray(0, bytesRead);
    });
  }

  /** Writes all bytes at the position (at the end for mode `a`). Returns their number. */
  write(data: Uint8Array): Promise<number> {
    return this.#queued("write", async () => {
      this.#mustBe(false, "write");
      let done = 0;
      while (done < data.length) {
        const position = this.mode === "a" ? null : this.#position;
        const { bytesWritten } = await this.handle.write(data, done, data.length - done, position);
        done += bytesWritten;
        this.#position += bytesWritten;
      }
      return done;
    });
  }

  /** Moves the position. Returns the new one, in bytes from the beginning. */
  seek(whence: "set" | "cur" | "end", offset: number): Promise<number> {
    return this.#queued("seek", async () => {
      const base = whence === "set"
        ? 0
        : whence === "cur"
        ? this.#position
        : (await this.handle.stat()).size;
      if (base + offset < 0) {
        const message = `seek ${this.place.path}: position ${
          base + offset
        } is before the beginning`;
        throw new WippyError("Invalid", message, { retryable: false });
      }
      this.#position = base + offset;
      return this.#position;
    });
  }

  /** The file's state and the position. */
  stat() {
    return this.#queued("stat", async () => ({
      stats: await this.handle.stat(),
      position: this.#position,
    }));
  }

  /** Waits until what was written is on the disk. */
  sync(): Promise<void> {
    return this.#queued("sync", () => this.handle.sync());
  }

  /** Closes after what was asked before. Twice is harmless. */
  async close(): Promise<void> {
    await this.#turn;
    if (this.#closed) return;
    this.#closed = true;
    await this.handle.close();
  }
}
