/**
 * The event bus of a runtime: best-effort observation, in the order of publication.
 * @module
 */
import type { LuaValue } from "../vm/value.ts";
import type { Tell } from "./kernel-requests.ts";

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
 * Returns whether a text matches a pattern: `*` or `**` at the end stands for any rest, dots included;
 * a pattern without one matches only itself.
 */
export function matchesPattern(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined || pattern === "" || pattern === "*") return true;
  return pattern.endsWith("*") ? text.startsWith(pattern.replace(/\*+$/, "")) : pattern === text;
}

/** Hands events to listeners. A listener that throws harms neither the publisher nor the others. */
export class Bus {
  readonly #listeners = new Map<
    number,
    { filter: BusFilter; listener: Listener; wants: (system: string) => boolean }
  >();
  readonly #queue: BusEvent[] = [];
  #last = 0;
  #publishing = false;
  /** Called when somebody began or ceased to listen: events that cost are made only while somebody wants them. */
  changed: () => void = () => {};

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

  /** Whether somebody listens to events of a system. */
  wants(system: string): boolean {
    return [...this.#listeners.values()].some(({ wants }) => wants(system));
  }

  /**
   * Listens from now on.
   *
   * @param wants for a listener that takes all and passes on what others want
   * @returns what ends it
   */
  subscribe(
    filter: BusFilter,
    listener: Listener,
    wants = (system: string): boolean => matchesPattern(filter.system, system),
  ): () => void {
    const id = ++this.#last;
    this.#listeners.set(id, { filter, listener, wants });
    this.changed();
    return () => {
      this.#listeners.delete(id);
      this.changed();
    };
  }
}

/**
 * Subscriptions of units, which live on workers: an event goes once to each worker that wants it, with the
 * worker's own numbers of the subscriptions.
 */
export class UnitSubscriptions {
  readonly #workers = new Map<number, Map<number, BusFilter>>();
  readonly #bus: Bus;

  /** @param tell sends the operation `event` to a worker's kernel */
  constructor(bus: Bus, tell: Tell) {
    this.#bus = bus;
    const wants = (wanted: string) =>
      [...this.#workers.values()].some((subscriptions) =>
        [...subscriptions.values()].some(({ system }) => matchesPattern(system, wanted))
      );
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
    }, wants);
  }

  add(worker: number, subscription: number, filter: BusFilter): void {
    const present = this.#workers.get(worker);
    if (present) present.set(subscription, filter);
    else this.#workers.set(worker, new Map([[subscription, filter]]));
    this.#bus.changed();
  }

  remove(worker: number, subscription: number): void {
    const present = this.#workers.get(worker);
    present?.delete(subscription);
    if (present?.size === 0) this.#workers.delete(worker);
    this.#bus.changed();
  }

  /** A worker died, and its units with it. */
  removeWorker(worker: number): void {
    this.#workers.delete(worker);
    this.#bus.changed();
  }
}
