/** What a replay must see the same of the module `crypto`. */
export const probes = {
  "crypto.random.bytes": `crypto.random.bytes(8)`,
  "crypto.random.string": `crypto.random.string(8)`,
  "crypto.random.uuid": `crypto.random.uuid()`,
  "crypto.hmac.sha256": `crypto.hmac.sha256("k", "x")`,
  "crypto.hmac.sha512": `crypto.hmac.sha512("k", "x")`,
  "crypto.encrypt.aes": `crypto.encrypt.aes("x", ("k"):rep(32))`,
  "crypto.encrypt.chacha20": `crypto.encrypt.chacha20("x", ("k"):rep(32))`,
  "crypto.decrypt.aes": `crypto.decrypt.aes(crypto.encrypt.aes("x", ("k"):rep(32)), ("k"):rep(32))`,
  "crypto.decrypt.chacha20":
    `crypto.decrypt.chacha20(crypto.encrypt.chacha20("x", ("k"):rep(32)), ("k"):rep(32))`,
  "crypto.jwt.encode": `crypto.jwt.encode({ exp = os.time() + 60 }, "k")`,
  "crypto.jwt.verify": `crypto.jwt.verify(crypto.jwt.encode({ exp = os.time() + 60 }, "k"), "k")`,
  "crypto.pbkdf2": `crypto.pbkdf2("p", "s", 2, 8)`,
  "crypto.constant_time_compare": `crypto.constant_time_compare("a", "b")`,
};
