import type { Failure } from "../../../engine/outcome.ts";
import type { ProviderReport, QueueBacklog } from "../../../provider.ts";
import type { JournalEvent } from "../protocol.ts";
import type { RunState } from "../store/run-states.ts";
import type { NewPublication } from "../store/publication-store.ts";
import type { Store } from "../store/store.ts";

/** Messages on their way to one queue at once. */
const atOnce = 32;
/** Messages of one queue of which the ids are in memory. */
const window = 256;
/** Milliseconds in which messages that their queues have are removed, unless another commit takes that along. */
const removeDelay = 100;
/** Milliseconds before a queue that took no message is tried again: the first time, and at most. */
const firstDelay = 50;
const longestDelay = 30_000;
/** Failed tries after which the operator hears of it: at a start, queues may come after the journal. */
const toldAfter = 7;

/** A message that waits in the outbox. */
interface Waiting {
  id: number;
  workflowId: string;
  sent: boolean;
}

/** The way to one queue. */
class Lane {
  /** Messages in the outbox without those that the queue has refused. */
  waiting = 0;
  refused = 0;
  /** The oldest that wait, in order. */
  window: Waiting[] = [];
  /** Id of the last message that was read into the window, or refused. */
  read = 0;
  /** Whether there may be messages behind that. */
  more = false;
  sent = 0;
  /** Tries without success in a row. */
  tries = 0;
  retryAt = 0;
  error: string | undefined;
}

/** The transaction that a message is published in. */
interface Publishing {
  readonly store: Store;
  readonly after: (() => void)[];
}

/** The transaction that takes along what was delivered. */
interface Flushing extends Publishing {
  readonly runs: { newest(workflowId: string): RunState | undefined };
  wake(state: RunState): void;
}

/**
 * The outbox to queues: messages that runs have published wait in a table, are handed over after the commit, and are
 * removed when their queue has them. Those of one workflow to one queue go one after another, so that they stay in
 * order; those of different workflows go together.
 */
export class Publications {
  readonly #lanes = new Map<string, Lane>();
  /** Messages on their way, by id. */
  readonly #sent = new Map<number, { queue: string; lane: Lane; item: Waiting }>();
  /** Messages in the outbox, by workflow id. */
  readonly #counts = new Map<string, number>();
  /** Lanes that may have something to send. */
  readonly #ready = new Set<string>();
  /** Ids of messages that their queues have and that are still in the outbox. */
  #done: number[] = [];
  /** Workflows whose runs wait until fewer messages do. */
  readonly #held = new Set<string>();
  #released: string[] = [];
  #removeAt = Infinity;
  #changed = false;

  /** Messages of one workflow at which its runs get no task. */
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes up what an opened journal has. */
  load(store: Store): void {
    for (const { queue, workflowId, count } of store.publications.counts()) {
      this.#count(queue, workflowId, count);
    }
  }

  /** Workflows of which messages wait. */
  get workflows(): string[] {
    return [...this.#counts.keys()];
  }

  /** Whether so many messages of a workflow wait that its runs have to. */
  isFull(workflowId: string): boolean {
    return (this.#counts.get(workflowId) ?? 0) >= this.#most;
  }

  /** A run of a full workflow has something to do: it is woken when there is room. */
  hold(workflowId: string): void {
    this.#held.add(workflowId);
  }

  /** Puts a message into the outbox. */
  add({ store, after }: Publishing, publication: NewPublication): void {
    store.publications.insert(publication);
    after.push(() => this.#count(publication.queue, publication.workflowId, 1));
  }

  #count(queue: string, workflowId: string, count: number): void {
    let lane = this.#lanes.get(queue);
    if (!lane) this.#lanes.set(queue, lane = new Lane());
    lane.waiting += count;
    lane.more = true;
    this.#counts.set(workflowId, (this.#counts.get(workflowId) ?? 0) + count);
    this.#ready.add(queue);
    this.#changed = true;
  }

  /** Removes what queues have from the outbox, and wakes the runs that have waited for that. */
  flush(tx: Flushing): void {
    const [done, released] = [this.#done, this.#released];
    if (done.length === 0 && released.length === 0) return;
    for (const id of done) tx.store.publications.delete(id);
    for (const workflowId of released) {
      const state = tx.runs.newest(workflowId);
      if (state?.status === "running" && state.wake) tx.wake(state);
    }
    tx.after.push(() => {
      this.#done = this.#done.slice(done.length);
      this.#released = this.#released.slice(released.length);
      this.#removeAt = Infinity;
      this.#changed = true;
    });
  }

  /** Whether there is something to remove, and it is time. */
  mustFlush(now: number): boolean {
    return this.#removeAt <= now;
  }

  /** Whether there is something to remove. */
  get isFlushed(): boolean {
    return this.#done.length === 0;
  }

  /** When there is something to do though nothing comes; milliseconds since the epoch. */
  get nextWork(): number {
    let at = this.#removeAt;
    for (const { tries, retryAt, sent } of this.#lanes.values()) {
      if (tries > 0 && sent === 0) at = Math.min(at, retryAt);
    }
    return at;
  }

  /** A queue has a message, or would not take it. Returns what the operator should hear of. */
  settled(id: number, failure: Failure | undefined, now: number): ProviderReport | undefined {
    const found = this.#sent.get(id);
    if (!found) return undefined;
    const { queue, lane, item } = found;
    this.#sent.delete(id);
    lane.sent -= 1;
    this.#ready.add(queue);
    if (failure && failure.retryable !== false) {
      item.sent = false;
      return this.#failed(queue, lane, failure, now);
    }
    lane.window.splice(lane.window.indexOf(item), 1);
    lane.waiting -= 1;
    if (failure) {
      lane.tries = 0;
      lane.refused += 1;
      lane.error = failure.message;
      this.#changed = true;
      return {
        level: "error",
        message: `the queue ${queue} refuses a message of workflow ${item.workflowId}: ` +
          `${failure.message}. It is kept and tried again at the next start`,
        fields: { queue, workflow_id: item.workflowId, kind: failure.kind },
      };
    }
    this.#done.push(id);
    this.#removeAt = Math.min(this.#removeAt, now + removeDelay);
    this.#leave(item.workflowId);
    const told = lane.tries >= toldAfter;
    if (lane.tries > 0) this.#changed = true;
    lane.tries = 0;
    if (lane.refused === 0) lane.error = undefined;
    if (!told) return undefined;
    return { level: "info", message: `the queue ${queue} takes messages again`, fields: { queue } };
  }

  #leave(workflowId: string): void {
    const count = this.#counts.get(workflowId)! - 1;
    if (count > 0) this.#counts.set(workflowId, count);
    else this.#counts.delete(workflowId);
    if (count < this.#most && this.#held.delete(workflowId)) this.#released.push(workflowId);
  }

  #failed(queue: string, lane: Lane, failure: Failure, now: number): ProviderReport | undefined {
    // Those that were sent together fail together.
    if (lane.tries > 0 && lane.retryAt > now) return undefined;
    lane.tries += 1;
    lane.retryAt = now + Math.min(longestDelay, firstDelay * 2 ** (lane.tries - 1));
    lane.error = failure.message;
    this.#changed = true;
    if (lane.tries !== toldAfter) return undefined;
    return {
      level: "warn",
      message: `the queue ${queue} takes no messages of workflows, which wait: ${failure.message}`,
      fields: { queue, waiting: lane.waiting, kind: failure.kind },
    };
  }

  /** Adds what is to be handed over now to `events`, in order. @throws what SQLite says */
  next(store: Store, now: number, events: JournalEvent[]): void {
    for (const [queue, lane] of this.#lanes) {
      const isDue = lane.tries > 0 && lane.retryAt <= now && lane.sent === 0;
      if (!isDue && !this.#ready.has(queue)) continue;
      if (lane.tries > 0 && !isDue) continue;
      this.#read(store, queue, lane);
      this.#send(store, queue, lane, events);
      this.#ready.delete(queue);
    }
    if (this.#changed) {
      this.#changed = false;
      events.push({ type: "backlog", backlog: this.#backlog() });
    }
  }

  #read(store: Store, queue: string, lane: Lane): void {
    // In halves, and not one after another.
    if (!lane.more || lane.window.length > window / 2) return;
    const limit = window - lane.window.length;
    const found = store.publications.of(queue, lane.read, limit);
    for (const { id, workflowId } of found) lane.window.push({ id, workflowId, sent: false });
    lane.read = found.at(-1)?.id ?? lane.read;
    lane.more = found.length === limit;
  }

  #send(store: Store, queue: string, lane: Lane, events: JournalEvent[]): void {
    // A queue that has failed is tried with one message.
    const most = lane.tries > 0 ? 1 : atOnce;
    const before = new Set<string>();
    for (const item of lane.window) {
      if (lane.sent >= most) return;
      const isFirst = !before.has(item.workflowId);
      before.add(item.workflowId);
      if (item.sent || !isFirst) continue;
      const publication = store.publications.get(item.id);
      if (!publication) throw new Error(`message ${item.id} of the outbox is gone`);
      item.sent = true;
      lane.sent += 1;
      this.#sent.set(item.id, { queue, lane, item });
      const { id, workflowId: _, headers, ...rest } = publication;
      events.push({
        type: "publish",
        publication: id,
        message: { ...rest, ...headers && { headers } },
      });
    }
  }

  #backlog(): QueueBacklog[] {
    return [...this.#lanes].map(([queue, { waiting, refused, error }]) => ({
      queue,
      waiting,
      refused,
      ...error !== undefined && { error },
    }));
  }
}
