/**
 * JSON Web Tokens (RFC 7519), signed and verified by jose. Claims go through the reader and writer of the module
 * `json`, so that 64-bit integers stay exact.
 * @module
 */
import { CompactSign, jwtVerify } from "jose";
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from "node:crypto";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { readJson } from "../json/read.ts";
import { writeJson } from "../json/write.ts";

const algorithms: ReadonlySet<string> = new Set(["HS256", "HS384", "HS512", "RS256"]);

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

function checkAlgorithm(algorithm: string): void {
  if (algorithms.has(algorithm)) return;
  throw invalid(`unknown algorithm "${algorithm}"; use ${[...algorithms].join(", ")}`);
}

/** A shared secret, or a PEM: PKCS #1 and PKCS #8 to sign; a public key or a certificate to verify. */
function keyOf(key: Uint8Array, algorithm: string, use: "sign" | "verify"): KeyObject {
  if (algorithm !== "RS256") return createSecretKey(key);
  const pem = Buffer.from(key).toString("latin1");
  try {
    return use === "sign" ? createPrivateKey(pem) : createPublicKey(pem);
  } catch {
    const wanted = use === "sign" ? "private key" : "public key or certificate";
    throw invalid(`the key is not the PEM of an RSA ${wanted}`);
  }
}

function record(value: LuaValue): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? JSON.parse(writeJson(value, new Set([value])))
    : {};
}

/**
 * Signs claims.
 *
 * @param header fields beside `alg` and `typ`; may be nil
 * @returns the token in its compact form
 * @throws WippyError Invalid: algorithm, key or claims
 */
export async function signToken(
  claims: LuaValue,
  header: LuaValue,
  key: Uint8Array,
  algorithm: string,
): Promise<string> {
  checkAlgorithm(algorithm);
  if (key.length === 0) throw invalid("the key is empty");
  const payload = new TextEncoder().encode(writeJson(claims, new Set([claims])));
  const protectedHeader = { typ: "JWT", ...record(header), alg: algorithm };
  return await new CompactSign(payload)
    .setProtectedHeader(protectedHeader)
    .sign(keyOf(key, algorithm, "sign"));
}

/** How a token is verified. */
export interface VerifyOptions {
  /** Whether a token without `exp` is refused. */
  requireExpiry: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Verifies a token: its algorithm, signature, `exp` and `nbf`.
 *
 * @returns its claims
 * @throws WippyError Invalid: algorithm or key; Internal: the token is not valid
 */
export async function verifyToken(
  token: string,
  key: Uint8Array,
  algorithm: string,
  { requireExpiry, now }: VerifyOptions,
): Promise<LuaValue> {
  checkAlgorithm(algorithm);
  if (key.length === 0) throw invalid("the key is empty");
  const keyObject = keyOf(key, algorithm, "verify");
  try {
    await jwtVerify(token, keyObject, {
      algorithms: [algorithm],
      currentDate: new Date(now),
      ...(requireExpiry && { requiredClaims: ["exp"] }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WippyError("Internal", `the token is not valid: ${reason}`, { retryable: false });
  }
  const [, payload = ""] = token.split(".");
  return readJson(Buffer.from(payload, "base64url").toString("utf8")).value;
}
