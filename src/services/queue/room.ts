import { WippyError } from "../../vm/error.ts";
import { Fifo } from "./fifo.ts";

interface Waiting {
  enter(): void;
  refuse(error: WippyError): void;
}

/** The places of a queue: whoever finds none waits, in order. */
export class Room {
  readonly #line = new Fifo<Waiting>();
  #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Places. */
  set most(most: number) {
    this.#most = most;
    this.#admit();
  }

  /** Places that are taken; may be more than there are, as what was in comes back. */
  get taken(): number {
    return this.#taken;
  }

  set taken(taken: number) {
    this.#taken = taken;
    this.#admit();
  }

  /** Places that whoever comes now may have. */
  get left(): number {
    return this.#line.size > 0 ? 0 : Math.max(0, this.#most - this.#taken);
  }

  /** Those that wait. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Takes a place; waits for one. @throws WippyError Canceled; what `refuse` was given */
  enter(signal?: AbortSignal): Promise<void> | void {
    if (this.#taken < this.#most && this.#line.size === 0) {
      this.#taken += 1;
      return;
    }
    const canceled = () => new WippyError("Canceled", "operation canceled", { retryable: false });
    if (signal?.aborted) throw canceled();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { enter: resolve, refuse: reject };
    const cancel = () => {
      this.#line.remove(waiting);
      reject(canceled());
    };
    signal?.addEventListener("abort", cancel, { once: true });
    this.#line.push(waiting);
    return promise.finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** Frees a place. */
  leave(): void {
    this.taken -= 1;
  }

  #admit(): void {
    while (this.#taken < this.#most) {
      const waiting = this.#line.shift();
      if (!waiting) return;
      this.#taken += 1;
      waiting.enter();
    }
  }

  /** Sends away all that wait. */
  refuse(error: WippyError): void {
    for (let waiting = this.#line.shift(); waiting; waiting = this.#line.shift()) {
      waiting.refuse(error);
    }
  }
}
