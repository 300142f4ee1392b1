import type { Middleware, Use } from "./use.ts";

/** Methods that have a label of their own: clients must not be able to make labels. */
const known: ReadonlySet<string> = new Set(
  ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"],
);

/** Counts requests by method, route and status. */
export function metrics({ chain, context, meters }: Use): Middleware {
  return async (exchange, next) => {
    const route = chain === "post" ? exchange.endpoint ?? "unmatched" : "unmatched";
    const { method } = exchange.request;
    const end = meters.begin(
      known.has(method) ? method : "other",
      route,
      () => context.platform.now(),
    );
    try {
      const response = await next(exchange);
      end(response.status);
      return response;
    } catch (error) {
      end(500);
      throw error;
    }
  };
}
