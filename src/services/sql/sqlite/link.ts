import { WippyError } from "../../../vm/error.ts";
import type { Outcome, Statement } from "../driver.ts";
import { type ConnectionOptions, type Job, type Reply, SqliteConnection } from "./connection.ts";
import type { Opening } from "./thread.ts";

/** The way to one connection: on a thread of its own, or, in a simulation, on this one. */
export class SqliteLink {
  readonly #thread: Worker | undefined;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  #connection: SqliteConnection | undefined;
  #waiting: PromiseWithResolvers<Reply | "closed"> | undefined;
  #broken: WippyError | undefined;
  #last = 0;
  #inTransaction = false;

  private constructor(threads: boolean, failed: (error: WippyError) => void) {
    if (!threads) return;
    this.#thread = new Worker(new URL("./thread.ts", import.meta.url).href);
    this.#thread.onmessage = ({ data }: MessageEvent<Reply | "closed">) => {
      this.#waiting?.resolve(data);
    };
    this.#thread.onerror = ({ message }) => {
      this.#broken = new WippyError(
        "Unavailable",
        `the thread of the database broke down: ${message}`,
        {
          retryable: true,
        },
      );
      this.#waiting?.reject(this.#broken);
      failed(this.#broken);
    };
  }

  /** Opens a connection. @throws WippyError Unavailable */
  static async open(
    options: ConnectionOptions,
    threads: boolean,
    failed: (error: WippyError) => void,
  ): Promise<SqliteLink> {
    const link = new SqliteLink(threads, failed);
    if (!link.#thread) {
      link.#connection = new SqliteConnection(options, link.#cancelled);
      return link;
    }
    const reply = await link.#ask({ options, cancelled: link.#cancelled });
    if (reply !== "closed" && reply.failure) {
      link.#thread.terminate();
      throw WippyError.from(reply.failure);
    }
    return link;
  }

  #ask(message: Opening | Job | "close"): Promise<Reply | "closed"> {
    if (this.#broken) return Promise.reject(this.#broken);
    this.#waiting = Promise.withResolvers();
    this.#thread!.postMessage(message);
    return this.#waiting.promise;
  }

  /** Whether a transaction was open after the last job. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /**
   * Runs a statement; the one before must have ended. An abort stops a query between two rows; SQLite finishes whatever
   * else it is doing.
   *
   * @throws WippyError
   */
  async run(statement: Statement, signal?: AbortSignal): Promise<Outcome> {
    const number = this.#last = this.#last % 2 ** 30 + 1;
    const job: Job = { ...statement, number };
    const cancel = () => void Atomics.store(this.#cancelled, 0, number);
    signal?.addEventListener("abort", cancel);
    try {
      const reply = this.#connection?.run(job) ?? await this.#ask(job);
      if (reply === "closed") throw new Error("the connection was closed");
      this.#inTransaction = reply.inTransaction;
      if (reply.failure) throw WippyError.from(reply.failure);
      return reply.rows ?? reply.changed ?? { lastInsertId: 0n, rowsAffected: 0n };
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Closes the file, when what runs has ended. */
  async close(): Promise<void> {
    this.#connection?.close();
    if (!this.#thread || this.#broken) return;
    await this.#waiting?.promise.catch(() => {});
    await this.#ask("close").catch(() => {});
    this.#thread.terminate();
  }

  /** Ends the thread at once. */
  kill(): void {
    this.#broken ??= new WippyError("Unavailable", "the database was closed", { retryable: true });
    this.#waiting?.reject(this.#broken);
    this.#thread?.terminate();
  }
}
