import { createHmac } from "node:crypto";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { LuaFloat } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
} from "../operation.ts";

const algorithm = lazy(() => addedByModule(z.enum(["md5", "sha1", "sha256", "sha512"])));

/** FNV-1: multiplies, then XORs. With 32 or 64 bits. */
function fnv(data: Uint8Array, bits: 32 | 64): bigint {
  const prime = bits === 32 ? 0x0100_0193n : 0x0000_0100_0000_01b3n;
  let hash = bits === 32 ? 0x811c_9dc5n : 0xcbf2_9ce4_8422_2325n;
  for (const byte of data) hash = BigInt.asUintN(bits, hash * prime) ^ BigInt(byte);
  return hash;
}

/** Host operations of the module `hash`. */
export const hash: Operation[] = [
  defineOperation({
    name: "hash.digest",
    summary: "Returns the digest of bytes, as lower-case hexadecimal digits or raw.",
    mode: "pure",
    arguments: () => [algorithm(), luaString(), z.boolean()],
    run(_context, name, data, raw) {
      const hasher = new Bun.CryptoHasher(name).update(bytesOf(data));
      return raw ? new Uint8Array(hasher.digest()) : hasher.digest("hex");
    },
  }),
  defineOperation({
    name: "hash.hmac",
    summary: "Returns the HMAC of bytes, as lower-case hexadecimal digits or raw.",
    mode: "pure",
    arguments: () => [algorithm(), luaString(), luaString(), z.boolean()],
    run(_context, name, data, secret, raw) {
      const hmac = createHmac(name, bytesOf(secret)).update(bytesOf(data));
      return raw ? new Uint8Array(hmac.digest()) : hmac.digest("hex");
    },
  }),
  defineOperation({
    name: "hash.fnv32",
    summary: "Returns the 32-bit FNV-1 hash of bytes.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, data) => Number(fnv(bytesOf(data), 32)),
  }),
  defineOperation({
    name: "hash.fnv64",
    summary: "Returns the 64-bit FNV-1 hash of bytes, as a float.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, data) => new LuaFloat(Number(fnv(bytesOf(data), 64))),
  }),
];
