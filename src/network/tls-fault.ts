import { createPrivateKey, X509Certificate } from "node:crypto";

/**
 * What is wrong with the texts of certificates and keys, in words; undefined when each by itself is right.
 *
 * @param others certificates of authorities, by the names of their fields
 */
export function tlsFault(
  { cert, key, ...others }: {
    cert?: string | undefined;
    key?: string | undefined;
    [authority: string]: string | undefined;
  },
): string | undefined {
  for (const [field, text] of Object.entries({ cert, ...others })) {
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
