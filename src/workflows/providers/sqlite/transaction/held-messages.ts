import type { JournalRequest } from "../protocol.ts";

/** Where changes in memory are noted, to be taken back by a rollback. */
interface Undoable {
  readonly undo: (() => void)[];
}

/**
 * Messages that wait, unanswered, for the outcome of a task that may end their run, by its number. They
 * are not written: who sent one when the runtime ends has no answer, and sends it again.
 */
export class HeldMessages {
  readonly #byRun = new Map<number, JournalRequest[]>();

  /** Lets a message wait. */
  add(tx: Undoable, run: number, request: JournalRequest): void {
    const held = this.#byRun.get(run) ?? [];
    this.#byRun.set(run, held);
    held.push(request);
    tx.undo.push(() => {
      held.pop();
      if (held.length === 0) this.#byRun.delete(run);
    });
  }

  /** Returns the runs for which messages wait. */
  runs(): number[] {
    return this.#byRun.size === 0 ? [] : [...this.#byRun.keys()];
  }

  /** Removes the messages of a run and returns them in their order. */
  take(tx: Undoable, run: number): JournalRequest[] {
    const held = this.#byRun.get(run) ?? [];
    this.#byRun.delete(run);
    tx.undo.push(() => this.#byRun.set(run, held));
    return held;
  }
}
