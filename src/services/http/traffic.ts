/** Seconds that are looked back on. */
const window = 60;
/** Upper bounds of the latencies that are told apart: each half as long again as the one before, in milliseconds. */
const bounds = Array.from({ length: 40 }, (_, index) => 0.1 * 1.5 ** index);

interface Second {
  /** Since 1970. */
  at: number;
  counts: Uint32Array;
  total: number;
}

/** How many requests a server answers, and how fast, as of the last minute. */
export class Traffic {
  readonly #now: () => number;
  readonly #started: number;
  readonly #seconds: Second[] = [];

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
    this.#started = now();
  }

  /** A request was answered after so many milliseconds. */
  record(latency: number): void {
    const at = Math.floor(this.#now() / 1_000);
    let second = this.#seconds.at(-1);
    if (second?.at !== at) {
      second = { at, counts: new Uint32Array(bounds.length), total: 0 };
      this.#seconds.push(second);
      if (this.#seconds.length > window) this.#seconds.shift();
    }
    const found = bounds.findIndex((bound) => latency <= bound);
    const bucket = found < 0 ? bounds.length - 1 : found;
    second.counts[bucket] = second.counts[bucket]! + 1;
    second.total += 1;
  }

  #recent(): Second[] {
    const first = Math.floor(this.#now() / 1_000) - window;
    return this.#seconds.filter(({ at }) => at > first);
  }

  /** Requests per second. */
  get rate(): number {
    const seconds = Math.min(window, Math.max(1, (this.#now() - this.#started) / 1_000));
    return this.#recent().reduce((sum, { total }) => sum + total, 0) / seconds;
  }

  /**
   * The latency that such a part of the requests did not exceed, up to half more; 0 without requests.
   *
   * @param part from 0 to 1
   * @returns milliseconds
   */
  quantile(part: number): number {
    const recent = this.#recent();
    const total = recent.reduce((sum, second) => sum + second.total, 0);
    let seen = 0;
    for (const [index, bound] of bounds.entries()) {
      seen += recent.reduce((sum, { counts }) => sum + counts[index]!, 0);
      if (seen > 0 && seen >= part * total) return bound;
    }
    return 0;
  }
}
