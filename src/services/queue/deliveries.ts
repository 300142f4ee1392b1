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
  map: Buffer.of(0x87),
  tag: Buffer.from("\xa3tag", "latin1"),
  id: Buffer.from("\xa2id", "latin1"),
  headers: Buffer.from("\xa7headers", "latin1"),
  attempt: Buffer.from("\xa7attempt", "latin1"),
  added: Buffer.from("\xa4home\xc0\xa8consumer\xc0\xa5ended\xc0", "latin1"),
};
/** Bytes of all that, of a list of two before it, of two numbers and of the length of an id. */
const fixed = Object.values(fields).reduce((sum, { length }) => sum + length, 0) + 1 + 2 * 5 + 3;

const headersOf = new WeakMap<Headers, Uint8Array>();

/** Packed headers: messages that were published together share theirs. */
function packHeaders(headers: Headers): Uint8Array {
  let packed = headersOf.get(headers);
  if (!packed) {
    packed = pack(asLua(headers));
    headersOf.set(headers, packed);
  }
  return packed;
}

/** The packed arguments of the kernel's request `deliver`. */
export function packDeliver(
  functionId: string,
  frame: Frame,
  consumer: string,
  deliveries: readonly Delivery[],
): Uint8Array {
  return joinPacked([
    pack(functionId),
    pack(asLua(frame)),
    pack(consumer),
    packDeliveries(deliveries),
  ]);
}

/**
 * Messages as the kernel takes them for calls: a packed list of `[delivery, body]`, in which a delivery has `tag`,
 * `id`, `headers` and `attempt`. Bodies are packed already and are not looked into, which would take longer than all
 * else here.
 */
export function packDeliveries(deliveries: readonly Delivery[]): Uint8Array {
  // Repetitions are numbered from the beginning of what is packed.
  if (deliveries.some(([, { body, id }]) => packsRepeats(body) || id.length > 0x4000)) {
    return pack(deliveries.map(([tag, { id, headers, attempt, body }]): LuaValue => [
      asLua({ tag, id, headers, attempt }),
      unpack(body),
    ]));
  }
  let size = 3;
  for (const [, { id, headers, body }] of deliveries) {
    size += fixed + id.length * 3 + packHeaders(headers).length + body.length;
  }
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.writeUInt16BE(deliveries.length, bytes.writeUInt8(0xdc, 0));
  const put = (part: Uint8Array) => {
    bytes.set(part, at);
    at += part.length;
  };
  const putNumber = (number: number) => {
    at = bytes.writeUInt32BE(number, bytes.writeUInt8(0xce, at));
  };
  for (const [tag, { id, headers, attempt, body }] of deliveries) {
    at = bytes.writeUInt8(0x92, at);
    put(fields.map);
    put(fields.tag);
    putNumber(tag);
    put(fields.id);
    const length = bytes.write(id, at + 3);
    at = bytes.writeUInt16BE(length, bytes.writeUInt8(0xda, at)) + length;
    put(fields.headers);
    put(packHeaders(headers));
    put(fields.attempt);
    putNumber(attempt);
    put(fields.added);
    put(body);
  }
  return bytes.subarray(0, at);
}
