/**
 * Encryption of payloads: the server, its database and its Web UI see only ciphertext.
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { temporal } from "@temporalio/proto";
import { WippyError } from "../../../../vm/error.ts";

type IPayload = temporal.api.common.v1.IPayload;
const { Payload } = temporal.api.common.v1;

/** Encrypts outgoing payloads and decrypts incoming ones. */
export interface PayloadCodec {
  encode(payload: IPayload): IPayload;
  /** @throws WippyError Invalid when it cannot be decrypted */
  decode(payload: IPayload): IPayload;
}

/** The encoding of encrypted payloads in the examples of Temporal's SDKs. */
export const encryptedEncoding = "binary/encrypted";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ivLength = 12;
const tagLength = 16;

/**
 * AES-256-GCM, in the form of the codecs in the examples of Temporal's SDKs: 12 random bytes, the payload as a message,
 * encrypted, and the tag of 16 bytes.
 */
export class AesCodec implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, Uint8Array>;
  readonly #keyId: string;

  /**
   * @param keyId the key that encrypts
   * @param keys by their ids, 32 bytes each; the others decrypt what was encrypted before a change of keys
   */
  constructor(keyId: string, keys: ReadonlyMap<string, Uint8Array>) {
    this.#keyId = keyId;
    this.#keys = keys;
    this.#key(keyId);
  }

  encode(payload: IPayload): IPayload {
    const iv = randomBytes(ivLength);
    const cipher = createCipheriv("aes-256-gcm", this.#key(this.#keyId), iv);
    const text = cipher.update(Payload.encode(payload).finish());
    return {
      metadata: {
        encoding: encoder.encode(encryptedEncoding),
        "encryption-key-id": encoder.encode(this.#keyId),
      },
      data: Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()]),
    };
  }

  decode({ metadata, data }: IPayload): IPayload {
    const id = metadata?.["encryption-key-id"];
    const keyId = id ? decoder.decode(id) : this.#keyId;
    const key = this.#key(keyId);
    if (!data || data.length < ivLength + tagLength) throw undecipherable(keyId);
    try {
      const cipher = createDecipheriv("aes-256-gcm", key, data.subarray(0, ivLength));
      cipher.setAuthTag(data.subarray(-tagLength));
      const text = cipher.update(data.subarray(ivLength, -tagLength));
      return Payload.decode(Buffer.concat([text, cipher.final()]));
    } catch (error) {
      throw undecipherable(keyId, error);
    }
  }

  #key(keyId: string): Uint8Array {
    const key = this.#keys.get(keyId);
    if (key) return key;
    throw new WippyError(
      "Invalid",
      `the payload is encrypted with the key "${keyId}", which is not known`,
      {
        retryable: false,
      },
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
