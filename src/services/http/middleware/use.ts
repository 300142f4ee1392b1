import type { Exchange, Handler } from "../exchange.ts";
import type { Meters } from "../meters.ts";
import type { Serving } from "../serving.ts";

/** A chain that a name stands in: before or after the match of the route is known. */
export type Chain = "pre" | "post";

/** Handles a request, by itself or by what is behind it. */
export type Middleware = (exchange: Exchange, next: Handler) => Response | Promise<Response>;

/** Where a middleware is used. */
export interface Use {
  /** Texts, as the entry has them. */
  options: Readonly<Record<string, string>>;
  chain: Chain;
  /** The entry that lists it, the chain, and the place in that. */
  place: string;
  context: Serving;
  meters: Meters;
}

/** Makes a middleware of its options. @throws WippyError Invalid */
export type MiddlewareFactory = (use: Use) => Middleware;
