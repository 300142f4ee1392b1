import { pack, unpack } from "../../vm/codec.ts";
import { joinPacked, packsRepeats } from "../../vm/joined.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import type { Frame } from "../context.ts";
import type { Headers, Received } from "./driver.ts";

/** A message with the number under which its outcome comes. */
export type Delivery = readonly [tag: number, message: Received];

/**
 * The fields of a delivery as MessagePack has them: a map, and each name before its value. Those that the kernel adds
 * are there without a value: a table that has room for them from the beginning need not grow.
 */
const fields = {
  map: Buffer.of(0x88),
  tag: Buffer.from("\xa3tag", "latin1"),
  id: Buffer.from("\xa2id", "latin1"),
  headers: Buffer.from("\xa7headers", "latin1"),
  attempt: Buffer.from("\xa7attempt", "latin1"),
  added: Buffer.from("\xa4home\xc0\xa8consumer\xc0\xa5ended\xc0\xa5place\xc0", "latin1"),
};
/** Bytes of all that, of three numbers and of the length of an id. */
const fixed = Object.values(fields).reduce((sum, { length }) => sum + length, 0) + 3 * 5 + 3;

/** The packed arguments of the kernel's request `deliver`. */
export function packDeliver(
  functionId: string,
  frame: Frame,
  consumer: string,
  deliveries: readonly Delivery[],
): Uint8Array {
  const headers = distinctHeaders(deliveries);
  return joinPacked([
    pack(functionId),
    pack(asLua(frame)),
    pack(consumer),
    pack([...headers.keys()].map(asLua)),
    pack(deliveries.length),
    packDeliveries(deliveries, headers),
  ]);
}

/** Headers with their numbers, from 1: messages that were published together share theirs. */
export function distinctHeaders(deliveries: readonly Delivery[]): ReadonlyMap<Headers, number> {
  const numbers = new Map<Headers, number>();
  for (const [, { headers }] of deliveries) {
    if (!numbers.has(headers)) numbers.set(headers, numbers.size + 1);
  }
  return numbers;
}

/**
 * Messages as the kernel takes them for calls: a packed list of deliveries and bodies in turn. A delivery has `tag`,
 * `id`, `attempt` and, as `headers`, their number. Bodies are packed already and are not looked into, which would take
 * longer than all else here.
 */
export function packDeliveries(
  deliveries: readonly Delivery[],
  numbers: ReadonlyMap<Headers, number>,
): Uint8Array {
  // Repetitions are numbered from the beginning of what is packed.
  if (deliveries.some(([, { body, id }]) => packsRepeats(body) || id.length > 0x4000)) {
    return pack(deliveries.flatMap(([tag, { id, headers, attempt, body }]): LuaValue[] => [
      asLua({ tag, id, headers: numbers.get(headers), attempt }),
      unpack(body),
    ]));
  }
  let size = 3;
  for (const [, { id, body }] of deliveries) size += fixed + id.length * 3 + body.length;
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.writeUInt16BE(deliveries.length * 2, bytes.writeUInt8(0xdc, 0));
  const put = (part: Uint8Array) => {
    bytes.set(part, at);
    at += part.length;
  };
  const putNumber = (number: number) => {
    at = bytes.writeUInt32BE(number, bytes.writeUInt8(0xce, at));
  };
  for (const [tag, { id, headers, attempt, body }] of deliveries) {
    put(fields.map);
    put(fields.tag);
    putNumber(tag);
    put(fields.id);
    const length = bytes.write(id, at + 3);
    at = bytes.writeUInt16BE(length, bytes.writeUInt8(0xda, at)) + length;
    put(fields.headers);
    putNumber(numbers.get(headers)!);
    put(fields.attempt);
    putNumber(attempt);
    put(fields.added);
    put(body);
  }
  return bytes.subarray(0, at);
}
