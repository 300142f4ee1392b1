/** The rate limit of a client. */
export interface Limit {
  /** In one window. */
  requests: number;
  /** Milliseconds. */
  window: number;
  /** At once. */
  burst: number;
  /** Milliseconds after which a client that sent nothing is forgotten. */
  ttl: number;
  /** Clients that are remembered. */
  most: number;
}

/** The state of a client's bucket. */
interface Bucket {
  tokens: number;
  /** Milliseconds of the platform's clock. */
  seen: number;
}

/** A bucket for each client, which holds `burst` and fills with `requests` in `window`. */
export class Buckets {
  readonly #limit: Limit;
  readonly #now: () => number;
  /** The one that was seen longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds */
  constructor(limit: Limit, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** Takes one out of a client's bucket; false when it is empty. */
  take(client: string): boolean {
    const { requests, window, burst, ttl, most } = this.#limit;
    const now = this.#now();
    const found = this.#buckets.get(client);
    const bucket = found !== undefined && now - found.seen < ttl
      ? found
      : { tokens: burst, seen: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.seen) * requests / window);
    bucket.seen = now;
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    for (const [oldest, { seen }] of this.#buckets) {
      if (this.#buckets.size <= most && now - seen < ttl) break;
      this.#buckets.delete(oldest);
    }
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}
