/** The longest delay of a timer, in milliseconds, about 24.8 days: a longer one fires at once. */
export const longestTimer: number = 2 ** 31 - 1;

/** Where randomness comes from. */
export interface Randomness {
  uuid(): string;
  /** A whole number of 32 bits. */
  seed(): number;
  /** From 0 up to 1, without 1. */
  fraction(): number;
  /** Bytes fit for secrets. */
  bytes(count: number): Uint8Array;
}

/**
 * The clock, the timers, the event loop and the randomness of a runtime. Whatever depends on them asks this
 * port, so that a whole runtime can run in a simulation (`simulation.ts`) instead of on the machine (`machine.ts`).
 *
 * @example
 * ```ts
 * class Reminder {
 *   constructor(private readonly platform: Platform = machine) {}
 *
 *   // Not setTimeout: a test passes `new Simulation({ seed: 1 })`, where a day takes no time.
 *   remind(delay: number, say: (at: number) => void): () => void {
 *     return this.platform.setTimer(delay, () => say(this.platform.now()));
 *   }
 * }
 * ```
 */
export interface Platform {
  /** Whole milliseconds since the epoch. */
  now(): number;
  /** Whether `now` never jumps, because nobody sets it. @default false */
  steady?: boolean;
  /** Milliseconds since the epoch with a fraction; never runs backwards. */
  precise(): number;
  /** Calls back once after that many milliseconds. Returns a function that cancels it. */
  setTimer(delay: number, callback: () => void): () => void;
  /** Calls back when everything that has arrived by now has been received. Returns a function that cancels it. */
  defer(callback: () => void): () => void;
  random: Randomness;
  /**
   * Told of each commit of a journal that has written something, by the thread that commits: for what crashes a
   * runtime between two.
   */
  committed?(): void;
}

/** Fulfilled after that many milliseconds. */
export function sleep({ setTimer }: Platform, delay: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimer(delay, resolve);
  return promise;
}
