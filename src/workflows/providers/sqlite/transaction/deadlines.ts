/** What the journal does when a time in memory has come. */
export type Deadline =
  /** The attempt has taken too long. */
  | {
    kind: "attempt";
    run: number;
    seq: number;
    attempt: number;
    timeout: "start_to_close" | "heartbeat";
  }
  /** No slot was free for the attempt for too long. */
  | { kind: "slot"; run: number; seq: number; attempt: number }
  /** The task was not completed in time. */
  | { kind: "task"; run: number; lease: number }
  /** The task that was lost is to be handed out again. */
  | { kind: "redo"; run: number; lease: number };

/** What a deadline is set and deleted by: the number of a run for its task, a text for an activity. */
type DeadlineKey = number | string;

interface Entry {
  key: DeadlineKey;
  due: number;
  deadline: Deadline;
  index: number;
}

/**
 * Deadlines that need not survive a crash: what they watch over is lost by it. A binary heap whose
 * entries know their place, because nearly all of them are removed long before they are due.
 */
export class Deadlines {
  readonly #heap: Entry[] = [];
  readonly #byKey = new Map<DeadlineKey, Entry>();

  /** Sets or moves the deadline of `key`. `due` in milliseconds since the epoch. */
  set(key: DeadlineKey, due: number, deadline: Deadline): void {
    this.delete(key);
    const entry = { key, due, deadline, index: this.#heap.length };
    this.#byKey.set(key, entry);
    this.#heap.push(entry);
    this.#up(entry);
  }

  delete(key: DeadlineKey): void {
    const entry = this.#byKey.get(key);
    if (!entry) return;
    this.#byKey.delete(key);
    const last = this.#heap.pop()!;
    if (last === entry) return;
    this.#place(last, entry.index);
    this.#up(last);
    this.#down(last);
  }

  /** Deletes the deadline of `key` if it is still this one. */
  expire(key: DeadlineKey, deadline: Deadline): void {
    if (this.#byKey.get(key)?.deadline === deadline) this.delete(key);
  }

  /** The time of the first deadline. */
  next(): number | undefined {
    return this.#heap[0]?.due;
  }

  /** Everything that is due, the first first. It stays until it is deleted or set again. */
  dueAt(now: number): { key: DeadlineKey; deadline: Deadline }[] {
    const found: Entry[] = [];
    const visit = (index: number) => {
      const entry = this.#heap[index];
      if (!entry || entry.due > now) return;
      found.push(entry);
      visit(2 * index + 1);
      visit(2 * index + 2);
    };
    visit(0);
    return found.sort((a, b) => a.due - b.due);
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry;
    entry.index = index;
  }

  #up(entry: Entry): void {
    while (entry.index > 0) {
      const index = entry.index;
      const parent = this.#heap[(index - 1) >> 1]!;
      if (parent.due <= entry.due) return;
      this.#place(parent, index);
      this.#place(entry, (index - 1) >> 1);
    }
  }

  #down(entry: Entry): void {
    for (;;) {
      const index = entry.index;
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const child = right && left && right.due < left.due ? right : left;
      if (!child || child.due >= entry.due) return;
      const childIndex = child.index;
      this.#place(child, index);
      this.#place(entry, childIndex);
    }
  }
}
