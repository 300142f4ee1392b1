/** Where changes in memory are noted, to be taken back by a rollback. */
interface Undoable {
  readonly undo: (() => void)[];
}

/**
 * Which attempts of activities run at once, by their tokens. An attempt keeps its slot until its worker
 * has answered, also when nobody waits for the answer any more. Changes are taken back when their
 * transaction is rolled back.
 */
export class Slots {
  readonly #limit: number;
  readonly #taken = new Set<string>();
  /** Those who wait, in the order of arrival, from `#head` on. */
  #queue: string[] = [];
  #head = 0;

  /** @param limit without limit when absent. */
  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  /** Takes a slot for an attempt if one is free and nobody waits for it. */
  take(tx: Undoable, token: string): boolean {
    if (this.#limit === Infinity) return true;
    if (this.#taken.size >= this.#limit || this.#head < this.#queue.length) return false;
    this.#occupy(tx, token);
    return true;
  }

  release(tx: Undoable, token: string): void {
    if (this.#taken.delete(token)) tx.undo.push(() => this.#taken.add(token));
  }

  enqueue(tx: Undoable, token: string): void {
    this.#queue.push(token);
    tx.undo.push(() => this.#queue.pop());
  }

  /** Hands a free slot to the attempt that waits for longest. Returns its token. */
  next(tx: Undoable): string | undefined {
    if (this.#taken.size >= this.#limit) return undefined;
    const token = this.#queue[this.#head];
    if (token === undefined) return undefined;
    this.#head++;
    tx.undo.push(() => this.#head--);
    this.#occupy(tx, token);
    return token;
  }

  /** Forgets those who wait no more; called between transactions. */
  trim(): void {
    if (this.#head <= 1_000 || 2 * this.#head <= this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  #occupy(tx: Undoable, token: string): void {
    this.#taken.add(token);
    tx.undo.push(() => this.#taken.delete(token));
  }
}
