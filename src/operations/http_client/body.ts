import { CallsBySignal } from "../../platform/calls-by-signal.ts";
import { Interruption } from "../../platform/interruption.ts";
import { longestTimer } from "../../platform/platform.ts";
import { WippyError } from "../../vm/error.ts";
import type { Closable } from "../resources.ts";
import { failed, failureOf, type Phase } from "./failure.ts";

/** How long a request may wait, and what ends it before. */
export class Patience {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #limit: number;
  /** Comes when the request is given up. */
  readonly #over = new Interruption();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = 0;
  #late = false;
  #kept = false;

  /**
   * @param name of the request in errors; asked for only when it fails
   * @param limit milliseconds
   * @param outer aborted when the unit is cancelled or ends
   */
  constructor(public name: () => string, limit: number, outer: AbortSignal) {
    this.#limit = limit;
    this.#outer = outer;
    if (outer.aborted) this.giveUp();
    else open.add(outer, this);
    this.restart();
  }

  /** The unit is cancelled or ends, or the time is over. */
  giveUp(): void {
    this.#controller.abort();
    this.#over.interrupt(new Error("aborted"));
  }

  /** Names the request in errors. */
  get what(): string {
    return this.name();
  }

  /** Aborted when the time is over or the unit ends: the socket closes. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left. */
  left(): number {
    return this.#due - performance.now();
  }

  /** Begins the time again, as for each part of a stream. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#due = performance.now() + this.#limit;
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.giveUp();
    }, Math.min(this.#limit, longestTimer));
  }

  /** Stops the clock. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  /** Leaves the request open at `end`: a stream goes on with it, and ends it with `abort`. */
  keep(): void {
    this.#kept = true;
    this.pause();
  }

  /** Waits for a part of the request. @throws WippyError Internal (details: code, phase) or Canceled */
  async during<Result>(phase: Phase, work: Promise<Result>): Promise<Result> {
    try {
      return await this.#over.race(work);
    } catch (error) {
      if (this.#outer.aborted) {
        throw new WippyError("Canceled", "operation canceled", { retryable: false });
      }
      if (this.#late) {
        throw failed(
          this.what,
          phase,
          "TIMEOUT",
          `timed out after ${this.#limit} ms (${waits[phase]})`,
        );
      }
      throw failureOf(this.what, phase, error);
    }
  }

  /** Closes the connection. */
  abort(): void {
    this.#kept = false;
    this.end();
    this.giveUp();
  }

  /** Forgets the timer and the unit, unless a stream goes on. */
  end(): void {
    if (this.#kept) return;
    clearTimeout(this.#timer);
    open.delete(this.#outer, this);
  }
}

/** Requests that have not ended, by the signals of their units. */
const open = new CallsBySignal<Patience>((patience) => patience.giveUp());

const waits: Readonly<Record<Phase, string>> = {
  dns: "while the name was resolved",
  connect: "while the proxy connected to the host",
  headers: "before the headers of the response came",
  body: "before the body of the response was complete",
};

/** The body of a response, read as it comes: what is not read stays with the sender. */
export class ResponseBody implements Closable {
  readonly #response: Response;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #limit: number;
  readonly #patience: Patience;
  /** Bytes that the server has announced, 0 when it did not say. */
  readonly #announced: number;
  readonly #encoded: boolean;
  #rest: Uint8Array = new Uint8Array();
  #read = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param limit bytes at most, after decompression @param method of the request */
  constructor(response: Response, limit: number, patience: Patience, method: string) {
    this.#response = response;
    this.#limit = limit;
    this.#patience = patience;
    const length = response.headers.get("content-length");
    // Of such a response, it is the length of a body that is not sent.
    const bodiless = method === "HEAD" || response.status === 204 || response.status === 304;
    this.#announced = length === null || bodiless ? 0 : Number(length);
    this.#encoded = response.headers.has("content-encoding");
  }

  #tooLarge(): WippyError {
    this.#patience.abort();
    const text =
      `the body of the response is larger than ${this.#limit} bytes; raise max_response_body`;
    return failed(this.#patience.what, "body", "BODY_TOO_LARGE", text);
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#reader ??= this.#response.body?.getReader() as
      | ReadableStreamDefaultReader<Uint8Array>
      | undefined;
    if (this.#reader === undefined) return undefined;
    const { done, value } = await this.#patience.during("body", this.#reader.read());
    if (done) return undefined;
    this.#read += value.length;
    if (this.#read > this.#limit) throw this.#tooLarge();
    return value;
  }

  /** All of it. @throws WippyError Internal or Canceled */
  async all(): Promise<Uint8Array> {
    if (this.#announced > this.#limit) throw this.#tooLarge();
    // It is no longer than announced, so that nobody need count.
    if (this.#announced > 0 && !this.#encoded) {
      return await this.#patience.during("body", this.#response.bytes());
    }
    const parts: Uint8Array[] = [];
    for (let part = await this.#next(); part !== undefined; part = await this.#next()) {
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : new Uint8Array(Buffer.concat(parts));
  }

  /** Up to `size` bytes of a streamed body, none at its end. @throws WippyError Internal or Canceled */
  read(size: number): Promise<Uint8Array> {
    const result = this.#turn.then(async () => {
      while (this.#rest.length === 0) {
        this.#patience.restart();
        try {
          const next = await this.#next();
          if (next === undefined) return new Uint8Array();
          this.#rest = next;
        } finally {
          this.#patience.pause();
        }
      }
      const part = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      return part;
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Closes the connection when not everything was read. */
  close(): void {
    this.#patience.abort();
    void this.#reader?.cancel().catch(() => {});
  }
}

/** A body that is written while it is sent: a write waits until the connection takes more. */
export class Upload implements Closable {
  readonly content: ReadableStream<Uint8Array>;
  readonly #abort = new AbortController();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #wanted = Promise.withResolvers<void>();
  #outcome: Promise<unknown> | undefined;
  #over = false;

  constructor() {
    this.content = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#wanted.resolve();
      },
      cancel: () => this.#finished(),
    }, { highWaterMark: 0 });
  }

  /** Aborted when it is closed before its end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  #finished(): void {
    this.#over = true;
    this.#wanted.resolve();
  }

  /** Says what sends it; when that has ended, nothing more is taken. */
  sentBy(outcome: Promise<unknown>): void {
    this.#outcome = outcome;
    outcome.then(() => this.#finished(), () => this.#finished());
  }

  /** Sends a part. Returns false when no more is wanted: the request has ended. */
  async write(part: Uint8Array): Promise<boolean> {
    await this.#wanted.promise;
    if (this.#over) return false;
    this.#wanted = Promise.withResolvers<void>();
    this.#controller.enqueue(part);
    return true;
  }

  /** Ends the body. Returns what came of the request. */
  async finish(): Promise<unknown> {
    await this.#wanted.promise;
    if (!this.#over) this.#controller.close();
    return await this.#outcome;
  }

  /** Ends the request when it has not ended. */
  close(): void {
    this.#abort.abort();
  }
}
