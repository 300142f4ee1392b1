/**
 * Messages that a worker publishes together, in one buffer: as objects, most of the time would go into looking for
 * tables in them.
 *
 * A message is a byte of flags, the length of its body, the body, and what the flags name: id and headers with their
 * lengths, delay. Lengths are 32 bits, the delay a double, all little endian.
 * @module
 */
import { unpack } from "../../vm/codec.ts";
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

/** Packs messages. */
export function packMessages(messages: readonly SentMessage[]): Uint8Array {
  const ids = messages.map(({ id }) => id === undefined ? undefined : encoder.encode(id));
  let size = 0;
  for (const [index, { body, headers, delay }] of messages.entries()) {
    size += 1 + length + body.length + (delay > 0 ? 8 : 0);
    for (const part of [ids[index], headers]) if (part) size += length + part.length;
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (part: Uint8Array) => {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + length);
    at += length + part.length;
  };
  for (const [index, { body, headers, delay }] of messages.entries()) {
    const id = ids[index];
    bytes[at] = (id ? withId : 0) | (headers ? withHeaders : 0) | (delay > 0 ? withDelay : 0);
    at += 1;
    put(body);
    if (id) put(id);
    if (headers) put(headers);
    if (delay > 0) {
      view.setFloat64(at, delay, true);
      at += 8;
    }
  }
  return bytes;
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
    const body = take();
    const id = flags & withId ? decoder.decode(take()) : undefined;
    const given: LuaValue = flags & withHeaders ? unpack(take()) : undefined;
    let delay = 0;
    if (flags & withDelay) {
      delay = view.getFloat64(at, true);
      at += 8;
    }
    messages.push({
      ...id !== undefined && { id },
      body,
      headers: given === undefined ? plain : messageHeaders(given, now),
      delay,
      unique: id !== undefined,
    });
  }
  return messages;
}
