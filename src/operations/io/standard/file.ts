import {
  closeSync,
  constants,
  fstatSync,
  open,
  openSync,
  read,
  readSync,
  writeSync,
} from "node:fs";
import type { Closable } from "../../resources.ts";
import { SystemError } from "./failure.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants;

/** What C's `fopen` does for its modes. */
const flags: Readonly<Record<string, number>> = {
  "r": O_RDONLY,
  "r+": O_RDWR,
  "w": O_WRONLY | O_CREAT | O_TRUNC,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  "a": O_WRONLY | O_CREAT | O_APPEND,
  "a+": O_RDWR | O_CREAT | O_APPEND,
  /** A temporary file: it must not be there yet. */
  "x+": O_RDWR | O_CREAT | O_EXCL,
};

function flagsOf(mode: string): number {
  const flag = flags[mode];
  if (flag === undefined) throw new SystemError("EINVAL");
  return flag;
}

/** Bytes that are collected, at most, before they are written. */
const chunk = 64 * 1024;

/** Files with something to write, for the end of the program. */
const unwritten = new Set<StandardFile>();

/** Writes what open files have collected; to be called when the program ends. What fails then is lost, as in C. */
export function drainFiles(): void {
  for (const file of unwritten) {
    try {
      file.drain();
    } catch {
      // Nobody is left to hear of it.
    }
  }
}

/**
 * An open file as C's `FILE` is one: small writes are collected, and reading, seeking and closing write them first.
 * Every call answers at once. A regular file never makes its reader wait; others do, see `waits`.
 */
export class StandardFile implements Closable {
  /** Whether a read may wait for another program: a pipe, a terminal, a device. */
  readonly waits: boolean;
  readonly #descriptor: number;
  /** Whether it has a position; what has none is read and written where it stands. */
  readonly #seekable: boolean;
  readonly #appends: boolean;
  readonly #access: number;
  /** From the beginning, in bytes: where the next read or write is done. */
  #position = 0;
  /** What is to be written; made when it is needed. */
  #collected: Buffer | undefined;
  #size = 0;
  #closed = false;

  /** @param mode what `descriptor` was opened with */
  constructor(descriptor: number, mode: string) {
    const flag = flagsOf(mode);
    this.#access = flag & 3;
    this.#appends = (flag & O_APPEND) !== 0;
    this.#descriptor = descriptor;
    const stat = fstatSync(this.#descriptor);
    this.#seekable = stat.isFile() || stat.isBlockDevice();
    this.waits = !this.#seekable && !stat.isDirectory();
    if (this.#appends && this.#seekable) this.#position = stat.size;
  }

  /** Opens a file. @throws the error of the operating system */
  static open(path: Uint8Array, mode: string, permissions = 0o666): StandardFile {
    return new StandardFile(openSync(Buffer.from(path), flagsOf(mode), permissions), mode);
  }

  /** The same, for a file whose opening may wait for another program. */
  static async openWaiting(path: Uint8Array, mode: string): Promise<StandardFile> {
    const opened = Promise.withResolvers<number>();
    open(Buffer.from(path), flagsOf(mode), 0o666, (error, descriptor) => {
      if (error) opened.reject(error);
      else opened.resolve(descriptor);
    });
    return new StandardFile(await opened.promise, mode);
  }

  #mustBeOpenTo(access: "read" | "write"): void {
    const needed = access === "read" ? O_RDONLY : O_WRONLY;
    if (this.#closed || this.#access !== O_RDWR && this.#access !== needed) {
      throw new SystemError("EBADF");
    }
  }

  /** Fills a buffer, or a part of it. Returns the number of bytes; 0 at the end. */
  read(buffer: Buffer): number {
    this.#mustBeOpenTo("read");
    this.drain();
    const position = this.#seekable ? this.#position : null;
    const count = readSync(this.#descriptor, buffer, 0, buffer.length, position);
    this.#position += count;
    return count;
  }

  /** As `read`, of a file that may wait: the others go on meanwhile. */
  async readWaiting(limit: number): Promise<Uint8Array> {
    this.#mustBeOpenTo("read");
    this.drain();
    const buffer = Buffer.allocUnsafe(limit);
    const done = Promise.withResolvers<number>();
    read(this.#descriptor, buffer, 0, limit, null, (error, count) => {
      if (error) done.reject(error);
      else done.resolve(count);
    });
    return buffer.subarray(0, await done.promise);
  }

  /** Collects bytes that will be written; `data` is copied. */
  write(data: Uint8Array): void {
    this.#mustBeOpenTo("write");
    if (!this.#seekable || data.length >= chunk) {
      this.drain();
      this.#write(data);
      return;
    }
    if (this.#size + data.length > chunk) this.drain();
    this.#collected ??= Buffer.allocUnsafe(chunk);
    if (this.#size === 0) unwritten.add(this);
    this.#collected.set(data, this.#size);
    this.#size += data.length;
  }

  /** Writes what was collected. */
  drain(): void {
    const size = this.#size;
    if (size === 0) return;
    this.#size = 0;
    unwritten.delete(this);
    this.#write(this.#collected!.subarray(0, size));
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const position = this.#seekable && !this.#appends ? this.#position : null;
      const count = writeSync(this.#descriptor, bytes, at, bytes.length - at, position);
      at += count;
      this.#position += count;
    }
    if (this.#appends && this.#seekable) this.#position = fstatSync(this.#descriptor).size;
  }

  /** Moves the position. Returns the new one. */
  seek(whence: string, offset: number): number {
    if (this.#closed) throw new SystemError("EBADF");
    if (!this.#seekable) throw new SystemError("ESPIPE");
    this.drain();
    const base = whence === "set"
      ? 0
      : whence === "cur"
      ? this.#position
      : fstatSync(this.#descriptor).size;
    if (base + offset < 0) throw new SystemError("EINVAL");
    return this.#position = base + offset;
  }

  /** @throws the error of the operating system when what was collected cannot be written; it is closed all the same */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.drain();
    } finally {
      unwritten.delete(this);
      closeSync(this.#descriptor);
    }
  }
}
