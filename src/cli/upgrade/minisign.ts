/**
 * Signatures as the program minisign makes and verifies them: Ed25519 over the BLAKE2b hash of a file.
 * @module
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  scryptSync,
  sign,
  verify,
} from "node:crypto";

/** A public key, with the number that signatures name it by. */
export interface PublicKey {
  number: Buffer;
  key: KeyObject;
}

/** A secret key. */
export interface SecretKey {
  number: Buffer;
  key: KeyObject;
}

const spki = Buffer.from("302a300506032b6570032100", "hex");
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");

const hash = (algorithm: "blake2b512" | "blake2b256", data: Uint8Array) =>
  Buffer.from(new Bun.CryptoHasher(algorithm).update(data).digest());

/** The bytes of the line that is not a comment. @throws when they are not as many as they should be */
function payload(text: string, length: number, what: string): Buffer {
  const line = text.trim().split(/\r?\n/).find((each) => !each.startsWith("untrusted comment:"));
  const bytes = Buffer.from(line ?? "", "base64");
  if (bytes.length !== length) throw new Error(`this is not ${what}`);
  return bytes;
}

/** Reads a public key: the file, or its last line. @throws */
export function readPublicKey(text: string): PublicKey {
  const bytes = payload(text, 42, "a minisign public key");
  if (bytes.toString("latin1", 0, 2) !== "Ed") {
    throw new Error("this is not a minisign public key");
  }
  return {
    number: bytes.subarray(2, 10),
    key: createPublicKey({
      key: Buffer.concat([spki, bytes.subarray(10)]),
      format: "der",
      type: "spki",
    }),
  };
}

/** Work and memory of scrypt, as libsodium chooses them for its two limits. */
function scryptOptions(operations: number, memory: number) {
  const r = 8;
  const largest = Math.min(
    operations < memory / 32 ? operations / (r * 4) : Infinity,
    memory / (r * 128),
  );
  const N = 2 ** Math.max(1, Math.floor(Math.log2(largest)));
  const p = operations < memory / 32 ? 1 : Math.max(1, Math.floor(operations / 4 / N / r));
  return { N, r, p, maxmem: 256 * r * (N + p) };
}

/**
 * Reads a secret key.
 *
 * @param password not needed for a key without one
 * @throws when it is not one, or the password is wrong
 */
export function readSecretKey(text: string, password?: string): SecretKey {
  const bytes = payload(text, 158, "a minisign secret key");
  const encrypted = bytes.toString("latin1", 2, 4) === "Sc";
  const secret = Buffer.from(bytes.subarray(54));
  if (encrypted) {
    if (password === undefined) {
      throw new Error("the secret key has a password, which was not given");
    }
    const [operations, memory] = [38, 46].map((at) => Number(bytes.readBigUInt64LE(at)));
    const options = scryptOptions(operations!, memory!);
    const stream = scryptSync(password, bytes.subarray(6, 38), secret.length, options);
    secret.forEach((byte, index) => secret[index] = byte ^ stream[index]!);
  }
  const checked = Buffer.concat([bytes.subarray(0, 2), secret.subarray(0, 72)]);
  const sum = secret.subarray(72);
  if (!hash("blake2b256", checked).equals(sum) && (encrypted || sum.some((byte) => byte !== 0))) {
    throw new Error(
      encrypted ? "the password of the secret key is wrong" : "the secret key is damaged",
    );
  }
  return {
    number: secret.subarray(0, 8),
    key: createPrivateKey({
      key: Buffer.concat([pkcs8, secret.subarray(8, 40)]),
      format: "der",
      type: "pkcs8",
    }),
  };
}

/**
 * Returns the signature of a file, as the text of a `.minisig` file.
 *
 * @param comment is signed too; on one line
 */
export function signFile(data: Uint8Array, secret: SecretKey, comment: string): string {
  const signature = sign(null, hash("blake2b512", data), secret.key);
  const whole = sign(null, Buffer.concat([signature, Buffer.from(comment)]), secret.key);
  const head = Buffer.concat([Buffer.from("ED"), secret.number, signature]);
  return `untrusted comment: signature of wippy\n${head.toString("base64")}\n` +
    `trusted comment: ${comment}\n${whole.toString("base64")}\n`;
}

/**
 * Verifies the signature of a file.
 *
 * @returns the comment that was signed with it
 * @throws when the signature is not one, is by another key, or is of another file
 */
export function verifyFile(data: Uint8Array, signature: string, key: PublicKey): string {
  const [, line = "", trusted = "", last = ""] = signature.split(/\r?\n/);
  const head = Buffer.from(line, "base64");
  const comment = /^trusted comment: (.*)$/.exec(trusted)?.[1];
  const algorithm = head.toString("latin1", 0, 2);
  if (head.length !== 74 || comment === undefined || !/^ed$/i.test(algorithm)) {
    throw new Error("this is not a minisign signature");
  }
  if (!head.subarray(2, 10).equals(key.number)) throw new Error("the signature is by another key");
  const signed = head.subarray(10);
  const message = algorithm === "ED" ? hash("blake2b512", data) : data;
  const whole = Buffer.concat([signed, Buffer.from(comment)]);
  if (
    !verify(null, message, key.key, signed) ||
    !verify(null, whole, key.key, Buffer.from(last, "base64"))
  ) throw new Error("the signature does not match the file");
  return comment;
}
