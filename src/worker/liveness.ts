/**
 * Which units live on which worker, in memory that all workers share: a worker that sends to a unit of
 * another need not ask whether it is there.
 *
 * Each worker writes its own part: the highest sequence number that it gave to a PID, and one bit for each of
 * the last 2^22 numbers, set when the unit has ended. What the part does not know is asked of the worker.
 * @module
 */

/** Sequence numbers that a worker's part remembers; a power of two. Of a worker that is alone nobody asks. */
const WINDOW = 2 ** 22;
const ALONE = 2 ** 10;
/** Bytes before the bits: the highest number, and how often units have ended, modulo 2^32. */
const HEADER = 16;

/** The memory for the liveness of `workers` workers. */
export function livenessMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * (HEADER + (workers === 1 ? ALONE : WINDOW) / 8));
}

export class Liveness {
  readonly #highest: BigInt64Array[] = [];
  readonly #ends: Int32Array[] = [];
  readonly #ended: Int32Array[] = [];
  readonly #index: number;
  readonly #window: number;
  /** The highest number whose bit is prepared; only of this worker's own part. */
  #prepared = 0;

  /** @param index the worker that writes through this object */
  constructor(memory: SharedArrayBuffer, index: number) {
    this.#window = memory.byteLength > HEADER + ALONE / 8 ? WINDOW : ALONE;
    const part = HEADER + this.#window / 8;
    for (let at = 0; at < memory.byteLength; at += part) {
      this.#highest.push(new BigInt64Array(memory, at, 1));
      this.#ends.push(new Int32Array(memory, at + HEADER / 2, 1));
      this.#ended.push(new Int32Array(memory, at + HEADER, this.#window / 32));
    }
    this.#index = index;
  }

  /** Starts over: of the numbers up to `highest` only those of `alive` are of living units. */
  reset(highest: number, alive: Iterable<number>): void {
    const ended = this.#ended[this.#index]!;
    Atomics.store(this.#highest[this.#index]!, 0, -1n);
    ended.fill(-1);
    for (const sequence of alive) {
      if (sequence > highest - this.#window) {
        ended[this.#wordOf(sequence)]! &= ~(1 << (sequence & 31));
      }
    }
    this.#prepared = highest;
    Atomics.store(this.#highest[this.#index]!, 0, BigInt(highest));
    Atomics.add(this.#ends[this.#index]!, 0, 1);
  }

  /** Notes that numbers up to `highest` are given away and that the units of `gone` have ended. */
  update(highest: number, gone: Iterable<number>): void {
    const ended = this.#ended[this.#index]!;
    for (let next = this.#prepared + 1; next <= highest; next++) {
      if ((next & 31) === 0 && next + 31 <= highest) {
        Atomics.store(ended, this.#wordOf(next), 0);
        next += 31;
      } else Atomics.and(ended, this.#wordOf(next), ~(1 << (next & 31)));
    }
    this.#prepared = Math.max(this.#prepared, highest);
    let changed = false;
    for (const sequence of gone) {
      changed = true;
      if (sequence > this.#prepared - this.#window) {
        Atomics.or(ended, this.#wordOf(sequence), 1 << (sequence & 31));
      }
    }
    Atomics.store(this.#highest[this.#index]!, 0, BigInt(this.#prepared));
    if (changed) Atomics.add(this.#ends[this.#index]!, 0, 1);
  }

  /** Changes whenever units of other workers have ended: who was alive is so as long as it stays the same. */
  ends(): number {
    let all = 0;
    for (const [worker, ends] of this.#ends.entries()) {
      if (worker !== this.#index) all += Atomics.load(ends, 0);
    }
    return all >>> 0;
  }

  /** Whether the unit with that number is known to live on `worker`; false also when that is not known. */
  alive(worker: number, sequence: number): boolean {
    const highest = this.#highest[worker];
    if (!highest) return false;
    const last = Number(Atomics.load(highest, 0));
    // The first number is 1; a PID that somebody has made up may have any.
    if (sequence < 1 || sequence > last || sequence <= last - this.#window) return false;
    return (Atomics.load(this.#ended[worker]!, this.#wordOf(sequence)) & (1 << (sequence & 31))) ===
      0;
  }

  #wordOf(sequence: number): number {
    return Math.floor(sequence / 32) % (this.#window / 32);
  }
}
