import type { Task } from "../../tasks/tasks.ts";
import type { Asker, JournalEvent } from "./protocol.ts";

type Told = Extract<Task, { type: "signaled" }>;

/** Answers of one transaction to workers that have asked directly: those without a failure are one message. */
export class Answers {
  readonly #byAsker = new Map<Asker, { done: number[]; refused: Told[] }>();

  /** Takes an event that is such an answer. @returns whether it is one */
  take(event: JournalEvent): boolean {
    if (event.type !== "answer" && event.type !== "refusal" || !event.asker) return false;
    let told = this.#byAsker.get(event.asker);
    if (!told) this.#byAsker.set(event.asker, told = { done: [], refused: [] });
    const { id } = event;
    if (event.type === "answer") told.done.push(id);
    else told.refused.push({ type: "signaled", tickets: [id], failure: event.failure });
    return true;
  }

  /** Sends them. */
  tell(): void {
    for (const [asker, { done, refused }] of this.#byAsker) {
      const all = done.length > 0 ? [{ type: "signaled" as const, tickets: done }] : [];
      asker.tell([...all, ...refused]);
    }
  }
}
