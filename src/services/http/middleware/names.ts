import { suggest } from "../../../registry/suggestion.ts";

/** Middleware that routers may list. */
export const names = [
  "compress",
  "cors",
  "endpoint_firewall",
  "metrics",
  "otel",
  "ratelimit",
  "real_ip",
  "resource_firewall",
  "sendfile",
  "sse_relay",
  "token_auth",
  "websocket_relay",
] as const;

/** What is wrong with a name, and how to correct it; undefined for one that is known. */
export function wrongName(name: string): { message: string; fix: string } | undefined {
  if (names.some((known) => known === name)) return undefined;
  return {
    message: `unknown middleware: ${name}`,
    fix: suggest(name, names, `use one of ${names.join(", ")}`),
  };
}
