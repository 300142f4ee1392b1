/**
 * Encryption of payloads: the server, its database and its Web UI see only ciphertext.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import { Cipher } from "../../../cipher.ts";

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

/**
 * AES-256-GCM, in the form of the codecs in the examples of Temporal's SDKs: 12 random bytes, the payload as a message,
 * encrypted, and the tag of 16 bytes.
 */
export class AesCodec implements PayloadCodec {
  readonly #cipher: Cipher;

  /**
   * @param keyId the key that encrypts
   * @param keys by their ids, 32 bytes each; the others decrypt what was encrypted before a change of keys
   */
  constructor(keyId: string, keys: ReadonlyMap<string, Uint8Array>) {
    this.#cipher = new Cipher({ keyId, keys });
  }

  encode(payload: IPayload): IPayload {
    return {
      metadata: {
        encoding: encoder.encode(encryptedEncoding),
        "encryption-key-id": encoder.encode(this.#cipher.keyId),
      },
      data: this.#cipher.encrypt(Payload.encode(payload).finish()),
    };
  }

  decode({ metadata, data }: IPayload): IPayload {
    const id = metadata?.["encryption-key-id"];
    const keyId = id ? decoder.decode(id) : this.#cipher.keyId;
    return Payload.decode(this.#cipher.decrypt(keyId, data ?? new Uint8Array()));
  }
}
