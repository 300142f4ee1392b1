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
  "websocket_relay",
] as const;

/** Middleware of the reference that is not there yet, and what to do instead. */
const absent: Readonly<Record<string, string>> = {
  token_auth: "check the token in the function of the endpoint",
};

/** What is wrong with a name, and how to correct it; undefined for one that is known. */
export function wrongName(name: string): { message: string; fix: string } | undefined {
  if (names.some((known) => known === name)) return undefined;
  const instead = Object.hasOwn(absent, name) ? absent[name] : undefined;
  return instead === undefined
    ? {
      message: `unknown middleware: ${name}`,
      fix: suggest(name, names, `use one of ${names.join(", ")}`),
    }
    : { message: `this runtime does not have the middleware ${name}`, fix: instead };
}
