/**
 * What keeps strangers out of the admin server: names of hosts, origins, headers of answers.
 * @module
 */
import { isIP } from "node:net";

/** How the server is reached. */
export interface ReachOptions {
  /** Further names of this server in requests. */
  names: readonly string[];
  tls?: { cert: string; key: string };
}

/** The page loads nothing from elsewhere and runs nothing inline. */
const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; " +
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  // Not "no-referrer", with which browsers hide the origin of forms too.
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
};

/** Sets what is sent with every answer. @param encrypted whether the server uses TLS */
export function secureHeaders(headers: Headers, encrypted: boolean): void {
  for (const [name, value] of Object.entries(securityHeaders)) headers.set(name, value);
  if (encrypted) headers.set("strict-transport-security", "max-age=31536000");
}

/** Whether an address is this machine's own. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The name in a Host header, without its port and brackets. */
function hostName(header: string): string {
  return header.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

/**
 * Whether a Host header names this server. A page of another site that has its own name resolve to this machine (DNS
 * rebinding) sends that name; addresses cannot be rebound.
 *
 * @param allowed further names that lead here
 */
export function allowsHost(header: string | null, allowed: readonly string[]): boolean {
  if (header === null) return false;
  const name = hostName(header);
  return name === "localhost" || isIP(name) !== 0 || allowed.includes(name);
}

/** Whether a request was made by a page of this server, or by no page at all. */
export function allowsOrigin(request: Request, host: string): boolean {
  const site = request.headers.get("sec-fetch-site");
  // A link from elsewhere may lead to a page here; everything else must come from here.
  const navigates = request.method === "GET" &&
    request.headers.get("sec-fetch-mode") === "navigate" &&
    request.headers.get("sec-fetch-dest") === "document";
  if (site !== null && site !== "same-origin" && site !== "none" && !navigates) return false;
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  return origin === `http://${host}` || origin === `https://${host}`;
}
