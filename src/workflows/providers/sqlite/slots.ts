import type { Book } from "./book.ts";

/**
 * Which attempts of activities run at once, by their tokens. An attempt keeps its slot until its worker
 * has answered, also when nobody waits for the answer any more. Changes are taken back when their
 * transaction is rolled back.
 */
export class Slots {
  readonly #limit: number;
  readonly #taken = new Set<string>();
  /** In the order of arrival. */
  readonly #queue = new Set<string>();

  /** @param limit without limit when absent. */
  constructor(limit = Infinity) {
    this.#limit = limit;
  }

  /** Takes a slot for an attempt if one is free and nobody waits for it. */
  take(book: Book, token: string): boolean {
    if (this.#limit === Infinity) return true;
    if (this.#taken.size >= this.#limit || this.#queue.size > 0) return false;
    this.#add(book, this.#taken, token);
    return true;
  }

  release(book: Book, token: string): void {
    this.#remove(book, this.#taken, token);
  }

  enqueue(book: Book, token: string): void {
    this.#add(book, this.#queue, token);
  }

  /** Gives a free slot to the attempt that waits for longest and answers its token. */
  next(book: Book): string | undefined {
    if (this.#taken.size >= this.#limit) return undefined;
    const [token] = this.#queue;
    if (token === undefined) return undefined;
    this.#remove(book, this.#queue, token);
    this.#add(book, this.#taken, token);
    return token;
  }

  #add(book: Book, set: Set<string>, token: string): void {
    set.add(token);
    book.undo.push(() => set.delete(token));
  }

  #remove(book: Book, set: Set<string>, token: string): void {
    if (set.delete(token)) book.undo.push(() => set.add(token));
  }
}
