/**
 * Messages that a worker publishes together, packed as one buffer: as objects, most of the time would go into looking
 * for tables in them.
 * @module
 */
import { packFlat, unpackFlat } from "../../vm/codec.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { PublishedMessage } from "./requests.ts";

/** `headers` are names and values in turn. */
type PackedMessage = [
  id: string | null,
  body: Uint8Array,
  headers: LuaValue[],
  delay: number,
  unique: boolean,
];

/** Packs messages. */
export function packMessages(messages: readonly PublishedMessage[]): Uint8Array {
  return packFlat(
    messages.map(({ id = null, body, headers, delay, unique }): PackedMessage => {
      const pairs: LuaValue[] = [];
      for (const name in headers) pairs.push(name, headers[name]);
      return [id, body, pairs, delay, unique];
    }),
  );
}

/** The messages that {@link packMessages} packed. */
export function unpackMessages(packed: Uint8Array): PublishedMessage[] {
  return (unpackFlat(packed) as PackedMessage[]).map(([id, body, pairs, delay, unique]) => {
    const headers: Record<string, LuaValue> = Object.create(null);
    for (let at = 0; at < pairs.length; at += 2) {
      const value = pairs[at + 1];
      headers[String(pairs[at])] = value instanceof Uint8Array ? new Uint8Array(value) : value;
    }
    return {
      ...id !== null && { id },
      // A copy: a message that stays in a queue would keep all that came with it.
      body: new Uint8Array(body),
      headers,
      delay,
      unique,
    };
  });
}
