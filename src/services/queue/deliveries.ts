import { pack, unpack } from "../../vm/codec.ts";
import { joinPacked, packsRepeats } from "../../vm/joined.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import type { Frame } from "../context.ts";
import type { Headers, Received } from "./driver.ts";

/** A message with the number under which its outcome comes. */
export type Delivery = readonly [tag: number, message: Received];

/** Values of a delivery in a packed list. */
const values = 5;
/** Bytes of the beginning of a list, of three numbers, and of the length of an id. */
const beginning = 5;
const fixed = 3 * 5 + 3;

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
 * Messages as the kernel takes them for calls: a packed list of tag, id, number of the headers, attempt and body of
 * each in turn. Bodies are packed already and are not looked into one by one, which would take longer than all else.
 */
export function packDeliveries(
  deliveries: readonly Delivery[],
  numbers: ReadonlyMap<Headers, number>,
): Uint8Array {
  let size = beginning;
  let long = false;
  for (const [, { id, body }] of deliveries) {
    size += fixed + id.length * 3 + body.length;
    long ||= id.length > 0x4000;
  }
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = bytes.writeUInt32BE(deliveries.length * values, bytes.writeUInt8(0xdd, 0));
  const putNumber = (number: number) => {
    if (number < 0x80) bytes[at++] = number;
    else at = bytes.writeUInt32BE(number, bytes.writeUInt8(0xce, at));
  };
  for (const [tag, { id, headers, attempt, body }] of long ? [] : deliveries) {
    putNumber(tag);
    const length = bytes.write(id, at + 3);
    at = bytes.writeUInt16BE(length, bytes.writeUInt8(0xda, at)) + length;
    putNumber(numbers.get(headers)!);
    putNumber(attempt);
    bytes.set(body, at);
    at += body.length;
  }
  const packed = bytes.subarray(0, at);
  // Repetitions are numbered from the beginning of what is packed.
  if (!long && !packsRepeats(packed)) return packed;
  return pack(deliveries.flatMap(([tag, { id, headers, attempt, body }]): LuaValue[] => [
    tag,
    id,
    numbers.get(headers),
    attempt,
    unpack(body),
  ]));
}
