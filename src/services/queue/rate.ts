import type { Platform } from "../../platform/platform.ts";

/** Seconds over which a rate is taken. */
const span = 10;

/** Counts events, and how many there were per second of late. */
export class Rate {
  readonly #platform: Pick<Platform, "precise">;
  /** Of the last seconds, each in its place. */
  readonly #counts = new Array<number>(span).fill(0);
  #second = 0;
  /** Of this turn: to read the clock for each would take longer than the rest of a message's way. */
  #fresh = 0;
  total = 0;

  constructor(platform: Pick<Platform, "precise">) {
    this.#platform = platform;
  }

  /** Counts what is new in the second that it is. */
  readonly #advance = (): void => {
    const now = Math.floor(this.#platform.precise() / 1000);
    const passed = Math.min(span, now - this.#second);
    for (let step = 1; step <= passed; step++) this.#counts[(this.#second + step) % span] = 0;
    if (passed >= span) this.#counts.fill(0);
    this.#second = now;
    this.#counts[now % span]! += this.#fresh;
    this.#fresh = 0;
  };

  add(): void {
    this.total += 1;
    this.#fresh += 1;
    if (this.#fresh === 1) queueMicrotask(this.#advance);
  }

  /** Events per second in the last ten seconds. */
  get perSecond(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0) / span;
  }
}
