import { suggest } from "../../../registry/suggestion.ts";
import { rangeFault } from "./ranges.ts";

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

/** What is wrong with the options of a middleware; undefined when it can work with them. */
export function wrongOptions(
  name: string,
  options: Readonly<Record<string, string>>,
): string | undefined {
  switch (name) {
    case "token_auth":
      if (options["token_auth.store"]) return undefined;
      return "token_auth needs the option token_auth.store, the id of a security.token_store";
    case "resource_firewall":
      if (options["resource_firewall.target"] ?? options["target"]) return undefined;
      return "resource_firewall needs the option resource_firewall.target";
    case "real_ip":
      return rangeFault(options["real_ip.trusted.subnets"] ?? options["trusted_subnets"]);
    default:
      return undefined;
  }
}
