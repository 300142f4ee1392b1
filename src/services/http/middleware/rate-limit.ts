import { plain } from "../exchange.ts";
import { bare } from "./real-ip.ts";
import type { Middleware, Use } from "./use.ts";

/** A whole number of s, m or h, as milliseconds; anything else is the default. */
function durationOf(text: string | undefined, fallback: number): number {
  const [, amount, unit] = /^(\d+)([smh])$/.exec(text ?? "") ?? [];
  if (amount === undefined || unit === undefined) return fallback;
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as "s" | "m" | "h"];
}

function countOf(text: string | undefined, fallback: number): number {
  const count = Number(text);
  return Number.isInteger(count) && count > 0 ? count : fallback;
}

/** What a client has left. */
interface Bucket {
  tokens: number;
  /** Milliseconds of the platform's clock. */
  seen: number;
}

/** At most so many requests of one client: a bucket that holds `burst` and fills with `requests` in `window`. */
export function rateLimit({ options, context }: Use): Middleware {
  const option = (name: string) => options[`ratelimit.${name}`] ?? options[name];
  const requests = countOf(option("requests"), 100);
  const window = Math.max(1_000, durationOf(option("window"), 60_000));
  const burst = countOf(option("burst"), 20);
  const key = option("key") ?? "ip";
  const ttl = durationOf(option("entry_ttl"), 600_000);
  const most = countOf(option("max_entries"), 100_000);
  const { platform } = context;
  // The one that was seen longest ago comes first.
  const buckets = new Map<string, Bucket>();

  const take = (name: string): boolean => {
    const now = platform.now();
    const found = buckets.get(name);
    const bucket = found !== undefined && now - found.seen < ttl
      ? found
      : { tokens: burst, seen: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.seen) * requests / window);
    bucket.seen = now;
    buckets.delete(name);
    buckets.set(name, bucket);
    for (const [oldest, { seen }] of buckets) {
      if (buckets.size <= most && now - seen < ttl) break;
      buckets.delete(oldest);
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };

  return async (exchange, next) => {
    const [kind, name = ""] = key.split(/:(.*)/s);
    const value = kind === "header"
      ? exchange.request.headers.get(name)
      : kind === "query"
      ? exchange.url.searchParams.get(name)
      : bare(exchange.remote);
    if (value === null || value === "") return plain(400, "Rate limit key extraction failed");
    if (take(value)) return await next(exchange);
    return plain(429, "Rate limit exceeded", {
      "x-ratelimit-limit": String(requests),
      "x-ratelimit-window": option("window") ?? "1m",
    });
  };
}
