import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test.each([
  ['hash.md5("abc")', "900150983cd24fb0d6963f7d28e17f72"],
  ['hash.sha1("abc")', "a9993e364706816aba3e25717850c26c9cd0d89d"],
  ['hash.sha256("abc")', "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ['hash.sha512("abc"):sub(1, 32)', "ddaf35a193617abacc417349ae204131"],
  // RFC 2202 and RFC 4231, test case 2: the key comes second.
  ['hash.hmac_md5("what do ya want for nothing?", "Jefe")', "750c783e6ab0b503eaa86e310a5db738"],
  [
    'hash.hmac_sha1("what do ya want for nothing?", "Jefe")',
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
  ],
  [
    'hash.hmac_sha256("what do ya want for nothing?", "Jefe")',
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
  [
    'hash.hmac_sha512("what do ya want for nothing?", "Jefe"):sub(1, 32)',
    "164b7a7bfcf819e2e395fbe73b56e0a3",
  ],
  ['#hash.sha256("abc", true)', 32],
  ['hash.sha1("\\xff\\0") == hash.sha1("\\xff\\0", false)', true],
  ['hash.sha256("")', "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  // FNV-1, not 1a.
  ['hash.fnv32("a")', 0x050c5d7e],
  ['math.type(hash.fnv64("a"))', "float"],
  ['hash.fnv64("a") == 0xaf63bd4c8601b7be * 1.0 + 2.0 ^ 64', true],
])("%s", async (expression, expected) => {
  expect(await evaluate(`return ${expression}`)).toEqual(expected);
});

test.each([
  "hash.md5(5)",
  "hash.sha512()",
  "hash.hmac_sha1({}, 'k')",
  "hash.hmac_sha256('d')",
  "hash.fnv32(nil)",
  "hash.fnv64(true)",
])("%s is Invalid", async (expression) => {
  const code = `local v, err = ${expression} return { v == nil, err:kind() }`;
  expect(await evaluate(code)).toEqual([true, "Invalid"]);
});
