import type { ToWorker } from "../worker/messages.ts";

/** Messages on their way to workers: those that are sent together go in one batch. */
export class Outbox {
  readonly #batches = new Map<number, ToWorker[]>();
  readonly #post: (index: number, batch: ToWorker[]) => boolean;
  readonly #defer: (flush: () => void) => void;
  #flushing = false;
  #deferred = false;

  /**
   * @param post takes a worker's batch, and returns whether it did; what it did not take waits for the next flush
   * @param defer calls back at the end of this turn of the event loop
   */
  constructor(
    post: (index: number, batch: ToWorker[]) => boolean,
    defer: (flush: () => void) => void,
  ) {
    this.#post = post;
    this.#defer = defer;
  }

  /** Sends a message to a worker, with all that waits for it, once the running code has ended. */
  send(index: number, message: ToWorker): void {
    this.#add(index, message);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  /**
   * Sends a message to a worker at the end of this turn of the event loop, or with the next that is sent before: what
   * many sockets bring in one turn, each in a callback of its own, wakes the worker once.
   */
  sendLater(index: number, message: ToWorker): void {
    this.#add(index, message);
    if (this.#deferred) return;
    this.#deferred = true;
    this.#defer(() => {
      this.#deferred = false;
      this.flush();
    });
  }

  #add(index: number, message: ToWorker): void {
    const batch = this.#batches.get(index);
    if (batch) batch.push(message);
    else this.#batches.set(index, [message]);
  }

  /** Sends messages to a worker at once, before what waits for it. */
  sendFirst(index: number, messages: Iterable<ToWorker>): void {
    this.#batches.set(index, [...messages, ...this.#batches.get(index) ?? []]);
    this.flush();
  }

  /** Sends all that waits. */
  flush(): void {
    const batches = [...this.#batches];
    this.#batches.clear();
    for (const [index, batch] of batches) {
      if (!this.#post(index, batch)) this.#batches.set(index, batch);
    }
  }

  /** Drops what waits for a worker. */
  drop(index: number): void {
    this.#batches.delete(index);
  }
}
