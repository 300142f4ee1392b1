/**
 * The middleware that routers may list, by name.
 * @module
 */
import { WippyError } from "../../../vm/error.ts";
import type { Handler } from "../exchange.ts";
import { compress } from "./compress.ts";
import { cors } from "./cors.ts";
import { endpointFirewall, resourceFirewall } from "./firewall.ts";
import { metrics } from "./metrics.ts";
import { names, wrongName, wrongOptions } from "./names.ts";
import { rateLimit } from "./rate-limit.ts";
import { realIp } from "./real-ip.ts";
import { sseRelay, websocketRelay } from "./relay.ts";
import { sendfile } from "./sendfile.ts";
import { tokenAuth } from "./token-auth.ts";
import type { Middleware, MiddlewareFactory, Use } from "./use.ts";

const factories: Readonly<Record<typeof names[number], MiddlewareFactory>> = {
  compress,
  cors,
  endpoint_firewall: endpointFirewall,
  metrics,
  // Spans are those of the call itself; without tracing it does nothing.
  otel: () => (exchange, next) => next(exchange),
  ratelimit: rateLimit,
  real_ip: realIp,
  resource_firewall: resourceFirewall,
  sendfile,
  sse_relay: sseRelay,
  token_auth: tokenAuth,
  websocket_relay: websocketRelay,
};

/** The middleware of a name. @throws WippyError Invalid for an unknown one, and for options that it cannot work with */
export function makeMiddleware(name: string, use: Use): Middleware {
  const known = names.find((each) => each === name);
  if (known !== undefined) {
    const fault = wrongOptions(known, use.options);
    if (fault === undefined) return factories[known](use);
    throw new WippyError("Invalid", fault, { retryable: false });
  }
  const { message, fix } = wrongName(name)!;
  throw new WippyError("Invalid", `${message}; ${fix}`, { retryable: false });
}

/** One handler of a chain and what is behind it. */
export function chained(chain: readonly Middleware[], last: Handler): Handler {
  return chain.reduceRight<Handler>(
    (next, middleware) => (exchange) => middleware(exchange, next),
    last,
  );
}
