/**
 * Messages that a worker publishes together, in one buffer: as objects, most of the time would go into looking for
 * tables in them.
 *
 * A message is a byte of flags, what the flags name (id and headers with their lengths, delay), the length of its body
 * and the body. Lengths are 32 bits, the delay a double, all little endian.
 * @module
 */
import { unpack } from "../../vm/codec.ts";
import type { PackedSink } from "../../vm/packing.ts";
import type { LuaValue } from "../../vm/value.ts";
import { messageHeaders } from "./headers.ts";
import type { PublishedMessage } from "./requests.ts";

/** A message on its way to its queue. */
export interface SentMessage {
  /** Packed. */
  body: Uint8Array;
  /** Under which a second message is the same message. */
  id: string | undefined;
  /** Packed. */
  headers: Uint8Array | undefined;
  /** Milliseconds. */
  delay: number;
}

const withId = 1;
const withHeaders = 2;
const withDelay = 4;

const length = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes that a buffer has at first, and those of the largest that is used again. */
const room = 4_096;
const mostKept = 65_536;

/** Where messages are packed, each behind the last one. */
export class MessageBuffer implements PackedSink {
  #bytes = new Uint8Array(room);
  #at = 0;
  #end = 0;

  /** Where the last message ends. */
  get end(): number {
    return this.#end;
  }

  /** Begins a message, in place of one that has got no body. `put` gives it its body. */
  begin({ id, headers, delay }: Omit<SentMessage, "body">): void {
    this.#at = this.#end;
    const flags = (id === undefined ? 0 : withId) | (headers ? withHeaders : 0) |
      (delay > 0 ? withDelay : 0);
    this.#reserve(1 + 8);
    this.#bytes[this.#at] = flags;
    this.#at += 1;
    if (flags === 0) return;
    if (id !== undefined) this.#part(encoder.encode(id));
    if (headers) this.#part(headers);
    if (delay > 0) {
      this.#reserve(8);
      new DataView(this.#bytes.buffer).setFloat64(this.#at, delay, true);
      this.#at += 8;
    }
  }

  /** The body of the message that was begun, packed, which ends it. */
  put(source: Uint8Array, from: number, to: number): void {
    this.#write(source, from, to);
    this.#end = this.#at;
  }

  #part(part: Uint8Array): void {
    this.#write(part, 0, part.length);
  }

  #write(source: Uint8Array, from: number, to: number): void {
    const size = to - from;
    this.#reserve(length + size);
    const bytes = this.#bytes;
    const at = this.#at;
    bytes[at] = size;
    bytes[at + 1] = size >>> 8;
    bytes[at + 2] = size >>> 16;
    bytes[at + 3] = size >>> 24;
    // An object for a part of the source takes longer than a few bytes.
    if (size <= 64) { for (let i = 0; i < size; i++) bytes[at + length + i] = source[from + i]!; }
    else bytes.set(source.subarray(from, to), at + length);
    this.#at = at + length + size;
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }

  /** A copy of the messages between two ends. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.slice(from, to);
  }

  /** Forgets all messages. */
  clear(): void {
    this.#at = this.#end = 0;
    if (this.#bytes.length > mostKept) this.#bytes = new Uint8Array(room);
  }
}

/** Packs messages. */
export function packMessages(messages: readonly SentMessage[]): Uint8Array {
  const buffer = new MessageBuffer();
  for (const message of messages) {
    buffer.begin(message);
    buffer.put(message.body, 0, message.body.length);
  }
  return buffer.slice(0, buffer.end);
}

/**
 * The messages that {@link packMessages} packed. Those without headers of their own share an object.
 *
 * @param now the time that is among their headers, milliseconds since 1970
 */
export function unpackMessages(packed: Uint8Array, now: number): PublishedMessage[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const plain = messageHeaders(undefined, now);
  const messages: PublishedMessage[] = [];
  let at = 0;
  // A copy: a message that stays in a queue would keep all that came with it.
  const take = () => {
    const from = at + length;
    at = from + view.getUint32(at, true);
    return packed.slice(from, at);
  };
  while (at < packed.length) {
    const flags = packed[at]!;
    at += 1;
    const id = flags & withId ? decoder.decode(take()) : undefined;
    const given: LuaValue = flags & withHeaders ? unpack(take()) : undefined;
    let delay = 0;
    if (flags & withDelay) {
      delay = view.getFloat64(at, true);
      at += 8;
    }
    const body = take();
    const headers = given === undefined ? plain : messageHeaders(given, now);
    messages.push(
      id === undefined
        ? { body, headers, delay, unique: false }
        : { id, body, headers, delay, unique: true },
    );
  }
  return messages;
}
