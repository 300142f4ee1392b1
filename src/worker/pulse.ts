/**
 * The heartbeat of workers, in memory that the node reads also while a worker stands still: each beats from its event
 * loop, and C code that loops for long notes for whom it does so.
 * @module
 */

/** Milliseconds between two beats. */
export const beatInterval = 250;

/** Bytes of a note at most. */
const noteBytes = 256;
/** Words of a worker: its beats, the beat at which the note was written, its length, the thread; then the note. */
const header = 4;
const words = header + noteBytes / 4;

/** The memory for the heartbeats of `workers` workers. */
export function pulseMemory(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * words * 4);
}

/** The heartbeat of one worker. */
export class Pulse {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param index the worker whose heartbeat it is */
  constructor(memory: SharedArrayBuffer, index: number) {
    const start = index * words * 4;
    this.#words = new Int32Array(memory, start, header);
    this.#bytes = new Uint8Array(memory, start + header * 4, noteBytes);
  }

  /** The thread that beats, as `currentThread` numbers it; 0 when that is not known. */
  get thread(): number {
    return Atomics.load(this.#words, 3);
  }

  set thread(thread: number) {
    Atomics.store(this.#words, 3, thread);
  }

  /** Beats once. */
  beat(): void {
    Atomics.add(this.#words, 0, 1);
  }

  /** Notes what the worker is doing; the note holds until the next beat. */
  note(what: string): void {
    const text = Buffer.from(what).subarray(0, noteBytes);
    this.#bytes.set(text);
    Atomics.store(this.#words, 2, text.length);
    Atomics.store(this.#words, 1, Atomics.load(this.#words, 0) + 1);
  }

  /** Number of beats so far, and what was noted since the last. */
  read(): { beats: number; doing: string | undefined } {
    const beats = Atomics.load(this.#words, 0);
    if (Atomics.load(this.#words, 1) !== beats + 1) return { beats, doing: undefined };
    const text = this.#bytes.slice(0, Atomics.load(this.#words, 2));
    return { beats, doing: Buffer.from(text).toString() };
  }
}
