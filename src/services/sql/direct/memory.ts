/** Most queries that a thread has of one worker at once. */
export const mostQueries = 256;

const [WAITS, RUNS, STOPPED] = [0, 1, 2] as const;
/** The first words hold how many queries were answered, and how many are open. */
const head = 4;

/**
 * The state of the queries that a thread has of a worker, in memory that both threads and the node's share. The worker
 * gives each the next place of a ring and may stop it; the thread claims each before it runs.
 */
export class DirectMemory {
  readonly #words: Int32Array;
  readonly #counts: Float64Array;

  constructor(
    readonly buffer: SharedArrayBuffer = new SharedArrayBuffer((head + mostQueries) * 4),
  ) {
    this.#words = new Int32Array(buffer);
    this.#counts = new Float64Array(buffer, 0, 1);
  }

  /** Queries that were answered with rows; only the thread changes it. */
  get answered(): number {
    return this.#counts[0]!;
  }

  set answered(count: number) {
    this.#counts[0] = count;
  }

  /** Queries that have not ended; only the worker changes it. */
  get open(): number {
    return Atomics.load(this.#words, 2);
  }

  set open(count: number) {
    Atomics.store(this.#words, 2, count);
  }

  #at(number: number): number {
    return head + number % mostQueries;
  }

  /** Prepares the place of a query that is about to be sent. */
  begin(number: number): void {
    Atomics.store(this.#words, this.#at(number), WAITS);
  }

  /** Claims a query. Returns false if it was stopped. */
  claim(number: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at(number), WAITS, RUNS) === WAITS;
  }

  /** Whether a query that runs is to stop. */
  isStopped(number: number): boolean {
    return Atomics.load(this.#words, this.#at(number)) === STOPPED;
  }

  /** Stops a query, also one that runs. */
  stop(number: number): void {
    Atomics.store(this.#words, this.#at(number), STOPPED);
  }

  /** Stops all queries of a worker that has died. */
  stopAll(): void {
    for (let number = 0; number < mostQueries; number += 1) this.stop(number);
    this.open = 0;
  }

  /** Takes a query back. Returns false if it has begun. */
  withdraw(number: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at(number), WAITS, STOPPED) === WAITS;
  }
}
