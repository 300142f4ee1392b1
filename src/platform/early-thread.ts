/**
 * A thread that may be started before it is known what it will do: its code is read meanwhile, beside that of the main
 * thread. It does nothing until it is sent its first message.
 */
export class EarlyThread {
  readonly #make: () => Worker;
  #early: Worker | undefined;

  constructor(make: () => Worker) {
    this.#make = make;
  }

  /** Starts the thread that is taken next, unless it is on its way already. */
  start(): void {
    if (this.#early) return;
    const thread = this.#early = this.#make();
    // Whoever takes a thread hears of its errors; one that fails before that is not taken.
    thread.onerror = () => {
      if (this.#early === thread) this.#early = undefined;
    };
  }

  /** The thread that was started, or a new one. It belongs to the caller. */
  take(): Worker {
    const thread = this.#early ?? this.#make();
    this.#early = undefined;
    thread.onerror = null;
    return thread;
  }

  /** Ends a thread that nobody will take. */
  drop(): void {
    this.#early?.terminate();
    this.#early = undefined;
  }
}
