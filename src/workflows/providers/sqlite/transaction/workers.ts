import type { OutgoingActivityTask } from "../../../tasks/wire.ts";
import type { QueryTask, Task, WorkflowTask } from "../../../tasks/tasks.ts";

/** Something to hand out, and the worker that would best have it. */
export type Work =
  /** `heldOpen`: it waits for local activities, and keeps its worker from nothing. */
  | { type: "task"; task: WorkflowTask; run: number; worker: number; heldOpen: boolean }
  | { type: "query"; task: QueryTask; worker?: number; id: number }
  | { type: "activity"; task: OutgoingActivityTask; worker?: number }
  | (Extract<Task, { type: "activity_cancel" }>)
  | (Extract<Task, { type: "evict" | "expedite" }> & { worker: number })
  | (Extract<Task, { type: "settled" }> & { worker: number; run: number });

/** What a worker has: runs whose task is with it, tokens of attempts, ids of queries. */
export interface Held {
  tasks: number[];
  attempts: string[];
  queries: number[];
}

/**
 * The workers that are connected, and what each has been handed and not answered. What is handed out and
 * comes back changes after commits only, so a rollback leaves it as it is.
 */
export class Workers {
  /** How much each has been handed. */
  readonly #out = new Map<number, number>();
  /** Units that live on each worker, by index, as of its last turn. */
  #loads: Int32Array | undefined;
  /** Which worker has the task of a run, an attempt, a query. */
  readonly #tasks = new Map<number, number>();
  /** Runs whose task is held open. */
  readonly #heldOpen = new Set<number>();
  readonly #attempts = new Map<string, number>();
  readonly #queries = new Map<number, number>();

  connect(worker: number, loads: Int32Array | undefined): void {
    this.#loads = loads;
    this.#out.set(worker, 0);
  }

  /** Forgets a worker. @returns what it had and will not answer. */
  disconnect(worker: number): Held {
    this.#out.delete(worker);
    const tasks = takeFrom(this.#tasks, worker);
    for (const run of tasks) this.#heldOpen.delete(run);
    return {
      tasks,
      attempts: takeFrom(this.#attempts, worker),
      queries: takeFrom(this.#queries, worker),
    };
  }

  /** Whether there is anybody to hand work to. */
  get any(): boolean {
    return this.#out.size > 0;
  }

  /** Tasks that are out, without those that are held open. */
  get tasks(): number {
    return this.#tasks.size - this.#heldOpen.size;
  }

  /** The wanted worker if it is connected, else the one with the least to do. */
  choose(wanted?: number): number {
    if (wanted !== undefined && this.#out.has(wanted)) return wanted;
    let [best = -1] = this.#out.keys();
    for (const worker of this.#out.keys()) if (this.#load(worker) < this.#load(best)) best = worker;
    return best;
  }

  #load(worker: number): number {
    const units = this.#loads?.[worker] ?? 0;
    return Math.max(0, units) + (this.#out.get(worker) ?? 0);
  }

  /** Notes where something goes; undefined when nobody has what is to be called off. */
  place(work: Work): number | undefined {
    switch (work.type) {
      case "task": {
        this.#note(this.#tasks, work.run, work.worker);
        if (work.heldOpen) this.#heldOpen.add(work.run);
        return work.worker;
      }
      case "query": {
        const worker = this.choose(work.worker);
        this.#note(this.#queries, work.id, worker);
        return worker;
      }
      case "activity": {
        const worker = this.choose(work.worker);
        this.#note(this.#attempts, work.task.token, worker);
        return worker;
      }
      case "activity_cancel":
        return this.#attempts.get(work.token);
      case "evict":
      case "expedite":
      case "settled":
        return this.#out.has(work.worker) ? work.worker : undefined;
    }
  }

  #note<Key>(places: Map<Key, number>, key: Key, worker: number): void {
    this.#forget(places, key);
    places.set(key, worker);
    this.#count(worker, 1);
  }

  #forget<Key>(places: Map<Key, number>, key: Key): void {
    const worker = places.get(key);
    if (worker === undefined) return;
    places.delete(key);
    this.#count(worker, -1);
  }

  #count(worker: number, change: number): void {
    const out = this.#out.get(worker);
    if (out !== undefined) this.#out.set(worker, out + change);
  }

  /** Which worker has the task of a run. */
  ofTask(run: number): number | undefined {
    return this.#tasks.get(run);
  }

  taskBack(run: number): void {
    this.#heldOpen.delete(run);
    this.#forget(this.#tasks, run);
  }

  attemptBack(token: string): void {
    this.#forget(this.#attempts, token);
  }

  queryBack(id: number): void {
    this.#forget(this.#queries, id);
  }
}

function takeFrom<Key>(places: Map<Key, number>, worker: number): Key[] {
  const keys = [...places].filter(([, place]) => place === worker).map(([key]) => key);
  for (const key of keys) places.delete(key);
  return keys;
}
