import { createPrivateKey, X509Certificate } from "node:crypto";
import type { HttpService } from "./schema.ts";

/** TLS for which a server needs a door. */
export type DoorTls = HttpService["tls"] & { client_auth: "require_any" | "verify_if_given" };

/**
 * Whether a server needs a `Door`: Bun's server admits all clients, or only those with a valid certificate, and does
 * not tell whether a client has one.
 */
export function needsDoor(tls: HttpService["tls"]): tls is DoorTls {
  return tls.client_auth === "require_any" || tls.client_auth === "verify_if_given";
}

/** What is wrong with the texts of certificates and keys, in words; undefined when each by itself is right. */
export function tlsFault(
  { cert, key, client_ca }: {
    cert?: string | undefined;
    key?: string | undefined;
    client_ca?: string | undefined;
  },
): string | undefined {
  for (const [field, text] of [["cert", cert], ["client_ca", client_ca]] as const) {
    if (text === undefined) continue;
    try {
      new X509Certificate(text);
    } catch {
      return `${field} is not a certificate in PEM form`;
    }
  }
  if (cert === undefined || key === undefined) return undefined;
  try {
    const secret = createPrivateKey(key);
    if (!new X509Certificate(cert).checkPrivateKey(secret)) {
      return "key does not belong to cert";
    }
  } catch {
    return "key is not a private key in PEM form without a passphrase";
  }
  return undefined;
}
