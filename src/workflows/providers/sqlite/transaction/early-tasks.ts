import { readTaskToken } from "../../../tasks/tokens.ts";
import type { RunState } from "../store/run-states.ts";
import type { Publications } from "./publications.ts";
import type { Workers } from "./workers.ts";

/** Events of a run that is new: its start, and the messages that came with it. */
const mostNewEvents = 100;

/** Which tasks may be handed out before what they show is durable. */
export class EarlyTasks {
  readonly #publications: Publications;
  readonly #workers: Workers;
  /** Entries whose code uses local activities, which cannot wait. */
  readonly #unfit = new Set<string>();
  /** No task has this lease or an earlier one: the worker may still answer a task that was withdrawn. */
  #lastVoid = 0;

  constructor(publications: Publications, workers: Workers) {
    this.#publications = publications;
    this.#workers = workers;
  }

  /** The code of a run has begun what cannot wait. */
  refused({ entry }: RunState): void {
    this.#unfit.add(entry);
  }

  /** What the task with this token shows has not come to pass. */
  withdrawn(token: string): void {
    this.#lastVoid = Math.max(this.#lastVoid, readTaskToken(token)?.lease ?? 0);
  }

  /** Returns the lease of the next task of a run. */
  nextLease({ lease }: RunState): number {
    return Math.max(lease, this.#lastVoid) + 1;
  }

  /** Whether the task of a run that has been woken may be early. */
  allows(state: RunState): boolean {
    const { status, taskEvent, held, heldOpen, closing, blocked, worker, since, unshown } = state;
    if (status !== "running" || taskEvent > 0 || held || heldOpen || closing || blocked) {
      return false;
    }
    if (this.#unfit.has(state.entry) || this.#publications.isFull(state.workflowId)) return false;
    // One that is new, or that a worker holds: no history is read for it.
    if (unshown === undefined) return false;
    return worker === undefined
      ? since === 0 && state.nextEvent <= mostNewEvents
      : since > 0 && this.#workers.choose(worker) === worker;
  }
}
