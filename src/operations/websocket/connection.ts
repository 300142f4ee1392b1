import { longestTimer } from "../../platform/platform.ts";
import { isUtf8 } from "node:buffer";
import { WippyError } from "../../vm/error.ts";
import type { Closable } from "../resources.ts";
import { Compression } from "./compression.ts";
import { encodeFrame, type Frame, FrameReader, opcode, ProtocolError } from "./frames.ts";
import type { Opened } from "./handshake.ts";
import type { Wanted } from "./options.ts";

/** What waits for its receiver before nothing more is read from the connection. */
const mostWaiting = { messages: 64, bytes: 1024 * 1024 };
/** Milliseconds that the server has to answer a close. */
const closeTimeout = 5_000;

/** A message of the server. */
export interface Message {
  type: "text" | "binary";
  data: Uint8Array;
}

/** How a connection ended. */
export interface Ending {
  /** A close code; 1006 when there was none. */
  code: number;
  reason: string;
}

/** Whether a program or a server may say a close code. */
export function isCloseCode(code: number): boolean {
  return code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code) ||
    code >= 3000 && code <= 4999;
}

/**
 * A connection. Messages wait for their receiver; when enough do, nothing more is read from the socket, so that the
 * server waits too.
 */
export class Connection implements Closable {
  readonly #socket: Opened["socket"];
  readonly #wanted: Wanted;
  readonly #random: (count: number) => Uint8Array;
  readonly #reader: FrameReader;
  readonly #compression: Compression | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #arrived = Promise.withResolvers<void>();
  #queue: Message[] = [];
  #queued = 0;
  /** Of a message that comes in parts. */
  #parts:
    | { type: Message["type"]; compressed: boolean; bytes: Uint8Array[]; length: number }
    | undefined;
  #busy = false;
  #discarding = false;
  /** Whether the server sends nothing more. */
  #over = false;
  #ending: Ending | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;

  /** @param random bytes that nobody can foresee */
  constructor(opened: Opened, wanted: Wanted, random: (count: number) => Uint8Array) {
    const { socket, rest, compression } = opened;
    this.#socket = socket;
    this.#wanted = wanted;
    this.#random = random;
    this.#reader = new FrameReader(wanted.readLimit, compression !== undefined);
    this.#compression = compression && new Compression(compression, wanted.readLimit);
    socket.on("data", (data: Buffer) => this.#feed(data));
    socket.on("error", () => {});
    socket.on("end", () => this.#noMore());
    socket.on("close", () => {
      clearTimeout(this.#grace);
      this.#noMore();
      this.#closed.resolve();
    });
    this.#feed(rest);
  }

  #feed(data: Uint8Array): void {
    if (this.#ending !== undefined) return;
    if (data.length > 0) this.#reader.push(data);
    void this.#work();
  }

  get #full(): boolean {
    return !this.#discarding &&
      (this.#queue.length >= mostWaiting.messages || this.#queued >= mostWaiting.bytes);
  }

  /** Handles what has come, unless its receiver is behind. */
  async #work(): Promise<void> {
    if (this.#busy) {
      this.#socket.pause();
      return;
    }
    this.#busy = true;
    try {
      while (!this.#full && this.#ending === undefined) {
        const frame = this.#reader.next();
        if (frame === undefined) break;
        const handled = this.#take(frame);
        if (handled !== undefined) await handled;
      }
    } catch (error) {
      const code = error instanceof ProtocolError ? error.code : 1011;
      this.#shut(code, (error as Error).message);
    } finally {
      this.#busy = false;
    }
    this.#rest();
    if (this.#full) return void this.#socket.pause();
    this.#socket.resume();
    if (this.#over) this.#end({ code: 1006, reason: "" });
  }

  /** Counts the time without news; none while it is this side that does not read. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#wanted.readTimeout === 0 || this.#full || this.#ending !== undefined) return;
    const limit = Math.min(this.#wanted.readTimeout, longestTimer);
    this.#idle = setTimeout(() => this.#shut(1001, "read timeout"), limit);
  }

  #take(frame: Frame): Promise<void> | undefined {
    const { payload } = frame;
    if (frame.opcode === opcode.ping) {
      // One answer is enough for pings that come faster than answers leave.
      if (!this.#socket.writableNeedDrain) this.#write(opcode.pong, payload);
    } else if (frame.opcode === opcode.close) this.#closedByServer(payload);
    else if (frame.opcode !== opcode.pong) return this.#takePart(frame);
    return undefined;
  }

  #takePart({ final, compressed, opcode: kind, payload }: Frame): Promise<void> | undefined {
    if ((kind === opcode.continuation) !== (this.#parts !== undefined)) {
      throw new ProtocolError(1002, "the parts of a message are out of order");
    }
    const type = kind === opcode.binary ? "binary" : "text";
    const parts = this.#parts ??= { type, compressed, bytes: [], length: 0 };
    parts.bytes.push(payload);
    parts.length += payload.length;
    if (parts.length > this.#wanted.readLimit) {
      throw new ProtocolError(1009, `a message above ${this.#wanted.readLimit} bytes`);
    }
    if (!final) return undefined;
    this.#parts = undefined;
    const data = parts.bytes.length === 1 ? payload : Buffer.concat(parts.bytes);
    if (!parts.compressed) return this.#deliver(parts.type, data);
    return this.#compression!.decompress(data).then((plain) => this.#deliver(parts.type, plain));
  }

  #deliver(type: Message["type"], bytes: Uint8Array): undefined {
    if (type === "text" && !isUtf8(bytes)) throw new ProtocolError(1007, "text is not UTF-8");
    if (this.#discarding) return;
    // A copy: a part of a large buffer would hold all of it.
    this.#queue.push({ type, data: new Uint8Array(bytes) });
    this.#queued += bytes.length;
    this.#arrived.resolve();
  }

  #closedByServer(payload: Uint8Array): void {
    const code = payload.length === 0 ? 1005 : payload[0]! * 256 + (payload[1] ?? 0);
    if (payload.length === 1 || code !== 1005 && !isCloseCode(code)) {
      throw new ProtocolError(1002, "the close code is wrong");
    }
    const reason = payload.subarray(2);
    if (!isUtf8(reason)) throw new ProtocolError(1007, "the close reason is not UTF-8");
    if (!this.#discarding) this.#write(opcode.close, payload.subarray(0, 2));
    this.#end({ code, reason: Buffer.from(reason).toString() });
  }

  /** Ends the connection with a close frame. */
  #shut(code: number, reason: string): void {
    if (this.#ending !== undefined) return;
    if (!this.#discarding) this.#write(opcode.close, closePayload(code, reason));
    this.#end({ code, reason });
  }

  #noMore(): void {
    this.#over = true;
    void this.#work();
  }

  /** Nothing more comes or goes; what waits for its receiver stays. */
  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    clearTimeout(this.#idle);
    this.#compression?.close();
    this.#arrived.resolve();
    this.#socket.end();
    this.#socket.resume();
    this.#grace = setTimeout(() => this.#socket.destroy(), closeTimeout);
    if (this.#socket.destroyed) clearTimeout(this.#grace);
  }

  #write(kind: number, payload: Uint8Array, compressed = false): boolean {
    return this.#socket.write(encodeFrame(kind, payload, this.#random(4), compressed));
  }

  /** Up to `most` messages, waiting for the first; none when the connection has ended. */
  async receive(most: number, signal: AbortSignal): Promise<Message[]> {
    const abort = () => this.#arrived.resolve();
    signal.addEventListener("abort", abort, { once: true });
    while (this.#queue.length === 0 && this.#ending === undefined && !signal.aborted) {
      this.#arrived = Promise.withResolvers();
      await this.#arrived.promise;
    }
    signal.removeEventListener("abort", abort);
    const messages = this.#queue.splice(0, most);
    for (const { data } of messages) this.#queued -= data.length;
    void this.#work();
    return messages;
  }

  /** How it ended; undefined while it has not. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  #alive(): void {
    if (this.#ending === undefined && !this.#discarding) return;
    const { code, reason } = this.#ending ?? { code: 1000, reason: "" };
    throw new WippyError(
      "Internal",
      `the connection is closed (${code}${reason && ` ${reason}`})`,
      {
        retryable: false,
        details: { code: "CLOSED", close_code: code, reason },
      },
    );
  }

  /** Waits until the socket takes more. */
  async #drained(signal: AbortSignal): Promise<void> {
    const done = Promise.withResolvers<void>();
    const { writeTimeout } = this.#wanted;
    const late = () => {
      this.#end({ code: 1006, reason: "write timeout" });
      this.#socket.destroy();
      done.reject(
        new WippyError("Internal", `the server took nothing for ${writeTimeout} ms`, {
          retryable: true,
          details: { code: "TIMEOUT" },
        }),
      );
    };
    const timer = writeTimeout > 0
      ? setTimeout(late, Math.min(writeTimeout, longestTimer))
      : undefined;
    const abort = () =>
      done.reject(new WippyError("Canceled", "operation canceled", { retryable: false }));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    this.#socket.once("drain", done.resolve).once("close", done.resolve);
    try {
      await done.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      this.#socket.off("drain", done.resolve).off("close", done.resolve);
    }
  }

  /** Sends one after the other, since a compressed message depends on those before it. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#sending.then(work);
    this.#sending = result.catch(() => {});
    return result;
  }

  /** Sends a message, and waits until the socket takes more. @throws WippyError Internal, Canceled */
  send(type: Message["type"], data: Uint8Array, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      this.#alive();
      const compresses = this.#compression && data.length >= this.#wanted.threshold;
      const payload = compresses ? await this.#compression!.compress(data) : data;
      this.#alive();
      if (!this.#write(opcode[type], payload, compresses)) await this.#drained(signal);
      this.#alive();
    });
  }

  /** @throws WippyError as `send` */
  ping(signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      this.#alive();
      if (!this.#write(opcode.ping, new Uint8Array())) await this.#drained(signal);
    });
  }

  /** Closes with a code, and waits for the server's answer. What comes meanwhile is dropped. */
  async shut(code: number, reason: string, signal: AbortSignal): Promise<void> {
    if (this.#ending !== undefined || this.#discarding) return;
    this.#write(opcode.close, closePayload(code, reason));
    this.#discarding = true;
    this.#queue = [];
    this.#queued = 0;
    const destroy = () => this.#socket.destroy();
    const timer = setTimeout(destroy, closeTimeout);
    signal.addEventListener("abort", destroy, { once: true });
    if (signal.aborted) destroy();
    void this.#work();
    await this.#closed.promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", destroy);
  }

  /** Leaves: its unit has ended. */
  close(): void {
    // Nobody waits for a server that does not read or does not answer.
    const hurried = this.#discarding || this.#socket.writableNeedDrain;
    this.#shut(1001, "");
    this.#queue = [];
    if (hurried) this.#socket.destroy();
  }
}

function closePayload(code: number, reason: string): Uint8Array {
  const text = Buffer.from(reason).subarray(0, 123);
  return Buffer.concat([new Uint8Array([code >> 8, code & 255]), text]);
}
