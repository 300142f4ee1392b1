import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type {
  Connection,
  Driver,
  Outcome,
  PoolFigures,
  Statement,
  TransactionOptions,
} from "../driver.ts";
import { SqliteLink } from "./link.ts";
import { Turns } from "./turns.ts";

export interface SqliteOptions {
  /** Absolute path, or ":memory:". */
  path: string;
  /** Milliseconds that a call waits for a lock or for the writing connection. */
  busyTimeout: number;
  /** Whether connections have threads of their own. */
  threads: boolean;
  platform: Pick<Platform, "setTimer" | "precise">;
}

/** Connections that only read, at most. They are opened when calls would wait otherwise. */
const mostReaders = 4;

/** Begins a statement that may only read, behind comments. */
const reads = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:SELECT|WITH|VALUES|EXPLAIN)\b/i;

/** A reading connection and whose turn it is. */
interface Reader {
  link: SqliteLink;
  turns: Turns;
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
  #opening = 0;
  #closed = false;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#turns = new Turns(options.platform);
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
  }

  async close(): Promise<void> {
    this.#closed = true;
    const links = [...this.#readers.splice(0).map(({ link }) => link), this.#writer];
    this.#writer = undefined;
    // The one that writes closes last: it then writes the log back into the file.
    for (const link of links) await link?.close();
  }

  /** Ends the threads, whatever they do. */
  kill(): void {
    this.#closed = true;
    for (const { link } of this.#readers.splice(0)) link.kill();
    this.#writer?.kill();
    this.#writer = undefined;
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

  async run(statement: Statement, signal: AbortSignal): Promise<Outcome> {
    if (statement.kind !== "execute" && this.#isFile && isRead(statement.sql)) {
      try {
        return await this.#read(statement, signal);
      } catch (error) {
        // What only the writing connection can do or knows, such as its temporary tables: its answer decides.
        if (WippyError.from(error).kind === "Canceled") throw error;
      }
    }
    const done = await this.#turns.take(this.#options.busyTimeout, this.#late, signal);
    try {
      return await this.#writing().run(statement, signal);
    } finally {
      done();
    }
  }

  async #read(statement: Statement, signal: AbortSignal): Promise<Outcome> {
    const { link, done } = await this.#reader(signal);
    try {
      return await link.run(statement, signal);
    } finally {
      done();
    }
  }

  /** A reading connection that is free, a new one, or the turn after others. */
  async #reader(signal: AbortSignal): Promise<{ link: SqliteLink; done: () => void }> {
    let reader = this.#readers.find(({ turns }) => !turns.taken);
    if (!reader && this.#readers.length + this.#opening < mostReaders) {
      this.#opening += 1;
      try {
        // One that breaks down is not asked again; the writing connection answers.
        const link = await this.#open(true, () => this.#forget(link));
        if (this.#closed) {
          await link.close();
          throw new WippyError("Unavailable", "the database is closed", { retryable: true });
        }
        reader = { link, turns: new Turns(this.#options.platform) };
        this.#readers.push(reader);
      } finally {
        this.#opening -= 1;
      }
    }
    reader ??= this.#readers[Math.floor(this.#turns.waits % Math.max(1, this.#readers.length))];
    if (!reader) throw new WippyError("Unavailable", "no connection is free", { retryable: true });
    const done = await reader.turns.take(this.#options.busyTimeout, this.#late, signal);
    return { link: reader.link, done };
  }

  #forget(link: SqliteLink): void {
    const at = this.#readers.findIndex((reader) => reader.link === link);
    if (at >= 0) this.#readers.splice(at, 1);
  }

  async begin({ readOnly }: TransactionOptions, signal: AbortSignal): Promise<Connection> {
    const { link, done } = readOnly && this.#isFile
      ? await this.#reader(signal)
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
    const turns = [this.#turns, ...this.#readers.map((reader) => reader.turns)];
    return {
      max: this.#isFile ? mostReaders + 1 : 1,
      open: this.#readers.length + (this.#writer ? 1 : 0),
      inUse: turns.filter(({ taken }) => taken).length,
      waits: turns.reduce((sum, { waits }) => sum + waits, 0),
      waited: turns.reduce((sum, { waited }) => sum + waited, 0),
      closedIdle: 0,
      closedOld: 0,
    };
  }
}

function isRead(sql: string): boolean {
  return reads.test(sql);
}
