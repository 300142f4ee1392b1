import { writeSync } from "node:fs";
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

/**
 * One of the standard outputs, by its descriptor. (`process.stdout` takes ten milliseconds to make, more than the
 * rest of a short script.) What is written in one turn of the event loop leaves together at its end.
 */
export class DescriptorOutput implements Output {
  readonly #descriptor: number;
  readonly #name: string;
  readonly #write: typeof writeSync;
  #collected: Uint8Array[] = [];
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

  write(data: string | Uint8Array): void {
    if (this.#failure !== undefined) {
      const message = `${this.#name}: ${this.#failure.message}`;
      throw new WippyError("Unavailable", message, { retryable: false, cause: this.#failure });
    }
    const bytes = typeof data === "string" ? Buffer.from(data) : data.slice();
    if (bytes.length === 0) return;
    this.#collected.push(bytes);
    this.#size += bytes.length;
    if (this.#size >= chunk) this.drain();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.drain());
    }
  }

  /** Writes what was collected; a reader that is slow is waited for. */
  drain(): void {
    this.#scheduled = false;
    if (this.#size === 0) return;
    const bytes = this.#collected.length === 1
      ? this.#collected[0]!
      : Buffer.concat(this.#collected, this.#size);
    this.#collected = [];
    this.#size = 0;
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

/** The standard output. */
export const standardOutput = new DescriptorOutput(1, "standard output");

const errors = new DescriptorOutput(2, "standard error");

/** The standard error; what was written to the standard output before leaves before. */
export const standardError: Output & Pick<DescriptorOutput, "drain"> = {
  write(data) {
    standardOutput.drain();
    errors.write(data);
    errors.drain();
  },
  drain: () => errors.drain(),
  flush: () => errors.flush(),
};
