/** Statements, at most, that a thread gets at once. */
export const mostTogether = 128;

const [WAITS, RUNS, STOPPED] = [0, 1, 2];

/**
 * What became of the statements that a thread has, in memory that both threads see: the thread claims each before it
 * begins, and who asked for it may stop it before or while it runs.
 */
export class Claims {
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(mostTogether * 4))) {
    this.words = words;
  }

  /** So many statements are about to be given to the thread. */
  begin(count: number): void {
    this.words.fill(WAITS!, 0, count);
  }

  /** Claims a statement. Returns false when it is not wanted any more. */
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

  /** The same, but leaves one alone that runs. */
  stopUnbegun(at: number): boolean {
    return Atomics.compareExchange(this.words, at, WAITS!, STOPPED!) === WAITS;
  }
}
