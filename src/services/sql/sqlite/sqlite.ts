import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type { ServiceWorkers } from "../../context.ts";
import type {
  Connection,
  Driver,
  Outcome,
  PoolFigures,
  RowStream,
  Statement,
  TransactionOptions,
} from "../driver.ts";
import type { Job } from "./connection.ts";
import { DirectReaders } from "../direct/direct.ts";
import { SqliteLink } from "./link.ts";
import { isRead } from "./reads.ts";
import { Turns } from "./turns.ts";

export interface SqliteOptions {
  /** Absolute path, or ":memory:". */
  path: string;
  /** Milliseconds that a call waits for a lock or for the writing connection. */
  busyTimeout: number;
  /** Whether connections have threads of their own. */
  threads: boolean;
  platform: Pick<Platform, "setTimer" | "precise">;
  /** The workers, if each has a thread: those that ask much then ask a connection directly. */
  workers?: ServiceWorkers;
}

/** Connections that only read, at most. They are opened when calls would wait otherwise. */
export const mostReaders = 4;

/** Rows that are read piece by piece at the same time, at most: each has a connection. */
const mostStreams = 16;

/** Milliseconds after which a statement keeps those behind it too long. */
const patience = 10;

/** Milliseconds of work below which a connection is given more, instead of another one that has to be woken. */
const brief = 2;

/** A reading connection and whose turn it is. */
interface Reader {
  link: SqliteLink;
  turns: Turns;
  /** Whether somebody looks after a while whether a statement takes long. */
  watched: boolean;
  /** The batch of statements that took long. */
  slow: number;
}

/** Whether what runs on it takes long. */
function isSlow({ link, slow }: Reader): boolean {
  return link.pending > 0 && slow === link.batch;
}

/** Whether all that it has ends soon, as far as the last statements tell. */
function isBrief({ link }: Reader): boolean {
  return link.pending * link.pace < brief;
}

/**
 * An SQLite database: one connection that writes and, for a file, some that read beside it. A database in memory has
 * the writing one only.
 */
export class SqliteDriver implements Driver {
  readonly type = "sqlite";
  readonly #options: SqliteOptions;
  readonly #turns: Turns;
  readonly #readers: Reader[] = [];
  #writer: SqliteLink | undefined;
  readonly #opening = new Set<Promise<unknown>>();
  readonly #streams = new Set<{ link?: SqliteLink }>();
  readonly #direct: DirectReaders | undefined;
  #closed = false;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#turns = new Turns(options.platform);
    this.#direct = options.workers && this.#isFile
      ? new DirectReaders(options.workers, () => this.#directLink())
      : undefined;
  }

  get #isFile(): boolean {
    return this.#options.path !== ":memory:";
  }

  #open(readOnly: boolean, failed: (error: unknown) => void): Promise<SqliteLink> {
    const { path, busyTimeout, threads } = this.#options;
    return SqliteLink.open({ path, readOnly, busyTimeout }, threads, failed);
  }

  async open(failed: (error: unknown) => void): Promise<void> {
    this.#closed = false;
    this.#writer = await this.#open(false, failed);
    this.#direct?.start();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const streams = [...this.#streams].map(({ link }) => link);
    const links = [...streams, ...this.#readers.splice(0).map(({ link }) => link), this.#writer];
    this.#writer = undefined;
    await this.#direct?.close();
    // The one that writes closes last: it then writes the log back into the file.
    for (const link of links) await link?.close();
  }

  /** Ends the threads, whatever they do. */
  kill(): void {
    this.#closed = true;
    for (const { link } of [...this.#streams, ...this.#readers.splice(0)]) link?.kill();
    this.#streams.clear();
    this.#direct?.kill();
    this.#writer?.kill();
    this.#writer = undefined;
  }

  asked(worker: number): void {
    this.#direct?.asked(worker);
  }

  get direct(): number {
    return this.#direct?.answered ?? 0;
  }

  quote(name: string): string {
    return `"${name}"`;
  }

  #late = (): WippyError =>
    new WippyError(
      "Unavailable",
      `the database is busy: another transaction was open for ${this.#options.busyTimeout} ms; ` +
        "keep transactions short, or set a longer busy_timeout",
      { retryable: true, details: { code: "SQLITE_BUSY" } },
    );

  #writing(): SqliteLink {
    if (this.#writer) return this.#writer;
    throw new WippyError("Unavailable", "the database is closed", { retryable: true });
  }

  run(statement: Statement, signal: AbortSignal): Promise<Outcome> {
    if (statement.kind !== "execute" && this.#isFile && isRead(statement.sql)) {
      return this.#read(statement, signal).catch((error) => {
        // What only the writing connection can do or knows, such as its temporary tables: its answer decides.
        if (WippyError.from(error).kind === "Canceled") throw error;
        return this.#write(statement, signal);
      });
    }
    return this.#write(statement, signal);
  }

  /** Runs a statement on the writing connection, behind those before, while no transaction has it for itself. */
  #write(statement: Job, signal?: AbortSignal): Promise<Outcome> {
    if (this.#writer && !this.#turns.taken) return this.#writer.run(statement, signal);
    return this.#inTurn(this.#turns, () => this.#writing(), statement, signal);
  }

  async #inTurn(
    turns: Turns,
    link: () => SqliteLink,
    statement: Job,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const done = await turns.take(this.#options.busyTimeout, this.#late, signal);
    try {
      // Later statements run behind it.
      return await link().run(statement, signal);
    } finally {
      done();
    }
  }

  #read(statement: Job, signal?: AbortSignal): Promise<Outcome> {
    const reader = this.#freeReader();
    return reader ? this.#readBy(reader, statement, signal) : this.#readLater(statement, signal);
  }

  #readBy(reader: Reader, statement: Job, signal?: AbortSignal): Promise<Outcome> {
    if (!reader.watched && this.#options.threads) this.#watch(reader);
    return reader.link.run(statement, signal);
  }

  get #isFull(): boolean {
    const direct = this.#direct?.figures.open ?? 0;
    return this.#readers.length + this.#opening.size + direct >= mostReaders;
  }

  /** A reading connection that is soon done or idle, where there can be no more the least busy one. */
  #freeReader(): Reader | undefined {
    let best: Reader | undefined;
    for (const reader of this.#readers) {
      if (reader.turns.taken || isSlow(reader)) continue;
      if (reader.link.gathers || isBrief(reader)) return reader;
      if (!best || reader.link.pending < best.link.pending) best = reader;
    }
    return best && (best.link.pending === 0 || this.#isFull) ? best : undefined;
  }

  async #readLater(statement: Job, signal?: AbortSignal): Promise<Outcome> {
    const reader = await this.#reader(signal);
    if (!reader.turns.taken) return await this.#readBy(reader, statement, signal);
    return await this.#inTurn(reader.turns, () => reader.link, statement, signal);
  }

  /** Has others do what a reading connection does not come to because of a statement that takes long. */
  #watch(reader: Reader): void {
    const { link, turns } = reader;
    const { batch } = link;
    reader.watched = true;
    this.#options.platform.setTimer(patience, () => {
      reader.watched = false;
      if (link.pending === 0 || turns.taken || this.#closed) return;
      if (link.batch === batch) {
        reader.slow = batch;
        for (const { statement, signal, resolve, reject } of link.withdraw()) {
          this.#read(statement, signal).then(resolve, reject);
        }
      }
      this.#watch(reader);
    });
  }

  /** A reading connection that is idle, a new one, or one after others. */
  async #reader(signal?: AbortSignal): Promise<Reader> {
    for (;;) {
      const free = this.#freeReader();
      if (free) return free;
      if (!this.#isFull) {
        const reader = await this.#counted(this.#openReader());
        if (signal?.aborted) throw new WippyError("Canceled", "canceled", { retryable: false });
        return reader;
      }
      if (this.#opening.size === 0) break;
      await Promise.race(this.#opening);
    }
    const usable = this.#readers.filter(({ turns }) => !turns.taken);
    const [best] = usable.sort((a, b) => a.link.pending - b.link.pending);
    const any = best ?? this.#readers[this.#turns.waits % Math.max(1, this.#readers.length)];
    if (any) return any;
    throw new WippyError("Unavailable", "no connection is free", { retryable: true });
  }

  /** Counts what is being opened as a reading connection. */
  async #counted<Opened>(opening: Promise<Opened>): Promise<Opened> {
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #readingLink(): Promise<SqliteLink> {
    // One that breaks down is not asked again; the writing connection answers.
    const link = await this.#open(true, () => {
      this.#forget(link);
      this.#direct?.lost(link);
    });
    if (!this.#closed) return link;
    await link.close();
    throw new WippyError("Unavailable", "the database is closed", { retryable: true });
  }

  /** A connection for workers that ask directly: one of the reading ones that is idle, or another one. */
  async #directLink(): Promise<SqliteLink> {
    const idle = this.#readers.find(({ link, turns }) => link.pending === 0 && !turns.taken);
    if (idle) {
      this.#forget(idle.link);
      return idle.link;
    }
    if (!this.#isFull) return await this.#counted(this.#readingLink());
    throw new WippyError("Unavailable", "no connection is free", { retryable: true });
  }

  async #openReader(): Promise<Reader> {
    const link = await this.#readingLink();
    const turns = new Turns(this.#options.platform);
    const reader = { link, turns, watched: false, slow: -1 };
    this.#readers.push(reader);
    return reader;
  }

  /** The same for the caller alone. */
  async #readerAlone(signal: AbortSignal): Promise<{ link: SqliteLink; done: () => void }> {
    const { link, turns } = await this.#reader(signal);
    return { link, done: await turns.take(this.#options.busyTimeout, this.#late, signal) };
  }

  #forget(link: SqliteLink): void {
    const at = this.#readers.findIndex((reader) => reader.link === link);
    if (at >= 0) this.#readers.splice(at, 1);
  }

  /** In a file on a connection of its own, since what is being read there stays as it was. */
  async stream(statement: Statement, signal: AbortSignal): Promise<RowStream> {
    if (!this.#isFile) return await this.#streamHere(statement, signal);
    if (this.#streams.size >= mostStreams) {
      const message =
        `more than ${mostStreams} streams of rows are open; close those that are done`;
      throw new WippyError("Unavailable", message, { retryable: true });
    }
    const stream: { link?: SqliteLink } = {};
    this.#streams.add(stream);
    const end = async () => {
      this.#streams.delete(stream);
      // It only reads: a query that goes on without rows need not be waited for.
      if (stream.link && stream.link.pending > 0) stream.link.kill();
      else await stream.link?.close();
    };
    try {
      const link = stream.link = await this.#open(true, () => this.#streams.delete(stream));
      const rows = await link.stream(statement, signal);
      if (this.#closed) throw new WippyError("Unavailable", "the database is closed");
      return { fetch: rows.fetch, close: end };
    } catch (error) {
      await end();
      throw error;
    }
  }

  /** In memory all have one connection; a transaction has it for itself. */
  async #streamHere(statement: Statement, signal: AbortSignal): Promise<RowStream> {
    const alone = async <Result>(work: () => Promise<Result>, abort?: AbortSignal) => {
      const done = await this.#turns.take(this.#options.busyTimeout, this.#late, abort);
      try {
        return await work();
      } finally {
        done();
      }
    };
    const rows = await alone(() => this.#writing().stream(statement, signal), signal);
    return {
      fetch: (count, abort) => alone(() => rows.fetch(count, abort), abort),
      close: () => rows.close(),
    };
  }

  async begin({ readOnly }: TransactionOptions, signal: AbortSignal): Promise<Connection> {
    const { link, done } = readOnly && this.#isFile
      ? await this.#readerAlone(signal)
      : await this.#writerAlone(signal);
    try {
      // At once, so that what the transaction has read cannot be outdated when it writes.
      const sql = readOnly ? "BEGIN" : "BEGIN IMMEDIATE";
      await link.run({ kind: "execute", sql, params: [], own: true });
      if (readOnly && !this.#isFile) await this.#only(link, true);
    } catch (error) {
      done();
      throw error;
    }
    let released: Promise<void> | undefined;
    const release = async () => {
      try {
        if (link.inTransaction) {
          await link.run({ kind: "execute", sql: "ROLLBACK", params: [], own: true });
        }
        if (readOnly && !this.#isFile) await this.#only(link, false);
      } catch {
        // The thread is gone, and with it the transaction.
      } finally {
        done();
      }
    };
    return {
      run: (statement, abort) => link.run(statement, abort),
      stream: (statement, abort) => link.stream(statement, abort),
      get inTransaction() {
        return link.inTransaction;
      },
      release: () => released ??= release(),
    };
  }

  async #writerAlone(signal: AbortSignal): Promise<{ link: SqliteLink; done: () => void }> {
    const done = await this.#turns.take(this.#options.busyTimeout, this.#late, signal);
    try {
      return { link: this.#writing(), done };
    } catch (error) {
      done();
      throw error;
    }
  }

  async #only(link: SqliteLink, on: boolean): Promise<void> {
    const sql = `PRAGMA query_only = ${on ? "ON" : "OFF"}`;
    await link.run({ kind: "execute", sql, params: [], own: true });
  }

  figures(): PoolFigures {
    const links = [{ link: this.#writer, turns: this.#turns }, ...this.#readers];
    const turns = links.map((each) => each.turns);
    const direct = this.#direct?.figures;
    return {
      max: this.#isFile ? mostReaders + 1 : 1,
      open: this.#readers.length + this.#streams.size + (this.#writer ? 1 : 0) +
        (direct?.open ?? 0),
      inUse: this.#streams.size + (direct?.inUse ?? 0) +
        links.filter(({ link, turns }) => turns.taken || (link?.pending ?? 0) > 0).length,
      waits: turns.reduce((sum, { waits }) => sum + waits, 0),
      waited: turns.reduce((sum, { waited }) => sum + waited, 0),
      closedIdle: 0,
      closedOld: 0,
    };
  }
}
