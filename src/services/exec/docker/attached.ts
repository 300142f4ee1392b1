import type { Socket } from "node:net";
import type { OutputName } from "../../../operations/exec/requests.ts";
import { WippyError } from "../../../vm/error.ts";

/** Bytes of one output that are kept before the connection is paused. */
const maxKept = 256 * 1024;

const outputs: Readonly<Record<number, OutputName>> = { 1: "stdout", 2: "stderr" };

/** What came of an output and was not read yet. */
class Kept {
  readonly parts: Uint8Array[] = [];
  bytes = 0;
  wanted: (() => void) | undefined;
}

/**
 * The input and the outputs of a container, on one connection. Outputs come as frames of 8 bytes of head (which output,
 * three zeros, length) and content.
 */
export class Attached {
  readonly #socket: Socket;
  readonly #kept: Record<OutputName, Kept> = { stdout: new Kept(), stderr: new Kept() };
  readonly #head = new Uint8Array(8);
  #headBytes = 0;
  #output: OutputName = "stdout";
  /** Bytes of the frame that are still to come. */
  #left = 0;
  #ended = false;
  #failure: WippyError | undefined;

  /** @param first what came before */
  constructor(socket: Socket, first: Uint8Array) {
    this.#socket = socket;
    socket.on("error", (error: Error) => {
      this.#failure ??= new WippyError("Unavailable", `docker: attach: ${error.message}`, {
        retryable: true,
        cause: error,
      });
      this.#finish();
    });
    socket.on("data", (part: Buffer) => this.#take(part));
    socket.on("end", () => this.close());
    socket.on("close", () => this.#finish());
    this.#take(first);
    this.#flow();
  }

  #finish(): void {
    this.#ended = true;
    for (const kept of Object.values(this.#kept)) kept.wanted?.();
  }

  #take(part: Uint8Array): void {
    let at = 0;
    while (at < part.length && !this.#failure) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, part.length - at);
        this.#left -= length;
        const kept = this.#kept[this.#output];
        // A copy: the buffer of the socket is used again.
        kept.parts.push(part.slice(at, at + length));
        kept.bytes += length;
        at += length;
        kept.wanted?.();
        continue;
      }
      this.#head[this.#headBytes] = part[at]!;
      this.#headBytes += 1;
      at += 1;
      if (this.#headBytes === 8) this.#begin();
    }
    this.#flow();
  }

  /** A frame begins. */
  #begin(): void {
    this.#headBytes = 0;
    this.#left = new DataView(this.#head.buffer).getUint32(4);
    const output = outputs[this.#head[0]!];
    if (output && this.#head[1] === 0 && this.#head[2] === 0 && this.#head[3] === 0) {
      this.#output = output;
      return;
    }
    const message = "docker: attach: the stream is not in frames";
    this.#failure = new WippyError("Internal", message, { retryable: false });
    this.close();
  }

  /** Lets the connection flow unless somebody lags behind. */
  #flow(): void {
    const full = Object.values(this.#kept).some(({ bytes }) => bytes >= maxKept);
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** The next bytes of an output, `undefined` at its end. @throws WippyError Unavailable, Internal */
  async next(output: OutputName): Promise<Uint8Array | undefined> {
    const kept = this.#kept[output];
    while (kept.parts.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      const wanted = Promise.withResolvers<void>();
      kept.wanted = wanted.resolve;
      await wanted.promise;
      kept.wanted = undefined;
    }
    const part = kept.parts.shift()!;
    kept.bytes -= part.length;
    this.#flow();
    return part;
  }

  /** Writes to the input. Fulfilled when the connection took it. */
  write(data: Uint8Array): Promise<void> {
    const written = Promise.withResolvers<void>();
    const failed = () => written.reject(new Error("the connection was closed"));
    if (this.#ended || this.#socket.destroyed) failed();
    this.#socket.once("close", failed);
    this.#socket.write(data, (error) => {
      this.#socket.off("close", failed);
      if (error) written.reject(error);
      else written.resolve();
    });
    return written.promise;
  }

  /** Closes the input; the outputs go on. */
  closeInput(): void {
    this.#socket.end();
  }

  /** Closes the connection. What came can still be read. */
  close(): void {
    this.#socket.destroy();
    this.#finish();
  }
}
