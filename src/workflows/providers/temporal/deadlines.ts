/** What is due at a time. */
interface Deadline {
  at: number;
  passed: () => void;
}

/** A timer cannot be set for longer, in milliseconds. */
const longest = 2 ** 30;

/**
 * Timeouts of which nearly none passes, such as those of requests: one timer, for the first of them, takes less of the
 * processor than one for each.
 */
export class Deadlines {
  readonly #open = new Set<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires. */
  #next = Infinity;

  /** Calls back after `delay` milliseconds. @returns calls it off */
  add(delay: number, passed: () => void): () => void {
    const deadline = { at: performance.now() + delay, passed };
    this.#open.add(deadline);
    if (deadline.at < this.#next) this.#set(deadline.at);
    return () => this.#open.delete(deadline);
  }

  #set(at: number): void {
    clearTimeout(this.#timer);
    this.#next = at;
    const delay = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#look(), Math.min(delay, longest));
    // What is waited for keeps the process; a deadline that was called off does not.
    this.#timer.unref();
  }

  #look(): void {
    const now = performance.now();
    this.#next = Infinity;
    const due = [...this.#open].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    // Each may call off those that follow.
    for (const deadline of due) if (this.#open.delete(deadline)) deadline.passed();
    let next = Infinity;
    for (const { at } of this.#open) next = Math.min(next, at);
    if (next < this.#next) this.#set(next);
  }

  /** Forgets all. */
  close(): void {
    this.#open.clear();
    clearTimeout(this.#timer);
    this.#next = Infinity;
  }
}
