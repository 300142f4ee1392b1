import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { WippyError } from "../../vm/error.ts";

/** AES-GCM and ChaCha20-Poly1305. Both have a nonce of 12 bytes and a tag of 16. */
export type Cipher = "aes" | "chacha20";

const nonceLength = 12;
const tagLength = 16;

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function checkKey(cipher: Cipher, { length }: Uint8Array): void {
  if (cipher === "aes" && length !== 16 && length !== 24 && length !== 32) {
    throw invalid(`an AES key has 16, 24 or 32 bytes, got ${length}`);
  }
  if (cipher === "chacha20" && length !== 32) {
    throw invalid(`a ChaCha20 key has 32 bytes, got ${length}`);
  }
}

function gcm(key: Uint8Array): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" {
  if (key.length === 16) return "aes-128-gcm";
  return key.length === 24 ? "aes-192-gcm" : "aes-256-gcm";
}

/**
 * Encrypts and authenticates bytes, with a new random nonce.
 *
 * @returns nonce (12 bytes), ciphertext, tag (16 bytes)
 * @throws WippyError Invalid: a key of another length
 */
export function seal(
  cipher: Cipher,
  data: Uint8Array,
  key: Uint8Array,
  aad: Uint8Array,
  random: (count: number) => Uint8Array,
): Uint8Array {
  checkKey(cipher, key);
  const nonce = random(nonceLength);
  if (cipher === "chacha20") {
    return Buffer.concat([nonce, chacha20poly1305(key, nonce, aad).encrypt(data)]);
  }
  const aes = createCipheriv(gcm(key), key, nonce, { authTagLength: tagLength }).setAAD(aad);
  return Buffer.concat([nonce, aes.update(data), aes.final(), aes.getAuthTag()]);
}

/**
 * Decrypts what `seal` returned.
 *
 * @throws WippyError Invalid: a key of another length, or too few bytes; Internal: not authentic
 */
export function open(
  cipher: Cipher,
  sealed: Uint8Array,
  key: Uint8Array,
  aad: Uint8Array,
): Uint8Array {
  checkKey(cipher, key);
  if (sealed.length < nonceLength + tagLength) {
    throw invalid(
      `encrypted data has at least ${nonceLength + tagLength} bytes, got ${sealed.length}`,
    );
  }
  const nonce = sealed.subarray(0, nonceLength);
  try {
    if (cipher === "chacha20") {
      return chacha20poly1305(key, nonce, aad).decrypt(sealed.subarray(nonceLength));
    }
    const aes = createDecipheriv(gcm(key), key, nonce, { authTagLength: tagLength }).setAAD(aad);
    aes.setAuthTag(sealed.subarray(-tagLength));
    return Buffer.concat([aes.update(sealed.subarray(nonceLength, -tagLength)), aes.final()]);
  } catch {
    throw new WippyError(
      "Internal",
      "decryption failed: the key or the additional data is another one, or the data was changed",
      { retryable: false },
    );
  }
}
