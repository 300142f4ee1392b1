import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { WippyError } from "../vm/error.ts";

/** Keys that encrypt payloads. */
export interface PayloadKeys {
  /** The key that encrypts; the others only decrypt. */
  keyId: string;
  /** 32 bytes each, by id. */
  keys: ReadonlyMap<string, Uint8Array>;
}

const ivLength = 12;
const tagLength = 16;

/** AES-256-GCM with keys that may change: 12 random bytes, the ciphertext, and the tag of 16 bytes. */
export class Cipher {
  readonly #keys: ReadonlyMap<string, Uint8Array>;
  /** Id of the key that encrypts. */
  readonly keyId: string;

  /** @throws WippyError Invalid when the key that encrypts is not among the keys */
  constructor({ keyId, keys }: PayloadKeys) {
    this.#keys = keys;
    this.keyId = keyId;
    this.#key(keyId);
  }

  /** Encrypts with the key {@link keyId}. */
  encrypt(bytes: Uint8Array): Uint8Array {
    const iv = randomBytes(ivLength);
    const cipher = createCipheriv("aes-256-gcm", this.#key(this.keyId), iv);
    const text = cipher.update(bytes);
    return Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws WippyError Invalid without the key, with another key of its id, and for damaged bytes */
  decrypt(keyId: string, data: Uint8Array): Uint8Array {
    const key = this.#key(keyId);
    if (data.length < ivLength + tagLength) throw undecipherable(keyId);
    try {
      const cipher = createDecipheriv("aes-256-gcm", key, data.subarray(0, ivLength));
      cipher.setAuthTag(data.subarray(-tagLength));
      const text = cipher.update(data.subarray(ivLength, -tagLength));
      return Buffer.concat([text, cipher.final()]);
    } catch (error) {
      throw undecipherable(keyId, error);
    }
  }

  #key(keyId: string): Uint8Array {
    const key = this.#keys.get(keyId);
    if (key) return key;
    throw new WippyError(
      "Invalid",
      `the payload is encrypted with the key "${keyId}", which is not known; ` +
        "hint: add it to payload_codec.previous",
      { retryable: false },
    );
  }
}

function undecipherable(keyId: string, cause?: unknown): WippyError {
  return new WippyError(
    "Invalid",
    `the payload cannot be decrypted with the key "${keyId}"; it was encrypted with another one, or is damaged`,
    { retryable: false, cause },
  );
}
