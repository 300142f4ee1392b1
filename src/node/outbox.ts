import type { ToWorker } from "../worker/messages.ts";

/** Messages on their way to workers: those of one turn of the event loop go in one batch. */
export class Outbox {
  readonly #batches = new Map<number, ToWorker[]>();
  readonly #post: (index: number, batch: ToWorker[]) => boolean;
  #flushing = false;

  /** @param post takes a worker's batch, and returns whether it did; what it did not take waits for the next flush */
  constructor(post: (index: number, batch: ToWorker[]) => boolean) {
    this.#post = post;
  }

  /** Sends a message to a worker, at the end of this turn. */
  send(index: number, message: ToWorker): void {
    const batch = this.#batches.get(index);
    if (batch) batch.push(message);
    else this.#batches.set(index, [message]);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.flush());
  }

  /** Sends messages to a worker at once, before what waits for it. */
  sendFirst(index: number, messages: Iterable<ToWorker>): void {
    this.#batches.set(index, [...messages, ...this.#batches.get(index) ?? []]);
    this.flush();
  }

  /** Sends all that waits. */
  flush(): void {
    this.#flushing = false;
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
