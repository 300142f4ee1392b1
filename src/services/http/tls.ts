import { createPrivateKey, X509Certificate } from "node:crypto";

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
