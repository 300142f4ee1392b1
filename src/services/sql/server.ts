import type { Platform } from "../../platform/platform.ts";
import type { ServiceWorkers } from "../context.ts";
import { WippyError } from "../../vm/error.ts";
import type {
  Connection,
  Driver,
  Outcome,
  PoolFigures,
  PoolSettings,
  RowStream,
  Statement,
  TransactionOptions,
} from "./driver.ts";
import { type DirectLink, DirectReaders } from "./direct/direct.ts";
import { type Link, Pool } from "./pool.ts";

/** What a {@link Dialect} is given for a connection that only reads. */
export interface ReaderOptions {
  platform: Pick<Platform, "precise" | "setTimer">;
  /** Called once, when it has ended in whatever way. */
  ended(link: DirectLink): void;
}

/** Milliseconds after which a connection that only reads is tried again when there was none. */
const retry = 60_000;

/** What the databases of servers differ in. */
export interface Dialect {
  readonly type: "postgres" | "mysql";
  /** Opens a connection. @throws WippyError Unavailable (retryable) */
  connect(): Promise<Link>;
  /** Opens a connection that only reads and answers workers, where there are such. @throws what prevents it */
  reader?(options: ReaderOptions): Promise<DirectLink>;
  /** The statements that begin a transaction. @throws WippyError Invalid for an isolation that there is not */
  begin(options: TransactionOptions): string[];
  /**
   * Reads rows piece by piece.
   *
   * @param within whether a transaction is open, and stays so
   * @throws WippyError
   */
  stream(
    link: Link,
    statement: Statement,
    within: boolean,
    signal: AbortSignal,
  ): Promise<RowStream>;
  /** An identifier in quotes. */
  quote(name: string): string;
}

/** A database of a server, behind a pool of connections. */
export class ServerDriver implements Driver {
  readonly type: Driver["type"];
  readonly #dialect: Dialect;
  readonly #pool: Pool;
  readonly #platform: Pick<Platform, "precise" | "setTimer">;
  readonly #direct: DirectReaders | undefined;
  #retry = 0;

  /** @param workers if each has a thread: those that ask much then have connections that only read */
  constructor(
    dialect: Dialect,
    settings: PoolSettings,
    platform: Pick<Platform, "precise" | "setTimer">,
    workers?: ServiceWorkers,
  ) {
    this.#dialect = dialect;
    this.#platform = platform;
    if (workers && dialect.reader) {
      this.#direct = new DirectReaders(workers, () => this.#reader());
    }
    this.type = dialect.type;
    this.#pool = new Pool(() => dialect.connect(), settings, platform);
  }

  async open(): Promise<void> {
    await this.#pool.open();
    this.#retry = 0;
    this.#direct?.start();
  }

  async close(): Promise<void> {
    await this.#direct?.close();
    this.#pool.close();
  }

  kill(): void {
    this.#direct?.kill();
    this.#pool.close();
  }

  /** A connection that only reads, in a place of the pool. */
  async #reader(): Promise<DirectLink> {
    const late = this.#platform.precise() < this.#retry;
    if (late || !this.#dialect.reader || !this.#pool.reserve()) {
      throw new WippyError("Unavailable", "there is no such connection", { retryable: true });
    }
    const ended = (link: DirectLink) => {
      this.#direct?.lost(link);
      this.#pool.free();
    };
    try {
      return await this.#dialect.reader({ platform: this.#platform, ended });
    } catch (error) {
      this.#retry = this.#platform.precise() + retry;
      this.#pool.free();
      throw error;
    }
  }

  asked(worker: number): void {
    this.#direct?.asked(worker);
  }

  get direct(): number {
    return this.#direct?.answered ?? 0;
  }

  /** Settings of the pool. A change takes effect immediately. */
  get pool(): PoolSettings {
    return this.#pool.settings;
  }

  set pool(settings: PoolSettings) {
    this.#pool.settings = settings;
  }

  quote(name: string): string {
    return this.#dialect.quote(name);
  }

  figures(): PoolFigures {
    const figures = this.#pool.figures();
    const { open, inUse } = this.#direct?.figures ?? { open: 0, inUse: 0 };
    return { ...figures, open: figures.open + open, inUse: figures.inUse + inUse };
  }

  async run(statement: Statement, signal: AbortSignal): Promise<Outcome> {
    const link = await this.#pool.take(signal);
    try {
      return await link.run(statement, signal);
    } finally {
      // Such as SET autocommit = 0, which would keep it open for whoever comes next.
      if (link.inTransaction) link.close();
      this.#pool.give(link);
    }
  }

  async stream(statement: Statement, signal: AbortSignal): Promise<RowStream> {
    const link = await this.#pool.take(signal);
    let given = false;
    const give = () => {
      if (given) return;
      given = true;
      if (link.inTransaction) link.close();
      this.#pool.give(link);
    };
    try {
      const rows = await this.#dialect.stream(link, statement, false, signal);
      return {
        fetch: (count, abort) => rows.fetch(count, abort),
        close: async () => {
          await rows.close();
          give();
        },
      };
    } catch (error) {
      give();
      throw error;
    }
  }

  async begin(options: TransactionOptions, signal: AbortSignal): Promise<Connection> {
    const statements = this.#dialect.begin(options);
    const link = await this.#pool.take(signal);
    const pool = this.#pool;
    const dialect = this.#dialect;
    let released: Promise<void> | undefined;
    const own = (sql: string): Statement => ({ kind: "execute", sql, params: [], own: true });
    const release = async () => {
      try {
        if (link.inTransaction && !link.broken) await link.run(own("ROLLBACK"));
      } catch {
        // The server rolls back what a connection leaves behind.
        link.close();
      } finally {
        pool.give(link);
      }
    };
    try {
      for (const sql of statements) await link.run(own(sql), signal);
    } catch (error) {
      await release();
      throw error;
    }
    return {
      run: (statement, abort) => link.run(statement, abort),
      stream: (statement, abort) => dialect.stream(link, statement, true, abort),
      get inTransaction() {
        return link.inTransaction && !link.broken;
      },
      release: () => released ??= release(),
    };
  }
}

/** The words of SQL for an isolation; undefined for the server's default. @throws WippyError Invalid */
export function isolationWords(
  isolation: TransactionOptions["isolation"],
  server: string,
): string | undefined {
  if (isolation === "default") return undefined;
  if (isolation !== "write_committed") return isolation.replace("_", " ").toUpperCase();
  throw new WippyError("Invalid", `${server} has no isolation ${isolation}; use another one`, {
    retryable: false,
  });
}
