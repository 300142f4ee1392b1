import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { evaluate } from "./lua-unit.ts";

describe("random", () => {
  test("bytes and strings have their length and come from the charset", async () => {
    const code = `
      local chosen = crypto.random.string(500, "abc")
      return { #crypto.random.bytes(33), #chosen, chosen:match("^[abc]+$") == chosen,
        crypto.random.string(64):match("^%w+$") ~= nil, uuid.version(crypto.random.uuid()) }`;
    expect(await evaluate(code)).toEqual([33, 500, true, true, 4]);
  });

  test("every character has the same chance", async () => {
    const code = `
      local counts = {}
      for c in crypto.random.string(30000, "abc"):gmatch(".") do counts[c] = (counts[c] or 0) + 1 end
      return counts`;
    const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const counts = await evaluate(code, { services: { random } }) as Record<string, number>;
    // Ten standard deviations.
    for (const count of Object.values(counts)) expect(Math.abs(count - 10_000)).toBeLessThan(820);
  });

  test.each([
    "bytes(0)",
    "bytes(-1)",
    "bytes(1048577)",
    "string(0)",
    "string(3, '')",
    "string(3, ('x'):rep(257))",
  ])("%s is Invalid", async (call) => {
    const code = `local v, err = crypto.random.${call} return { v == nil, err:kind() }`;
    expect(await evaluate(code)).toEqual([true, "Invalid"]);
  });
});

test("hmac takes the key first (RFC 4231, test case 2)", async () => {
  const code = `return crypto.hmac.sha256("Jefe", "what do ya want for nothing?")`;
  expect(await evaluate(code)).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  expect(await evaluate(`return select(2, crypto.hmac.sha512("", "x")):kind()`)).toBe("Invalid");
});

describe.each([["aes", [16, 24, 32]], ["chacha20", [32]]] as const)("%s", (cipher, lengths) => {
  test.each([...lengths])("a key of %d bytes", async (length) => {
    const code = `
      local encrypt, decrypt, key = crypto.encrypt.${cipher}, crypto.decrypt.${cipher}, ("k"):rep(...)
      local sealed = assert(encrypt("secret \\xff", key, "header"))
      local function kind(...)
        local value, err = decrypt(...)
        return value or err:kind()
      end
      return { #sealed, kind(sealed, key, "header"), kind(sealed, key, "other"), kind(sealed, key),
        kind(sealed:sub(1, -2) .. "\\0", key, "header"), kind(sealed:sub(1, 27), key),
        kind(sealed, ("K"):rep(...), "header") }`;
    const secret = new Uint8Array([...new TextEncoder().encode("secret "), 255]);
    expect(await evaluate(code, { args: [length] })).toEqual([
      12 + 8 + 16,
      secret,
      "Internal",
      "Internal",
      "Internal",
      "Invalid",
      "Internal",
    ]);
  });

  test.each([0, 15, 33])("a key of %d bytes is Invalid", async (length) => {
    const code = `local v, err = crypto.encrypt.${cipher}("x", ("k"):rep(...)) return err:kind()`;
    expect(await evaluate(code, { args: [length] })).toBe("Invalid");
  });
});

test("AES-GCM is NIST's: a sealed text of another implementation opens", async () => {
  const key = new Uint8Array(32).fill(7);
  const nonce = new Uint8Array(12).fill(9);
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const body = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode("aad") },
    imported,
    new TextEncoder().encode("hello"),
  );
  const sealed = new Uint8Array([...nonce, ...new Uint8Array(body)]);
  const code = 'return crypto.decrypt.aes((...), ("\\7"):rep(32), "aad")';
  expect(await evaluate(code, { args: [sealed] })).toBe("hello");
});

test("ChaCha20-Poly1305 is that of RFC 8439 (section 2.8.2)", async () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
  const nonce = Buffer.from("070000004041424344454647", "hex");
  const aad = Buffer.from("50515253c0c1c2c3c4c5c6c7", "hex");
  const text =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the " +
    "future, sunscreen would be it.";
  const code = "return crypto.encrypt.chacha20(...)";
  const sealed = await evaluate(code, {
    args: [text, key, aad],
    services: { random: () => new Uint8Array(nonce) },
  }) as Uint8Array;
  expect(Buffer.from(sealed.slice(-16)).toString("hex")).toBe("1ae10b594f09e26a7e902ecbd0600691");
});

describe("jwt", () => {
  const claims =
    '{ sub = "u1", big = 9007199254740993, exp = 1718461845 + 60, list = { 1, "two" } }';

  test.each(["HS256", "HS384", "HS512"])("%s there and back", async (algorithm) => {
    const code = `
      local token = assert(crypto.jwt.encode(${claims}, "key", "${algorithm}"))
      local read = assert(crypto.jwt.verify(token, "key", "${algorithm}"))
      local _, other = crypto.jwt.verify(token, "another", "${algorithm}")
      return { read.sub, read.big, read.list[2], other:kind() }`;
    expect(await evaluate(code)).toEqual(["u1", 9007199254740993n, "two", "Internal"]);
  });

  test.each(["pkcs1", "pkcs8"] as const)("RS256 with a %s key", async (type) => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type, format: "pem" },
    });
    const code = `
      local private, public = ...
      local token = assert(crypto.jwt.encode(${claims}, private, "RS256"))
      return assert(crypto.jwt.verify(token, public, "RS256")).sub`;
    expect(await evaluate(code, { args: [privateKey, publicKey] })).toBe("u1");
  });

  test("the token of another implementation is read, and the header can have fields", async () => {
    const token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." +
      "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ." +
      "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    const code = `
      local given = ...
      local read = assert(crypto.jwt.verify(given, "your-256-bit-secret", "HS256", false))
      local own = assert(crypto.jwt.encode({ a = 1, _header = { kid = "k7", alg = "none" } }, "key"))
      return { read.name, own, crypto.jwt.verify(own, "key", "HS256", false)._header == nil }`;
    const [name, own, none] = await evaluate(code, { args: [token] }) as [
      string,
      string,
      boolean,
    ];
    expect([name, none]).toEqual(["John Doe", true]);
    const header = Buffer.from(own.split(".")[0]!, "base64url").toString();
    expect(JSON.parse(header)).toEqual({ typ: "JWT", kid: "k7", alg: "HS256" });
  });

  test.each([
    ["an expired token", "{ exp = 1 }", "HS256", "", "Internal"],
    ["no exp", "{ a = 1 }", "HS256", "", "Internal"],
    ["no exp where none is required", "{ a = 1 }", "HS256", ", false", "ok"],
    ["not yet valid", "{ exp = 4102444800, nbf = 4102444700 }", "HS256", "", "Internal"],
    ["another algorithm", "{ exp = 4102444800 }", "HS512", "", "Internal"],
    ["an unknown algorithm", "{ exp = 4102444800 }", "none", "", "Internal"],
  ])("%s", async (_, body, algorithm, rest, outcome) => {
    const code = `
      local token = assert(crypto.jwt.encode(${body}, "key"))
      local read, err = crypto.jwt.verify(token, "key", "${algorithm}"${rest})
      return read and "ok" or err:kind()`;
    expect(await evaluate(code)).toBe(outcome);
  });

  test.each([
    'encode({}, "key", "HS1")',
    'encode({}, "")',
    'encode({}, "no pem", "RS256")',
    'encode({ _header = 5 }, "key")',
  ])("%s is Invalid", async (call) => {
    expect(await evaluate(`return select(2, crypto.jwt.${call}):kind()`)).toBe("Invalid");
  });

  test.each(['"key", "HS1"', '"key", "none"', '""', '"no pem", "RS256"'])(
    "verify(token, %s) is Internal, as every token that is not good",
    async (rest) => {
      const code = `local token = assert(crypto.jwt.encode({}, "key"))
        local _, err = crypto.jwt.verify(token, ${rest})
        return { err:kind(), err:retryable() }`;
      expect(await evaluate(code)).toEqual(["Internal", false]);
    },
  );
});

test("pbkdf2 is that of RFC 8018", async () => {
  const code = `return { hash.md5(crypto.pbkdf2("password", "salt", 1, 32)) ==
    hash.md5((("120fb6cffcf8b32c43e7225256c4f837a86548c92ccc35480805987cb70be17b"):gsub("%x%x",
      function(h) return string.char(tonumber(h, 16)) end))), #crypto.pbkdf2("p", "s", 2, 64, "sha512") }`;
  expect(await evaluate(code)).toEqual([true, 64]);
  for (
    const args of ['"", "s", 1, 1', '"p", "", 1, 1', '"p", "s", 0, 1', '"p", "s", 10000001, 1']
  ) {
    expect(await evaluate(`return select(2, crypto.pbkdf2(${args})):kind()`)).toBe("Invalid");
  }
});

test("constant_time_compare", async () => {
  const code = `local same = crypto.constant_time_compare
    return { same("a\\xff", "a\\xff"), same("a", "b"), same("a", "ab"), same("", "") }`;
  expect(await evaluate(code)).toEqual([true, false, false, true]);
});
