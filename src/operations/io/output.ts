import { writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { WippyError } from "../../vm/error.ts";

/** Where a program writes to. */
export interface Output {
  /** Throws WippyError Unavailable when nobody reads any more. */
  write(data: string | Uint8Array): void;
  /** Fulfilled when everything written has left. */
  flush(): Promise<void>;
}

/** Bytes that are collected, at most, before they are written. */
const chunk = 64 * 1024;

function code(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

/** What a writer is told when nobody reads any more. */
function broken(name: string, failure: Error): WippyError {
  const message = `${name}: ${failure.message}`;
  return new WippyError("Unavailable", message, { retryable: false, cause: failure });
}

/**
 * One of the standard outputs, by its descriptor. What is written in one turn of the event loop leaves together at its
 * end; a reader that is slow is waited for, and everything with it.
 */
export class DescriptorOutput implements Output {
  readonly #descriptor: number;
  readonly #name: string;
  readonly #write: typeof writeSync;
  /** What is to be written; made when it is needed. */
  #collected: Buffer | undefined;
  #size = 0;
  #scheduled = false;
  #failure: Error | undefined;
  /** Told once, when nobody reads any more. */
  onBroken: (error: Error) => void = () => {};

  constructor(descriptor: number, name: string, write: typeof writeSync = writeSync) {
    this.#descriptor = descriptor;
    this.#name = name;
    this.#write = write;
  }

  /** @param data bytes are copied */
  write(data: string | Uint8Array): void {
    if (this.#failure !== undefined) throw broken(this.#name, this.#failure);
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (bytes.length === 0) return;
    if (this.#size + bytes.length > chunk) this.drain();
    if (bytes.length >= chunk) return this.#writeAll(bytes);
    this.#collected ??= Buffer.allocUnsafe(chunk);
    this.#collected.set(bytes, this.#size);
    this.#size += bytes.length;
    if (this.#size === chunk) return this.drain();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.drain());
  }

  /** Writes what was collected; a reader that is slow is waited for. */
  drain(): void {
    this.#scheduled = false;
    const size = this.#size;
    if (size === 0) return;
    this.#size = 0;
    this.#writeAll(this.#collected!.subarray(0, size));
  }

  #writeAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      try {
        at += this.#write(this.#descriptor, bytes, at, bytes.length - at);
      } catch (error) {
        // A pipe that another program has made non-blocking is full.
        if (code(error) === "EAGAIN") Bun.sleepSync(1);
        else if (code(error) !== "EINTR") {
          this.#failure = error as Error;
          this.onBroken(this.#failure);
          return;
        }
      }
    }
  }

  flush(): Promise<void> {
    this.drain();
    return Promise.resolve();
  }
}

/** One of the standard outputs as a stream: what a slow reader does not take waits in memory. */
class StreamOutput implements Output {
  readonly #stream: Writable;
  readonly #name: string;
  #failure: Error | undefined;
  /** Fulfilled when the last write has left, and so all before it. */
  #left: Promise<void> = Promise.resolve();

  constructor(stream: Writable, name: string, onBroken: (error: Error) => void) {
    this.#stream = stream;
    this.#name = name;
    stream.on("error", (error: Error) => {
      if (this.#failure !== undefined) return;
      this.#failure = error;
      onBroken(error);
    });
  }

  write(data: string | Uint8Array): void {
    if (this.#failure !== undefined) throw broken(this.#name, this.#failure);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#left = promise;
    // The callback of an empty write does not wait for what is before it.
    this.#stream.write(data, () => resolve());
  }

  flush(): Promise<void> {
    return this.#failure === undefined ? this.#left : Promise.resolve();
  }
}

/**
 * A standard output. A runtime must not stop because nobody reads its log, so it is a stream; a script may, and the
 * stream takes ten milliseconds to make, more than all the rest of a short script: it is `direct`.
 */
class StandardOutput implements Output {
  readonly #name: string;
  readonly #descriptor: DescriptorOutput;
  readonly #open: () => Writable;
  readonly #before: StandardOutput | undefined;
  #stream: StreamOutput | undefined;
  direct = false;
  /** Told once, when nobody reads any more. */
  onBroken: (error: Error) => void = () => {};

  /** @param before what was written to it leaves first */
  constructor(descriptor: number, name: string, open: () => Writable, before?: StandardOutput) {
    this.#name = name;
    this.#descriptor = new DescriptorOutput(descriptor, name);
    this.#descriptor.onBroken = (error) => this.onBroken(error);
    this.#open = open;
    this.#before = before;
  }

  write(data: string | Uint8Array): void {
    if (this.direct) {
      this.#before?.drain();
      this.#descriptor.write(data);
      // An error is not to wait for the end of a turn that may not come.
      if (this.#before) this.#descriptor.drain();
    } else {
      this.#stream ??= new StreamOutput(
        this.#open(),
        this.#name,
        (error) => this.onBroken(error),
      );
      this.#stream.write(data);
    }
  }

  /** Writes what was collected. */
  drain(): void {
    this.#descriptor.drain();
  }

  async flush(): Promise<void> {
    this.#descriptor.drain();
    await this.#stream?.flush();
  }
}

/** The standard output. */
export const standardOutput: StandardOutput = new StandardOutput(
  1,
  "standard output",
  () => process.stdout,
);

/** The standard error. */
export const standardError: StandardOutput = new StandardOutput(
  2,
  "standard error",
  () => process.stderr,
  standardOutput,
);

/**
 * Has both write to their descriptors: for a program that may wait for its reader. To be called before the first
 * write.
 */
export function writeDirectly(): void {
  standardOutput.direct = true;
  standardError.direct = true;
}
