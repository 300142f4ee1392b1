import { WippyError } from "../../../vm/error.ts";
import type { ServiceParts, ServiceWorkers } from "../../context.ts";
import { DirectMemory } from "./memory.ts";
import type { DirectStart } from "./part.ts";

/** Connections that answer workers directly, at most. Others must remain for transactions and long queries. */
export const mostDirectReaders = 2;

/** Queries of a worker after which it gets a way to a connection. */
export const manyQueries = 16;

/** A connection that only reads, and that answers workers. */
export interface DirectLink {
  /** Starts answering the queries that a worker sends through this port. */
  attach(worker: number, port: MessagePort, memory: DirectMemory): void;
  /** The worker is gone. */
  detach(worker: number): void;
  /** Says to the workers that no more is answered, and ends the connection. */
  close(): Promise<void>;
  /** Ends the connection at once. */
  kill(): void;
}

/** A connection, and the workers that have a port to it. */
interface Reader {
  link: DirectLink;
  workers: Map<number, DirectMemory>;
}

/** Connections that only read and that workers ask directly, those that ask much. */
export class DirectReaders {
  readonly #workers: ServiceWorkers;
  readonly #open: () => Promise<DirectLink>;
  readonly #readers: Reader[] = [];
  /** Queries of workers that have no port. */
  readonly #asked = new Map<number, number>();
  #opening: Promise<unknown> = Promise.resolve();
  #parts: ServiceParts | undefined;
  /** Queries answered to workers that have no port any more. */
  #past = 0;

  /** @param open opens a connection that only reads. @throws WippyError Unavailable if there can be no more */
  constructor(workers: ServiceWorkers, open: () => Promise<DirectLink>) {
    this.#workers = workers;
    this.#open = open;
  }

  /** Begins to give ports to workers. */
  start(): void {
    this.#asked.clear();
    this.#parts = this.#workers.parts({
      started: (worker) => this.#asked.set(worker, 0),
      gone: (worker) => {
        this.#asked.delete(worker);
        const reader = this.#readerOf(worker);
        if (reader) this.#detach(reader, worker);
      },
      told: () => {},
    });
  }

  #readerOf(worker: number): Reader | undefined {
    return this.#readers.find(({ workers }) => workers.has(worker));
  }

  /** Counts a query that a worker has asked the node for. */
  asked(worker: number): void {
    const count = this.#asked.get(worker);
    if (count === undefined) return;
    this.#asked.set(worker, count + 1);
    // Those of one that has a port were not answered there.
    if ((count + 1) % manyQueries === 0 && !this.#readerOf(worker)) {
      this.#opening = this.#opening.then(() => this.#attach(worker)).catch(() => {});
    }
  }

  async #attach(worker: number): Promise<void> {
    const reader = await this.#reader();
    const parts = this.#parts;
    if (!parts || !this.#asked.has(worker) || !this.#readers.includes(reader)) return;
    const memory = new DirectMemory();
    const { port1, port2 } = new MessageChannel();
    reader.link.attach(worker, port1, memory);
    reader.workers.set(worker, memory);
    const start: DirectStart = { port: port2, memory: memory.buffer };
    parts.open(worker, start, [port2]);
  }

  /** A new connection, or the one with the fewest workers. */
  async #reader(): Promise<Reader> {
    if (this.#readers.length >= mostDirectReaders) {
      return this.#readers.reduce((a, b) => b.workers.size < a.workers.size ? b : a);
    }
    const link = await this.#open();
    if (!this.#parts) {
      await link.close();
      throw new WippyError("Unavailable", "the database is closed", { retryable: true });
    }
    const reader = { link, workers: new Map<number, DirectMemory>() };
    this.#readers.push(reader);
    return reader;
  }

  #detach(reader: Reader, worker: number): void {
    const memory = reader.workers.get(worker);
    reader.workers.delete(worker);
    memory?.stopAll();
    this.#past += memory?.answered ?? 0;
    reader.link.detach(worker);
  }

  /** A connection is gone: its workers ask the node, and get another one later. */
  lost(link: DirectLink): void {
    const at = this.#readers.findIndex((reader) => reader.link === link);
    const [reader] = at < 0 ? [] : this.#readers.splice(at, 1);
    for (const [worker, memory] of reader?.workers ?? []) {
      this.#past += memory.answered;
      this.#asked.set(worker, 0);
      this.#parts?.tell(worker, "lost");
    }
  }

  /** Closes all, when what runs has ended. */
  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await this.#opening;
    const readers = this.#readers.splice(0);
    for (const { link, workers } of readers) {
      await link.close();
      for (const { answered } of workers.values()) this.#past += answered;
    }
    parts?.end();
  }

  /** Ends the connections at once. */
  kill(): void {
    for (const { link } of [...this.#readers]) {
      link.kill();
      this.lost(link);
    }
    this.#parts?.end();
    this.#parts = undefined;
  }

  /** Connections that are open, and those that have queries. */
  get figures(): { open: number; inUse: number } {
    const isUsed = ({ workers }: Reader) => [...workers.values()].some(({ open }) => open > 0);
    return { open: this.#readers.length, inUse: this.#readers.filter(isUsed).length };
  }

  /** Queries that were answered. */
  get answered(): number {
    const memories = this.#readers.flatMap(({ workers }) => [...workers.values()]);
    return memories.reduce((sum, { answered }) => sum + answered, this.#past);
  }
}
