/**
 * What changes, as one stream for all who look.
 * @module
 */
import type { BusEvent } from "../node/bus.ts";
import { showRecord } from "./routes/logs.ts";
import { plain } from "./plain.ts";
import type { AdminTarget } from "./route.ts";

/** A change, numbered from 1 within a start of the runtime. */
export interface LiveEvent {
  /** `START.NUMBER`: the number alone would mean another event after the next start. */
  id: string;
  type: "unit" | "service" | "registry" | "log";
  data: unknown;
  /** As it is sent, made once for all readers. */
  text: string;
}

/** Events, and characters of them, that are kept for those who come back. */
const kept = 2000;
const keptSize = 4_000_000;
/** Events, and characters of them, that one reader may be behind. */
export const mostBehind = 1000;
const mostBehindSize = 1_000_000;

interface Reader {
  queue: LiveEvent[];
  size: number;
  lost: boolean;
  wake: () => void;
}

const sizeOf = (events: readonly LiveEvent[]) =>
  events.reduce((sum, { text }) => sum + text.length, 0);

/** One reader: takes what has come, and waits for more. */
export interface EventReader {
  /**
   * What has come since the last call; waits for something. `lost` says that events were dropped, since the reader was
   * too slow or away for too long: what it shows has to be read again.
   */
  next(signal: AbortSignal): Promise<{ events: LiveEvent[]; lost: boolean }>;
  close(): void;
}

/** Watches a runtime as long as there is a reader: with nobody looking it costs nothing. */
export class LiveEvents {
  readonly #target: AdminTarget;
  readonly #start: string;
  readonly #recent: LiveEvent[] = [];
  readonly #readers = new Set<Reader>();
  #recentSize = 0;
  #number = 0;
  #unwatch: (() => void) | undefined;

  constructor(target: AdminTarget) {
    this.#target = target;
    this.#start = target.startedAt.toString(36);
  }

  /**
   * Begins to read.
   *
   * @param after id of the last event that was seen
   */
  read(after?: string): EventReader {
    this.#unwatch ??= this.#watch();
    const missed = this.#since(after);
    const queue = missed ?? [];
    const reader: Reader = {
      queue,
      size: sizeOf(queue),
      lost: missed === undefined,
      wake: () => {},
    };
    this.#readers.add(reader);
    return {
      next: async (signal) => {
        while (reader.queue.length === 0 && !reader.lost && !signal.aborted) {
          const waiting = Promise.withResolvers<void>();
          reader.wake = waiting.resolve;
          signal.addEventListener("abort", waiting.resolve as () => void, { once: true });
          await waiting.promise;
          signal.removeEventListener("abort", waiting.resolve as () => void);
        }
        const events = reader.queue;
        const { lost } = reader;
        reader.queue = [];
        reader.size = 0;
        reader.lost = false;
        return { events, lost };
      },
      close: () => {
        this.#readers.delete(reader);
        if (this.#readers.size > 0) return;
        this.#unwatch?.();
        this.#unwatch = undefined;
        this.#recent.length = 0;
        this.#recentSize = 0;
      },
    };
  }

  /** Events after one; undefined when it is not known any more. */
  #since(after: string | undefined): LiveEvent[] | undefined {
    if (after === undefined) return [];
    const at = this.#recent.findIndex(({ id }) => id === after);
    return at < 0 ? undefined : this.#recent.slice(at + 1).slice(-mostBehind);
  }

  #watch(): () => void {
    const { node, logs } = this.#target;
    const ends = [
      node.bus.subscribe({ system: "process" }, (event) => this.#publish("unit", shown(event))),
      node.bus.subscribe({ system: "service" }, (event) => this.#publish("service", shown(event))),
      node.bus.subscribe({ system: "registry" }, ({ kind, path }) => {
        this.#publish("registry", { kind, path });
      }),
      logs.follow((record) => this.#publish("log", showRecord(record))),
    ];
    return () => ends.forEach((end) => end());
  }

  #publish(type: LiveEvent["type"], data: unknown): void {
    const id = `${this.#start}.${++this.#number}`;
    const text = `event: ${type}\ndata: ${JSON.stringify(data)}\nid: ${id}\n\n`;
    const event = { id, type, data, text };
    this.#recent.push(event);
    this.#recentSize += text.length;
    // In large steps: taking from the front moves all that follows.
    if (this.#recent.length > kept * 2 || this.#recentSize > keptSize) {
      this.#recent.splice(0, Math.ceil(this.#recent.length / 2));
      this.#recentSize = sizeOf(this.#recent);
    }
    for (const reader of this.#readers) {
      if (
        reader.queue.length >= mostBehind ||
        reader.queue.length > 0 && reader.size + text.length > mostBehindSize
      ) {
        reader.queue = [];
        reader.size = 0;
        reader.lost = true;
      }
      if (!reader.lost) {
        reader.queue.push(event);
        reader.size += text.length;
      }
      reader.wake();
    }
  }
}

function shown({ kind, path, data }: BusEvent): unknown {
  return { kind, path, ...(data !== undefined && { data: plain(data) }) };
}
