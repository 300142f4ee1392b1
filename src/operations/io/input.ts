import { readSync } from "node:fs";
import type { Readable } from "node:stream";
import { WippyError } from "../../vm/error.ts";

interface Request {
  /** What the request wants of the buffer; `undefined` while it has to wait for more. */
  take(): Uint8Array | undefined;
  resolve(data: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/**
 * The one buffer of a standard input. Requests are served in order, so two readers never tear a
 * line apart, and bytes read ahead of one line are there for the next.
 *
 * The stream is only read while somebody waits, so that it neither keeps the program alive nor
 * takes input that a child program should get.
 */
export class Input {
  readonly #stream: Readable;
  #buffer = new Uint8Array(0);
  #requests: Request[] = [];
  #end = false;
  #failure: WippyError | undefined;
  #listening = false;

  constructor(stream: Readable) {
    this.#stream = stream;
    // Always there: the end may come right behind data, when nobody listens for more.
    stream.on("end", () => this.#finish());
    stream.on("error", (error) => this.#fail(error));
  }

  /** Up to `limit` bytes as soon as there are any; `undefined` at the end. */
  read(limit: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#ask(() => {
      if (this.#buffer.length === 0) return undefined;
      return this.#consume(Math.min(limit, this.#buffer.length));
    }, signal);
  }

  /** Up to `limit` bytes, none at the end; everything in this thread waits for them. Only of this program's input. */
  readNow(limit: number): Uint8Array {
    if (this.#buffer.length > 0) return this.#consume(Math.min(limit, this.#buffer.length));
    if (this.#end) return this.#buffer;
    const buffer = Buffer.allocUnsafe(limit);
    for (;;) {
      try {
        return buffer.subarray(0, readSync(0, buffer, 0, limit, null));
      } catch (error) {
        // The stream has made the descriptor non-blocking.
        if ((error as { code?: unknown }).code !== "EAGAIN") throw error;
        Bun.sleepSync(1);
      }
    }
  }

  /** The next line without its end; the last one may lack it. `undefined` at the end. */
  readLine(signal: AbortSignal): Promise<Uint8Array | undefined> {
    let searched = 0;
    return this.#ask(() => {
      const index = this.#buffer.indexOf(10, searched);
      if (index < 0) {
        searched = this.#buffer.length;
        if (!this.#end || searched === 0) return undefined;
        return this.#consume(searched);
      }
      const line = this.#consume(index + 1);
      return line.subarray(0, line.at(-2) === 13 ? -2 : -1);
    }, signal);
  }

  #consume(count: number): Uint8Array {
    const data = this.#buffer.slice(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return data;
  }

  #ask(take: Request["take"], signal: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const request: Request = { take, resolve, reject };
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#requests = this.#requests.filter((other) => other !== request);
        reject(signal.reason);
        this.#serve();
      };
      signal.addEventListener("abort", abort, { once: true });
      const settled = () => signal.removeEventListener("abort", abort);
      request.resolve = (data) => (settled(), resolve(data));
      request.reject = (error) => (settled(), reject(error));
      this.#requests.push(request);
      this.#serve();
    });
  }

  #serve(): void {
    while (this.#requests.length > 0) {
      const request = this.#requests[0]!;
      const data = request.take();
      if (data === undefined && !this.#end) break;
      this.#requests.shift();
      if (data === undefined && this.#failure !== undefined) request.reject(this.#failure);
      else request.resolve(data);
    }
    if (this.#requests.length > 0) this.#listen();
    else this.#pause();
  }

  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#stream.on("data", this.#onData);
    this.#stream.resume();
  }

  #pause(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#stream.pause();
    this.#stream.off("data", this.#onData);
  }

  #onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
    const joined = new Uint8Array(this.#buffer.length + bytes.length);
    joined.set(this.#buffer);
    joined.set(bytes, this.#buffer.length);
    this.#buffer = joined;
    this.#serve();
  };

  #finish(): void {
    this.#end = true;
    this.#serve();
  }

  #fail(error: Error): void {
    this.#failure = new WippyError("Internal", `standard input: ${error.message}`, {
      retryable: false,
      cause: error,
    });
    this.#finish();
  }
}
