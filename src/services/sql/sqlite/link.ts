import { WippyError } from "../../../vm/error.ts";
import type { Outcome, RowStream, Statement } from "../driver.ts";
import { type ConnectionOptions, type Job, type Reply, SqliteConnection } from "./connection.ts";
import { Claims, mostTogether } from "./claims.ts";
import type { DirectLink } from "../direct/direct.ts";
import type { DirectMemory } from "../direct/memory.ts";
import { packStatements, unpackReplies } from "./messages.ts";
import type { Answer, DirectOrder, Opening } from "./thread.ts";

/** A statement on its way. */
interface Waiting {
  statement: Job;
  signal: AbortSignal | undefined;
  resolve(outcome: Outcome): void;
  reject(error: WippyError): void;
}

const unavailable = (message: string) =>
  new WippyError("Unavailable", message, { retryable: true });
const canceled = () =>
  new WippyError("Canceled", "the statement was canceled", { retryable: false });

/**
 * The way to one connection: on a thread of its own, or, in a simulation, on this one. Statements run in the order of
 * asking; those that are asked for while others run go to the thread together.
 */
export class SqliteLink implements DirectLink {
  readonly #thread: Worker | undefined;
  readonly #claims = new Claims();
  #connection: SqliteConnection | undefined;
  #waiting: Waiting[] = [];
  /** What the thread has. */
  #given: Waiting[] = [];
  #posting = false;
  #batch = 0;
  #pace = 0;
  /** The answer to what is not a statement. */
  #said: PromiseWithResolvers<Reply | "closed"> | undefined;
  #idle: (() => void)[] = [];
  #broken: WippyError | undefined;
  #inTransaction = false;

  private constructor(threads: boolean, failed: (error: WippyError) => void) {
    if (!threads) return;
    this.#thread = new Worker(new URL("./thread.ts", import.meta.url).href);
    this.#thread.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
    this.#thread.onerror = ({ message }) => {
      const error = unavailable(`the thread of the database broke down: ${message}`);
      this.#break(error);
      failed(error);
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
      link.#connection = new SqliteConnection(options);
      return link;
    }
    const reply = await link.#say({ options, claims: link.#claims.words });
    if (reply !== "closed" && reply.failure) {
      link.#thread.terminate();
      throw WippyError.from(reply.failure);
    }
    return link;
  }

  #say(message: Opening | "close"): Promise<Reply | "closed"> {
    if (this.#broken) return Promise.reject(this.#broken);
    this.#said = Promise.withResolvers();
    this.#thread!.postMessage(message);
    return this.#said.promise;
  }

  #break(error: WippyError): void {
    this.#broken ??= error;
    this.#said?.reject(this.#broken);
    for (const job of [...this.#given.splice(0), ...this.#waiting.splice(0)]) {
      job.reject(this.#broken);
    }
    this.#rest();
  }

  /** Gives a worker a port to the thread. */
  attach(worker: number, port: MessagePort, { buffer }: DirectMemory): void {
    const order: DirectOrder = { attach: worker, port, memory: buffer };
    this.#thread?.postMessage(order, [port]);
  }

  /** The worker is gone. */
  detach(worker: number): void {
    this.#thread?.postMessage({ detach: worker } satisfies DirectOrder);
  }

  #rest(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Whether a transaction was open after the last statement. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Statements that have not ended. */
  get pending(): number {
    return this.#given.length + this.#waiting.length;
  }

  /** Counts what went to the thread together. */
  get batch(): number {
    return this.#batch;
  }

  /** Milliseconds that a statement took lately. */
  get pace(): number {
    return this.#pace;
  }

  /** Whether a new statement joins the batch of this turn. */
  get gathers(): boolean {
    return this.#posting && this.#waiting.length < mostTogether;
  }

  /**
   * Runs a statement behind those before. An abort takes it back when it has not begun, and stops a query between two
   * rows; SQLite finishes whatever else it is doing.
   *
   * @throws WippyError
   */
  run(statement: Job, signal?: AbortSignal): Promise<Outcome> {
    if (this.#broken) return Promise.reject(this.#broken);
    if (signal?.aborted) return Promise.reject(canceled());
    if (this.#connection) return this.#here(this.#connection, statement);
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const job: Waiting = { statement, signal, resolve, reject };
    this.#waiting.push(job);
    this.#postLater();
    if (!signal) return promise;
    const cancel = () => this.#cancel(job);
    signal.addEventListener("abort", cancel, { once: true });
    return promise.finally(() => signal.removeEventListener("abort", cancel));
  }

  /** Reads rows piece by piece. @throws WippyError */
  async stream({ sql, params }: Statement, signal: AbortSignal): Promise<RowStream> {
    const begun = await this.run({ kind: "stream", sql, params }, signal);
    const number = begun instanceof Uint8Array ? 0n : begun.lastInsertId;
    const step = (kind: "fetch" | "close", rows: number) => ({
      ...{ kind, sql: "", params: [number, BigInt(rows)] },
    });
    return {
      fetch: async (rows, abort) => await this.run(step("fetch", rows), abort) as Uint8Array,
      close: async () => {
        await this.run(step("close", 0)).catch(() => {});
      },
    };
  }

  async #here(connection: SqliteConnection, statement: Job): Promise<Outcome> {
    const reply = connection.run(statement, () => false);
    await Promise.resolve();
    this.#inTransaction = reply.inTransaction;
    return outcomeOf(reply);
  }

  #cancel(job: Waiting): void {
    const waits = this.#waiting.indexOf(job);
    if (waits >= 0) this.#waiting.splice(waits, 1);
    const given = this.#given.indexOf(job);
    if (waits >= 0 || given >= 0 && this.#claims.stop(given)) job.reject(canceled());
  }

  /** Takes back what the thread has not begun, and all that waits for it, in their order. */
  withdraw(): Waiting[] {
    const back = this.#given.filter((_, at) => this.#claims.stopUnbegun(at));
    return [...back, ...this.#waiting.splice(0)];
  }

  #postLater(): void {
    if (this.#posting || this.#given.length > 0) return;
    this.#posting = true;
    queueMicrotask(() => {
      this.#posting = false;
      this.#post();
    });
  }

  #post(): void {
    if (this.#given.length > 0 || this.#waiting.length === 0 || this.#broken) return;
    this.#given = this.#waiting.splice(0, mostTogether);
    this.#batch += 1;
    this.#claims.begin(this.#given.length);
    const packed = packStatements(this.#given.map(({ statement }) => statement));
    this.#thread!.postMessage(packed, [packed.buffer]);
  }

  #answered(answer: Answer): void {
    if (!Array.isArray(answer) && !(answer instanceof Uint8Array)) {
      this.#said?.resolve(answer);
      return;
    }
    const replies = Array.isArray(answer) ? answer : unpackReplies(answer);
    const given = this.#given;
    this.#given = [];
    // Smoothed, because a thread may also be kept from running.
    this.#pace += (this.#claims.took / replies.length - this.#pace) / 16;
    for (const [at, reply] of replies.entries()) {
      const job = given[at]!;
      // Taken back: somebody else has settled it, or will.
      if (reply === null) continue;
      this.#inTransaction = reply.inTransaction;
      if (reply.failure) job.reject(WippyError.from(reply.failure));
      else job.resolve(reply.rows ?? reply.changed ?? nothing);
    }
    if (this.#waiting.length > 0) this.#postLater();
    else this.#rest();
  }

  /** Closes the file, when what runs has ended. */
  async close(): Promise<void> {
    this.#connection?.close();
    if (!this.#thread || this.#broken) return;
    if (this.pending > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#say("close").catch(() => {});
    this.#thread.terminate();
  }

  /** Ends the thread at once. */
  kill(): void {
    this.#break(unavailable("the database was closed"));
    this.#thread?.terminate();
  }
}

const nothing: Outcome = { lastInsertId: 0n, rowsAffected: 0n };

function outcomeOf({ failure, rows, changed }: Reply): Outcome {
  if (failure) throw WippyError.from(failure);
  return rows ?? changed ?? nothing;
}
