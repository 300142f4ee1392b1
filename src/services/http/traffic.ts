/** Seconds that are looked back on. */
const window = 60;
/** Seconds that are kept, each in the place of the one so many before it. */
const kept = 64;
/** The bounds of latencies that are told apart begin at so many milliseconds, each half as long again as the last. */
const [shortest, growth, bounds] = [0.1, 1.5, 40];

/** Places of numbers in the memory of `Counts`. */
const [TOTAL, IN_FLIGHT, SECONDS] = [0, 1, 2];
/** For each second: when it was, since 1970, and how many requests there were by latency. */
const secondSize = 1 + bounds;

/** What one thread counts of its requests. One thread writes, all may read. */
export class Counts {
  readonly #numbers: Float64Array;

  /** Makes memory that threads can share. */
  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer((SECONDS + kept * secondSize) * Float64Array.BYTES_PER_ELEMENT);
  }

  constructor(memory: SharedArrayBuffer = Counts.memory()) {
    this.#numbers = new Float64Array(memory);
  }

  #add(place: number, count: number): void {
    this.#numbers[place] = this.#numbers[place]! + count;
  }

  /** A request is taken. */
  take(): void {
    this.#add(TOTAL, 1);
    this.#add(IN_FLIGHT, 1);
  }

  /** A request stays in flight although it has a response. */
  keep(): void {
    this.#add(IN_FLIGHT, 1);
  }

  release(): void {
    this.#add(IN_FLIGHT, -1);
  }

  /** Counts a response and its latency in milliseconds. @param now milliseconds since 1970 */
  record(latency: number, now: number): void {
    const second = Math.floor(now / 1_000);
    const at = SECONDS + (second % kept) * secondSize;
    if (this.#numbers[at] !== second) {
      this.#numbers.fill(0, at, at + secondSize);
      this.#numbers[at] = second;
    }
    let bound = 0;
    for (let most = shortest; latency > most && bound < bounds - 1; most *= growth) bound += 1;
    this.#add(at + 1 + bound, 1);
  }

  get total(): number {
    return this.#numbers[TOTAL]!;
  }

  get inFlight(): number {
    return this.#numbers[IN_FLIGHT]!;
  }

  /** Requests of the last minute by latency. */
  recent(now: number): number[] {
    const current = Math.floor(now / 1_000);
    const found = new Array<number>(bounds).fill(0);
    for (let at = SECONDS; at < this.#numbers.length; at += secondSize) {
      const second = this.#numbers[at]!;
      if (second <= current - window || second > current) continue;
      for (let i = 0; i < bounds; i++) found[i] = found[i]! + this.#numbers[at + 1 + i]!;
    }
    return found;
  }
}

/** How many requests a server answers, and how fast, as of the last minute. */
export class Traffic {
  readonly #now: () => number;
  readonly #started: number;
  readonly #counts = new Set<Counts>();
  /** Requests of threads that have ended. */
  #past = 0;

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
    this.#started = now();
  }

  /** Adds what another thread counts. */
  add(counts: Counts): void {
    this.#counts.add(counts);
  }

  /** Removes a thread that has ended; its totals are kept. */
  remove(counts: Counts): void {
    if (this.#counts.delete(counts)) this.#past += counts.total;
  }

  get total(): number {
    return [...this.#counts].reduce((sum, { total }) => sum + total, this.#past);
  }

  get inFlight(): number {
    return [...this.#counts].reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  #recent(): number[] {
    const found = new Array<number>(bounds).fill(0);
    for (const counts of this.#counts) {
      for (const [index, count] of counts.recent(this.#now()).entries()) found[index]! += count;
    }
    return found;
  }

  /** Requests per second. */
  get rate(): number {
    const seconds = Math.min(window, Math.max(1, (this.#now() - this.#started) / 1_000));
    return this.#recent().reduce((sum, count) => sum + count, 0) / seconds;
  }

  /**
   * The latency that such a part of the requests did not exceed, up to half more; 0 without requests.
   *
   * @param part from 0 to 1
   * @returns milliseconds
   */
  quantile(part: number): number {
    const recent = this.#recent();
    const total = recent.reduce((sum, count) => sum + count, 0);
    let seen = 0;
    for (const [index, count] of recent.entries()) {
      seen += count;
      if (seen > 0 && seen >= part * total) return shortest * growth ** index;
    }
    return 0;
  }
}
