import type { Platform } from "../../platform/platform.ts";

/** Seconds over which a rate is taken. */
const span = 10;

/** Counts events, and how many there were per second of late. */
export class Rate {
  readonly #platform: Pick<Platform, "precise">;
  /** Of the last seconds, each in its place. */
  readonly #counts = new Array<number>(span).fill(0);
  #second = 0;
  total = 0;

  constructor(platform: Pick<Platform, "precise">) {
    this.#platform = platform;
  }

  #advance(): void {
    const now = Math.floor(this.#platform.precise() / 1000);
    const passed = Math.min(span, now - this.#second);
    for (let step = 1; step <= passed; step++) this.#counts[(this.#second + step) % span] = 0;
    if (passed >= span) this.#counts.fill(0);
    this.#second = now;
  }

  add(): void {
    this.#advance();
    this.total += 1;
    this.#counts[this.#second % span]! += 1;
  }

  /** Events per second in the last ten seconds. */
  get perSecond(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0) / span;
  }
}
