import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";
import type { OperationServices } from "../operation.ts";

/**
 * What time-based UUIDs of one worker share, so that no two are the same and later ones sort later.
 */
interface Generator {
  node: Uint8Array;
  sequence: number;
  /** 100 ns since 1582-10-15 of the last version 1. */
  ticks: bigint;
  /** Milliseconds * 4096 of the last version 7. */
  instant: bigint;
}

const generators = new WeakMap<OperationServices, Generator>();

function generatorOf(services: OperationServices): Generator {
  let generator = generators.get(services);
  if (generator === undefined) {
    const node = services.random(8);
    node[0]! |= 1; // the multicast bit marks a node number that is no network address
    generator = {
      node: node.slice(0, 6),
      sequence: ((node[6]! << 8) | node[7]!) & 0x3fff,
      ticks: 0n,
      instant: 0n,
    };
    generators.set(services, generator);
  }
  return generator;
}

/** Writes 16 bytes as a UUID of a version, with the variant of RFC 9562. */
function text(bytes: Uint8Array, version: number): string {
  bytes[6] = (bytes[6]! & 0x0f) | (version << 4);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes.subarray(0, 16)).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join("-");
}

function later(now: bigint, last: bigint): bigint {
  return now > last ? now : last + 1n;
}

const gregorian = 122_192_928_000_000_000n;

function version1(services: OperationServices): string {
  const generator = generatorOf(services);
  const now = BigInt(Math.floor(services.clock.now() * 10_000)) + gregorian;
  generator.ticks = later(now, generator.ticks);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(generator.ticks & 0xffff_ffffn));
  view.setUint16(4, Number((generator.ticks >> 32n) & 0xffffn));
  view.setUint16(6, Number((generator.ticks >> 48n) & 0x0fffn));
  view.setUint16(8, generator.sequence);
  bytes.set(generator.node, 10);
  return text(bytes, 1);
}

function version7(services: OperationServices): string {
  const generator = generatorOf(services);
  // The 12 bits behind the milliseconds are their fraction (RFC 9562, method 3).
  generator.instant = later(BigInt(Math.floor(services.clock.now() * 4096)), generator.instant);
  const bytes = services.random(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const milliseconds = generator.instant >> 12n;
  view.setUint32(0, Number(milliseconds >> 16n));
  view.setUint16(4, Number(milliseconds & 0xffffn));
  view.setUint16(6, Number(generator.instant & 0x0fffn));
  return text(bytes, 7);
}

function named(algorithm: "md5" | "sha1", version: number) {
  return (_context: unknown, namespace: string, name: string | Uint8Array) => {
    const hash = new Bun.CryptoHasher(algorithm).update(Buffer.from(namespace, "hex")).update(
      bytesOf(name),
    );
    return text(new Uint8Array(hash.digest()), version);
  };
}

const namespace = lazy(() =>
  z.string().regex(/^[0-9a-f]{32}$/, { error: "32 hexadecimal digits expected" })
);

/** Host operations of the module `uuid`. */
export const uuid: Operation[] = [
  defineOperation({
    name: "uuid.v1",
    summary: "A UUID of the time and this worker.",
    mode: "immediate",
    arguments: [],
    run: ({ services }) => version1(services),
  }),
  defineOperation({
    name: "uuid.v4",
    summary: "A random UUID.",
    mode: "immediate",
    arguments: [],
    run: ({ services }) => text(services.random(16), 4),
  }),
  defineOperation({
    name: "uuid.v7",
    summary: "A UUID that sorts by the time it was made.",
    mode: "immediate",
    arguments: [],
    run: ({ services }) => version7(services),
  }),
  defineOperation({
    name: "uuid.v3",
    summary: "The UUID of a name in a namespace, by MD5.",
    mode: "pure",
    arguments: () => [namespace(), luaString()],
    run: named("md5", 3),
  }),
  defineOperation({
    name: "uuid.v5",
    summary: "The UUID of a name in a namespace, by SHA-1.",
    mode: "pure",
    arguments: () => [namespace(), luaString()],
    run: named("sha1", 5),
  }),
];
