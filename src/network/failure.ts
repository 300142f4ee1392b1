const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the response was complete",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name server did not answer",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ENOENT: "no such socket",
  EPROTO: "the TLS handshake failed",
  ZlibError: "the compressed body is damaged",
  BrotliDecompressionError: "the compressed body is damaged",
  ZstdDecompressionError: "the compressed body is damaged",
  Malformed_HTTP_Response: "the response is malformed, or its headers are too long",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is that of another host",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is signed by itself",
  CERT_HAS_EXPIRED: "the certificate has expired",
};

/** A failure of the network, for errors. */
export interface Failure {
  /** A short name that programs may compare. */
  code: string;
  text: string;
}

/** What failed, of anything that the network threw. */
export function explain(error: unknown): Failure {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === "string" ? code : "UNKNOWN";
  const text = words[name];
  return { code: name, text: text === undefined ? `${String(message)}` : `${text} (${name})` };
}
