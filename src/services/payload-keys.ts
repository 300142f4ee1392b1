import { WippyError } from "../vm/error.ts";
import type { PayloadKeys } from "../workflows/providers/providers.ts";
import type { PayloadCodec } from "./payload-codec.ts";

/** The keys of the payload codec. @throws WippyError Invalid for a key that does not have 32 bytes */
export function payloadKeys(codec: PayloadCodec | undefined): PayloadKeys | undefined {
  if (!codec) return undefined;
  const keys = new Map([...codec.previous, codec].map(({ id, key }) => [id, keyBytes(id, key)]));
  return { keyId: codec.id, keys };
}

function keyBytes(id: string, text: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), /^[0-9a-fA-F]{64}$/.test(text.trim()) ? "hex" : "base64");
  if (bytes.length === 32) return bytes;
  throw new WippyError(
    "Invalid",
    `payload_codec: the key "${id}" has ${bytes.length} bytes, not 32; ` +
      'hint: make one with "openssl rand -base64 32"',
    { retryable: false },
  );
}
