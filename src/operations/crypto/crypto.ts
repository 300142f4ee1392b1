import { createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import {
  addedByModule,
  bytesOf,
  defineOperation,
  luaString,
  type Operation,
} from "../operation.ts";
import { type Cipher, open, seal } from "./cipher.ts";

/** Most random bytes or characters of one call. */
export const maxRandom = 1_048_576;
const maxIterations = 10_000_000;
/** Most bytes of a derived key. */
const maxKeyLength = 1_048_576;

const count = lazy(() => z.number().int());
const cipher = lazy(() => addedByModule(z.enum(["aes", "chacha20"] satisfies Cipher[])));
const anything = lazy(() => z.custom<LuaValue>(() => true));

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function checkCount(number: number): void {
  if (number < 1 || number > maxRandom) {
    throw invalid(`the length must be from 1 to ${maxRandom}, got ${number}`);
  }
}

/** Characters drawn from a set, each with the same chance: bytes that would favour some are dropped. */
function randomText(
  length: number,
  characters: Uint8Array,
  random: (count: number) => Uint8Array,
): Uint8Array {
  const fair = 256 - 256 % characters.length;
  const drawn = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    for (const byte of random(Math.min(65_536, length - filled))) {
      if (byte < fair && filled < length) drawn[filled++] = characters[byte % characters.length]!;
    }
  }
  return drawn;
}

/** Host operations of the module `crypto`. */
export const crypto: Operation[] = [
  defineOperation({
    name: "crypto.random_bytes",
    summary: "Returns random bytes.",
    mode: "immediate",
    arguments: () => [count()],
    run({ services }, length) {
      checkCount(length);
      return services.random(length);
    },
  }),
  defineOperation({
    name: "crypto.random_string",
    summary: "Returns random characters of a set.",
    mode: "immediate",
    arguments: () => [count(), luaString()],
    run({ services }, length, charset) {
      checkCount(length);
      const characters = bytesOf(charset);
      if (characters.length < 1 || characters.length > 256) {
        throw invalid(`the charset must have 1 to 256 bytes, got ${characters.length}`);
      }
      return randomText(length, characters, services.random);
    },
  }),
  defineOperation({
    name: "crypto.hmac",
    summary: "Returns the HMAC of data as lower-case hexadecimal digits.",
    mode: "pure",
    arguments: () => [addedByModule(z.enum(["sha256", "sha512"])), luaString(), luaString()],
    run(_context, algorithm, key, data) {
      if (key.length === 0) throw invalid("the key is empty");
      return createHmac(algorithm, bytesOf(key)).update(bytesOf(data)).digest("hex");
    },
  }),
  defineOperation({
    name: "crypto.encrypt",
    summary: "Encrypts and authenticates data: nonce, ciphertext and tag.",
    mode: "immediate",
    arguments: () => [cipher(), luaString(), luaString(), luaString()],
    run: ({ services }, name, data, key, aad) =>
      seal(name, bytesOf(data), bytesOf(key), bytesOf(aad), services.random),
  }),
  defineOperation({
    name: "crypto.decrypt",
    summary: "Decrypts what crypto.encrypt returned.",
    mode: "pure",
    arguments: () => [cipher(), luaString(), luaString(), luaString()],
    run: (_context, name, data, key, aad) => open(name, bytesOf(data), bytesOf(key), bytesOf(aad)),
  }),
  defineOperation({
    name: "crypto.jwt_encode",
    summary: "Signs claims as a JSON Web Token.",
    mode: "async",
    arguments: () => [anything(), anything(), luaString(), z.string()],
    async run(_context, claims, header, key, algorithm) {
      const { signToken } = await import("./token.ts");
      return await signToken(claims, header, bytesOf(key), algorithm);
    },
  }),
  defineOperation({
    name: "crypto.jwt_verify",
    summary: "Verifies a JSON Web Token and returns its claims.",
    mode: "async",
    arguments: () => [luaString(), luaString(), z.string(), z.boolean()],
    async run({ services }, token, key, algorithm, requireExpiry) {
      const { verifyToken } = await import("./token.ts");
      const text = new TextDecoder().decode(bytesOf(token));
      return await verifyToken(text, bytesOf(key), algorithm, {
        requireExpiry,
        now: services.clock.now(),
      });
    },
  }),
  defineOperation({
    name: "crypto.pbkdf2",
    summary: "Derives a key from a password.",
    mode: "async",
    arguments: () => [luaString(), luaString(), count(), count(), z.string()],
    async run(_context, password, salt, iterations, length, algorithm) {
      if (password.length === 0) throw invalid("the password is empty");
      if (salt.length === 0) throw invalid("the salt is empty");
      if (iterations < 1 || iterations > maxIterations) {
        throw invalid(`iterations must be from 1 to ${maxIterations}, got ${iterations}`);
      }
      if (length < 1 || length > maxKeyLength) {
        throw invalid(`the key length must be from 1 to ${maxKeyLength}, got ${length}`);
      }
      if (algorithm !== "sha256" && algorithm !== "sha512") {
        throw invalid(`unknown algorithm "${algorithm}"; use sha256 or sha512`);
      }
      const derive = promisify(pbkdf2);
      const key = await derive(bytesOf(password), bytesOf(salt), iterations, length, algorithm);
      return new Uint8Array(key);
    },
  }),
  defineOperation({
    name: "crypto.equal",
    summary: "Compares two strings in a time that does not depend on where they differ.",
    mode: "pure",
    arguments: () => [luaString(), luaString()],
    run(_context, one, other) {
      const [a, b] = [bytesOf(one), bytesOf(other)];
      return a.length === b.length && timingSafeEqual(a, b);
    },
  }),
];
