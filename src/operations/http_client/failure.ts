import { WippyError } from "../../vm/error.ts";

/** What a request was doing when it failed. */
export type Phase = "dns" | "headers" | "body";

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

/** The error for options or arguments that cannot be used. */
export function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** Method and URL as errors name them: without the query, which may hold secrets. */
export function nameOf(method: string, url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${method} ${protocol}//${host}${pathname}`;
}

/**
 * The error of a request that got no whole response.
 *
 * @param what as `nameOf` writes it
 * @param code a short name that programs may compare
 */
export function failed(what: string, phase: Phase, code: string, text: string): WippyError {
  return new WippyError("Internal", `${what}: ${text}`, {
    retryable: true,
    details: { code, phase },
  });
}

/** The error of anything that the network threw. */
export function failureOf(what: string, phase: Phase, error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const name = typeof code === "string" ? code : "UNKNOWN";
  const text = words[name];
  return failed(what, phase, name, text === undefined ? `${String(message)}` : `${text} (${name})`);
}
