/**
 * A client of HTTP/2 (RFC 9113) for requests with one message and answers that are kept whole, as those of gRPC are.
 * `node:http2` has a stream with all its events for each of them, which takes several times as much of the processor:
 * see docs/contributing/decisions/0028-own-http2.md.
 * @module
 */
import type { Socket } from "node:net";
import {
  flags,
  type Frame,
  FrameReader,
  FrameWriter,
  preface,
  settings,
  types,
  usualFrame,
  usualWindow,
} from "./frames.ts";
import { type Header, HeaderReader, HeaderWriter } from "./hpack.ts";

/** What the server may send at once: answers are kept whole, so that nothing is won by holding them back. */
const ownWindow = 2 ** 30;
/** Bytes after which the server may send as many again. */
const replenish = ownWindow / 2;
const largestWindow = 2 ** 31 - 1;
/** Numbers of streams end here. */
const lastStream = 2 ** 31 - 1;

const nothing = new Uint8Array();

/** The reason of a request that is ended here. */
const canceled = 8;

/** What comes for a request. */
export interface Answering {
  /** Headers, then trailers; the first may be the last. */
  headers(headers: Record<string, string>): void;
  /** A part of the message; a view of what has come. */
  data(part: Uint8Array): void;
  /** The server has said everything, or nothing more comes: see `Http2Connection.why`. */
  closed(): void;
}

/** What happens to a connection. */
export interface ConnectionListener {
  /** No more requests can be made; those that are open go on. */
  retired(why: string): void;
  /** It is gone, and so are its requests. */
  closed(): void;
}

interface Stream {
  number: number;
  answering: Answering;
  /** What the server takes of the body at present. */
  window: number;
  /** What is left of the body. */
  rest: Uint8Array;
}

/** A connection to a server. */
export class Http2Connection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #reader = new FrameReader();
  readonly #writer = new FrameWriter();
  readonly #headersOut = new HeaderWriter();
  readonly #headersIn = new HeaderReader();
  readonly #streams = new Map<number, Stream>();
  /** Streams whose body does not fit into a window. */
  readonly #waiting = new Set<Stream>();
  readonly #pings: (() => void)[] = [];
  #next = 1;
  #ready = false;
  #flushing = false;
  /** Why it is gone. */
  #lost: string | undefined;
  /** Why it takes no more requests. */
  #retired: string | undefined;
  #greeted = false;
  /** The server's settings. */
  #mostStreams = Infinity;
  #streamWindow = usualWindow;
  #frameSize = usualFrame;
  /** What the server takes at present. */
  #window = usualWindow;
  /** Bytes that came since the server was told that it may send more. */
  #received = 0;
  /** Headers whose end is to come. */
  #partial: { stream: number; end: boolean; parts: Buffer[] } | undefined;

  /** @param ready the event of the socket from which on it can be written to: `connect` or `secureConnect` */
  constructor(socket: Socket, ready: string, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setNoDelay(true);
    this.#writer.raw(preface);
    const own = Buffer.alloc(12);
    own.writeUInt16BE(settings.push, 0);
    own.writeUInt16BE(settings.window, 6);
    own.writeUInt32BE(ownWindow, 8);
    this.#writer.frame(types.settings, 0, 0, own);
    this.#writer.frame(types.window, 0, 0, number(ownWindow - usualWindow));
    socket.once(ready, () => {
      this.#ready = true;
      this.#flush();
    });
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.destroy(error.message));
    socket.on("close", () => this.destroy("the connection was closed"));
  }

  /** Whether it is still being made. */
  get connecting(): boolean {
    return !this.#ready && this.#lost === undefined;
  }

  /** Whether it is gone. */
  get gone(): boolean {
    return this.#lost !== undefined;
  }

  /** Why it is gone, or takes no more requests; undefined while neither is so. */
  get why(): string | undefined {
    return this.#lost ?? this.#retired;
  }

  /** Whether one more request can be made. */
  get free(): boolean {
    return this.why === undefined && this.#next < lastStream &&
      this.#streams.size < this.#mostStreams;
  }

  /**
   * Makes a request.
   *
   * @param repeated headers that other requests have too
   * @param once headers of this one
   * @returns ends it, here and at the server
   */
  request(
    repeated: readonly Header[],
    once: readonly Header[],
    body: Uint8Array,
    answering: Answering,
  ): () => void {
    const stream: Stream = {
      number: this.#next,
      answering,
      window: this.#streamWindow,
      rest: body,
    };
    this.#next += 2;
    this.#streams.set(stream.number, stream);
    const block = this.#headersOut.write(repeated, once);
    this.#sendHeaders(stream.number, block);
    this.#sendBody(stream);
    return () => this.#cancel(stream);
  }

  #sendHeaders(stream: number, block: Uint8Array): void {
    let type: number = types.headers;
    for (let at = 0; at === 0 || at < block.length; at += this.#frameSize) {
      const last = at + this.#frameSize >= block.length;
      const whole = last && at === 0;
      const part = whole ? block : block.subarray(at, at + this.#frameSize);
      this.#send(type, last ? flags.endHeaders : 0, stream, part);
      type = types.continuation;
    }
  }

  #sendBody(stream: Stream): void {
    for (;;) {
      const { rest, number } = stream;
      const size = Math.min(rest.length, this.#frameSize, stream.window, this.#window);
      if (size <= 0 && rest.length > 0) {
        this.#waiting.add(stream);
        return;
      }
      stream.window -= size;
      this.#window -= size;
      if (size === rest.length) {
        this.#send(types.data, flags.endStream, number, rest);
        stream.rest = nothing;
        this.#waiting.delete(stream);
        return;
      }
      this.#send(types.data, 0, number, rest.subarray(0, size));
      stream.rest = rest.subarray(size);
    }
  }

  #sendWaiting(): void {
    for (const stream of [...this.#waiting]) this.#sendBody(stream);
  }

  #cancel(stream: Stream): void {
    if (this.#streams.get(stream.number) !== stream) return;
    this.#waiting.delete(stream);
    this.#send(types.reset, 0, stream.number, number(canceled));
    this.#close(stream);
  }

  #close(stream: Stream): void {
    this.#streams.delete(stream.number);
    // The server did not want all of it.
    const unsent = this.#waiting.delete(stream) && this.#lost === undefined;
    if (unsent) this.#send(types.reset, 0, stream.number, number(canceled));
    stream.answering.closed();
    if (this.#retired !== undefined && this.#streams.size === 0) this.#finish();
  }

  /** Asks the server for a sign of life. */
  ping(answered: () => void): void {
    this.#pings.push(answered);
    this.#send(types.ping, 0, 0, new Uint8Array(8));
  }

  /** Ends the connection when its requests have ended. @param why for those that are lost until then */
  end(why: string): void {
    if (this.why !== undefined) return;
    this.#retired = why;
    if (this.#streams.size === 0) this.#finish();
  }

  #finish(): void {
    if (this.#lost !== undefined) return;
    this.#write();
    this.#socket.end();
    this.destroy("the connection was closed");
  }

  /** Ends the connection and its requests. */
  destroy(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = why;
    this.#socket.destroy();
    for (const stream of [...this.#streams.values()]) this.#close(stream);
    this.#listener.closed();
  }

  #send(type: number, flag: number, stream: number, content: Uint8Array): void {
    this.#writer.frame(type, flag, stream, content);
    this.#flush();
  }

  /** What is said in one turn leaves together. */
  #flush(): void {
    if (this.#flushing || !this.#ready) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#write();
    });
  }

  #write(): void {
    if (this.#ready && !this.#writer.empty && this.#lost === undefined) {
      this.#socket.write(this.#writer.take());
    }
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.read(chunk)) {
        if (this.#lost !== undefined) return;
        this.#frame(frame);
      }
    } catch (error) {
      const { message } = error as Error;
      this.destroy(this.#greeted ? message : "the server does not speak HTTP/2");
    }
  }

  #frame(frame: Frame): void {
    if (!this.#greeted && frame.type !== types.settings) throw new RangeError("no settings came");
    if (this.#partial && frame.type !== types.continuation) {
      throw new RangeError("headers were interrupted");
    }
    switch (frame.type) {
      case types.data:
        return this.#data(frame);
      case types.headers:
        return this.#headers(frame);
      case types.continuation:
        return this.#continuation(frame);
      case types.reset:
        return this.#reset(frame);
      case types.settings:
        return this.#settings(frame);
      case types.ping:
        return this.#ping(frame);
      case types.goAway:
        return this.#goAway(frame);
      case types.window:
        return this.#windowGrows(frame);
      case types.push:
        throw new RangeError("the server pushes what was not asked for");
    }
  }

  #data(frame: Frame): void {
    this.#received += frame.content.length;
    if (this.#received >= replenish) {
      this.#send(types.window, 0, 0, number(this.#received));
      this.#received = 0;
    }
    const stream = this.#streams.get(frame.stream);
    if (!stream) return;
    const content = unpadded(frame);
    if (content.length > 0) stream.answering.data(content);
    if (frame.flags & flags.endStream) this.#close(stream);
  }

  #headers(frame: Frame): void {
    const content = unpadded(frame);
    const part = frame.flags & flags.priority ? content.subarray(5) : content;
    const end = (frame.flags & flags.endStream) !== 0;
    if (frame.flags & flags.endHeaders) return this.#answered(frame.stream, part, end);
    this.#partial = { stream: frame.stream, end, parts: [part] };
  }

  #continuation({ stream, content, flags: flag }: Frame): void {
    const partial = this.#partial;
    if (!partial || partial.stream !== stream) throw new RangeError("headers have no beginning");
    partial.parts.push(content);
    if (!(flag & flags.endHeaders)) return;
    this.#partial = undefined;
    this.#answered(stream, Buffer.concat(partial.parts), partial.end);
  }

  #answered(numbered: number, block: Buffer, end: boolean): void {
    // Those of a request that has ended count for the table.
    const headers = this.#headersIn.read(block);
    const stream = this.#streams.get(numbered);
    if (!stream) return;
    stream.answering.headers(headers);
    if (end) this.#close(stream);
  }

  #reset({ stream: numbered }: Frame): void {
    const stream = this.#streams.get(numbered);
    if (stream) this.#close(stream);
  }

  #settings({ content, flags: flag }: Frame): void {
    if (flag & flags.answer) return;
    this.#greeted = true;
    let tableSize: number | undefined;
    for (let at = 0; at + 6 <= content.length; at += 6) {
      const value = content.readUInt32BE(at + 2);
      switch (content.readUInt16BE(at)) {
        case settings.tableSize:
          tableSize = value;
          break;
        case settings.streams:
          this.#mostStreams = value;
          break;
        case settings.window:
          for (const stream of this.#streams.values()) stream.window += value - this.#streamWindow;
          this.#streamWindow = value;
          break;
        case settings.frameSize:
          this.#frameSize = Math.max(usualFrame, value);
      }
    }
    this.#headersOut.allow(tableSize);
    this.#send(types.settings, flags.answer, 0, new Uint8Array());
    this.#sendWaiting();
  }

  #ping({ content, flags: flag }: Frame): void {
    if (flag & flags.answer) this.#pings.shift()?.();
    else this.#send(types.ping, flags.answer, 0, content);
  }

  /** Streams after the last one that the server takes are lost; the others go on. */
  #goAway({ content }: Frame): void {
    if (content.length < 8) throw new RangeError("a frame is cut short");
    const last = content.readUInt32BE(0) & 0x7fff_ffff;
    this.#listener.retired("the server is closing the connection");
    for (const stream of [...this.#streams.values()]) {
      if (stream.number > last) this.#close(stream);
    }
  }

  #windowGrows({ stream: numbered, content }: Frame): void {
    const more = content.readUInt32BE(0) & 0x7fff_ffff;
    if (numbered === 0) {
      this.#window += more;
      if (this.#window > largestWindow) throw new RangeError("the window is too large");
      return this.#sendWaiting();
    }
    const stream = this.#streams.get(numbered);
    if (!stream) return;
    stream.window += more;
    if (this.#waiting.has(stream)) this.#sendBody(stream);
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The content of a frame without what fills it up. */
function unpadded({ content, flags: flag }: Frame): Buffer {
  if (!(flag & flags.padded)) return content;
  const filling = content[0] ?? 0;
  if (filling >= content.length) throw new RangeError("a frame is only padding");
  return content.subarray(1, content.length - filling);
}
