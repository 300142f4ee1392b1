import { plain } from "../exchange.ts";
import { bare } from "./real-ip.ts";
import type { Middleware, Use } from "./use.ts";

/** A whole number of s, m or h; anything else is the default. */
function durationOf(text: string | undefined, fallback: string): string {
  return text !== undefined && /^\d+[smh]$/.test(text) ? text : fallback;
}

function millisecondsOf(duration: string): number {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[duration.slice(-1) as "s" | "m" | "h"];
  return Number(duration.slice(0, -1)) * unit;
}

function countOf(text: string | undefined, fallback: number): number {
  const count = Number(text);
  return Number.isInteger(count) && count > 0 ? count : fallback;
}

/** At most so many requests of one client: a bucket that holds `burst` and fills with `requests` in `window`. */
export function rateLimit({ options, context, place }: Use): Middleware {
  const option = (name: string) => options[`ratelimit.${name}`] ?? options[name];
  const requests = countOf(option("requests"), 100);
  const asked = durationOf(option("window"), "1m");
  const window = Math.max(1_000, millisecondsOf(asked));
  const burst = countOf(option("burst"), 20);
  const key = option("key") ?? "ip";
  const ttl = millisecondsOf(durationOf(option("entry_ttl"), "10m"));
  const most = countOf(option("max_entries"), 100_000);
  const limit = { requests, window, burst, ttl, most };
  const buckets = context.limiter(place, limit);

  return async (exchange, next) => {
    const [kind, name = ""] = key.split(/:(.*)/s);
    const value = kind === "header"
      ? exchange.request.headers.get(name)
      : kind === "query"
      ? exchange.url.searchParams.get(name)
      : bare(exchange.remote);
    if (value === null || value === "") return plain(400, "Rate limit key extraction failed");
    if (await buckets.take(value)) return await next(exchange);
    return plain(429, "Rate limit exceeded", {
      "x-ratelimit-limit": String(requests),
      "x-ratelimit-window": window > millisecondsOf(asked) ? "1s" : asked,
    });
  };
}
