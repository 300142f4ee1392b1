/** Most statements that a thread gets at once. */
export const mostTogether = 128;

const [WAITS, RUNS, STOPPED] = [0, 1, 2];

/**
 * The state of the statements that a thread has, in memory that both threads share: the thread claims each before it
 * runs, and the caller may stop it before or while it runs.
 */
export class Claims {
  /** The state of each statement, and at the end how long the last ones took together. */
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(mostTogether * 4 + 4))) {
    this.words = words;
  }

  /** Milliseconds that the thread took for the last statements that it was given together. */
  get took(): number {
    return this.words[mostTogether]! / 1000;
  }

  set took(milliseconds: number) {
    this.words[mostTogether] = milliseconds * 1000;
  }

  /** Prepares for as many statements as are about to be sent to the thread. */
  begin(count: number): void {
    this.words.fill(WAITS!, 0, count);
  }

  /** Claims a statement. Returns false if it was stopped. */
  claim(at: number): boolean {
    return Atomics.compareExchange(this.words, at, WAITS!, RUNS!) === WAITS;
  }

  /** Whether a statement that runs is to stop. */
  isStopped(at: number): boolean {
    return Atomics.load(this.words, at) === STOPPED;
  }

  /** Stops a statement. Returns whether it had not begun. */
  stop(at: number): boolean {
    return Atomics.exchange(this.words, at, STOPPED!) === WAITS;
  }

  /** The same, but does not stop a running statement. */
  stopUnbegun(at: number): boolean {
    return Atomics.compareExchange(this.words, at, WAITS!, STOPPED!) === WAITS;
  }
}
