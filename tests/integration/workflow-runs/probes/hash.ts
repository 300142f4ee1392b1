/** What a replay must see the same of the module `hash`. */
export const probes = {
  "hash.md5": `hash.md5("x")`,
  "hash.sha1": `hash.sha1("x")`,
  "hash.sha256": `hash.sha256("x")`,
  "hash.sha512": `hash.sha512("x")`,
  "hash.fnv32": `hash.fnv32("x")`,
  "hash.fnv64": `hash.fnv64("x")`,
  "hash.hmac_md5": `hash.hmac_md5("x", "k")`,
  "hash.hmac_sha1": `hash.hmac_sha1("x", "k")`,
  "hash.hmac_sha256": `hash.hmac_sha256("x", "k")`,
  "hash.hmac_sha512": `hash.hmac_sha512("x", "k")`,
};
