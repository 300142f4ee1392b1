/**
 * The event bus of a runtime: best-effort observation, in the order of publication.
 * @module
 */
import type { LuaValue } from "../vm/value.ts";

/** What happened: in which part of the system, what, to what, and details. */
export interface BusEvent {
  system: string;
  kind: string;
  path: string;
  data?: LuaValue;
}

/** Patterns of the events that a listener wants; absent, "" and "*" match everything. */
export interface BusFilter {
  system?: string;
  kind?: string;
}

type Listener = (event: BusEvent) => void;

/**
 * Whether a text matches a pattern (spec core-api §11): `*` at the end stands for any rest, dots included, and so
 * does `**`; a pattern without it is the text itself.
 */
export function matchesPattern(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined || pattern === "" || pattern === "*") return true;
  return pattern.endsWith("*") ? text.startsWith(pattern.replace(/\*+$/, "")) : pattern === text;
}

/** Hands events to listeners. A listener that throws harms neither the publisher nor the others. */
export class Bus {
  readonly #listeners = new Map<number, { filter: BusFilter; listener: Listener }>();
  readonly #queue: BusEvent[] = [];
  #last = 0;
  #publishing = false;

  /** Tells every matching listener, before it returns or, from inside a listener, after the event at hand. */
  publish(event: BusEvent): void {
    this.#queue.push(event);
    if (this.#publishing) return;
    this.#publishing = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#deliver(next);
    this.#publishing = false;
  }

  #deliver(event: BusEvent): void {
    for (const { filter, listener } of this.#listeners.values()) {
      if (matchesPattern(filter.system, event.system) && matchesPattern(filter.kind, event.kind)) {
        try {
          listener(event);
        } catch {
          // An observer's fault is not the publisher's.
        }
      }
    }
  }

  /** Listens from now on. @returns what ends it */
  subscribe(filter: BusFilter, listener: Listener): () => void {
    const id = ++this.#last;
    this.#listeners.set(id, { filter, listener });
    return () => {
      this.#listeners.delete(id);
    };
  }
}

/**
 * Subscriptions of units, which live on workers: an event goes once to each worker that wants it, with the
 * worker's own numbers of the subscriptions.
 */
export class UnitSubscriptions {
  readonly #workers = new Map<number, Map<number, BusFilter>>();

  /** @param tell sends the operation `event` to a worker's kernel */
  constructor(bus: Bus, tell: (worker: number, op: string, ...args: LuaValue[]) => void) {
    bus.subscribe({}, ({ system, kind, path, data }) => {
      for (const [worker, subscriptions] of this.#workers) {
        const wanted: number[] = [];
        for (const [id, filter] of subscriptions) {
          if (matchesPattern(filter.system, system) && matchesPattern(filter.kind, kind)) {
            wanted.push(id);
          }
        }
        if (wanted.length > 0) tell(worker, "event", wanted, system, kind, path, data);
      }
    });
  }

  add(worker: number, subscription: number, filter: BusFilter): void {
    const present = this.#workers.get(worker);
    if (present) present.set(subscription, filter);
    else this.#workers.set(worker, new Map([[subscription, filter]]));
  }

  remove(worker: number, subscription: number): void {
    const present = this.#workers.get(worker);
    present?.delete(subscription);
    if (present?.size === 0) this.#workers.delete(worker);
  }

  /** A worker died, and its units with it. */
  removeWorker(worker: number): void {
    this.#workers.delete(worker);
  }
}
