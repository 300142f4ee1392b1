import type { ConsumeOptions } from "./driver.ts";

/** One consumer of a queue, with the messages that it may still get. */
export class Receiver {
  credit: number;

  constructor(readonly options: ConsumeOptions) {
    this.credit = options.concurrency + options.prefetch;
  }
}

/** The consumers of a queue, which take turns. */
export class Receivers {
  #all: Receiver[] = [];
  #next = 0;

  get size(): number {
    return this.#all.length;
  }

  add(options: ConsumeOptions): Receiver {
    const receiver = new Receiver(options);
    this.#all.push(receiver);
    return receiver;
  }

  remove(receiver: Receiver): void {
    this.#all = this.#all.filter((each) => each !== receiver);
  }

  /** Messages that all of them may still get. */
  get credit(): number {
    return this.#all.reduce((sum, { credit }) => sum + Math.max(0, credit), 0);
  }

  /** The next one that may get a message. */
  next(): Receiver | undefined {
    for (let tried = 0; tried < this.#all.length; tried++) {
      this.#next = (this.#next + 1) % this.#all.length;
      const receiver = this.#all[this.#next]!;
      if (receiver.credit > 0) return receiver;
    }
    return undefined;
  }
}
