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

/**
 * A shared secret, or a PEM: PKCS #1 and PKCS #8 to sign; a public key or a certificate to verify.
 *
 * @throws WippyError Invalid: algorithm or key
 */
function checkedKey(key: Uint8Array, algorithm: string, use: "sign" | "verify"): KeyObject {
  if (!algorithms.has(algorithm)) {
    throw invalid(`unknown algorithm "${algorithm}"; use ${[...algorithms].join(", ")}`);
  }
  if (key.length === 0) throw invalid("the key is empty");
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
  const keyObject = checkedKey(key, algorithm, "sign");
  const payload = new TextEncoder().encode(writeJson(claims, new Set([claims])));
  const protectedHeader = { typ: "JWT", ...record(header), alg: algorithm };
  return await new CompactSign(payload)
    .setProtectedHeader(protectedHeader)
    .sign(keyObject);
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
 * @throws WippyError Internal: algorithm, key, or a token that is not valid
 */
export async function verifyToken(
  token: string,
  key: Uint8Array,
  algorithm: string,
  { requireExpiry, now }: VerifyOptions,
): Promise<LuaValue> {
  let keyObject: KeyObject;
  try {
    keyObject = checkedKey(key, algorithm, "verify");
  } catch (error) {
    // Whoever verifies a token asks only whether it is good: all that speaks against it has one kind.
    const { message } = WippyError.from(error);
    throw new WippyError("Internal", message, { retryable: false });
  }
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
