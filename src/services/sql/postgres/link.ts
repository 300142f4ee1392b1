import { Client, type ClientConfig } from "pg";
import { serialize } from "pg-protocol";
import { Interruption } from "../../../platform/interruption.ts";
import { WippyError } from "../../../vm/error.ts";
import { RowPacker } from "../../../vm/rows.ts";
import type { Changed, Outcome, SqlValue, Statement } from "../driver.ts";
import type { Link } from "../pool.ts";
import { checkStatement } from "../text.ts";
import { cancelQuery } from "./cancel.ts";
import { failureOf } from "./failure.ts";
import { isStale, PreparedTexts, unnamed } from "./prepared.ts";
import { type Reader, readerOf } from "./values.ts";
import { connectionOf, type Field, send, type Wire } from "./wire.ts";

/** A parameter in the text format of the protocol, of which the server makes the type that it needs; bytes as bytes. */
function parameter(value: SqlValue): string | Buffer | null {
  if (value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value);
  return String(value);
}

/** How a statement is sent: under a name, if it has one. */
type Use = ReturnType<PreparedTexts["use"]>;

/** One statement on its way to the server and back. */
class Exchange {
  readonly #statement: Statement;
  readonly #several: boolean;
  /** The statement's name where the server has it or is to keep it; empty otherwise. */
  readonly #name: string;
  /** Whether the server has it. */
  readonly #known: boolean;
  #readers: Reader[] = [];
  #names: string[] = [];
  readonly #packer: RowPacker;
  #rows = 0;
  #affected = 0n;
  /** What the server called the last thing that it did. */
  command = "";
  failure: unknown;

  constructor(statement: Statement, several: boolean, packer: RowPacker, use: Use) {
    this.#statement = statement;
    this.#several = several;
    this.#packer = packer;
    this.#name = use.name;
    this.#known = use.known;
  }

  submit(connection: Wire): void {
    const { kind, sql, params } = this.#statement;
    // Only now is the one before done with it.
    this.#packer.reset();
    if (this.#several) return connection.query(sql);
    const messages = this.#known ? [] : [serialize.parse({ name: this.#name, text: sql })];
    if (kind !== "check") {
      messages.push(
        serialize.bind({ statement: this.#name, values: params.map(parameter) }),
        serialize.describe({ type: "P" }),
        serialize.execute({}),
      );
    }
    // In one write: each would be a call of the system.
    connection.stream.write(Buffer.concat([...messages, serialize.sync()]));
  }

  handleRowDescription({ fields }: { fields: Field[] }): void {
    this.#packer.reset();
    this.#rows = 0;
    this.#names = fields.map(({ name }) => name);
    this.#readers = fields.map(({ dataTypeID }) => readerOf(dataTypeID));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#statement.kind !== "query" || this.failure !== undefined) return;
    try {
      this.#rows += 1;
      for (let at = 0; at < fields.length; at += 1) {
        const text = fields[at];
        if (text === null || text === undefined) this.#packer.null();
        else this.#readers[at]!(this.#packer, text);
      }
    } catch (error) {
      this.failure = error;
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.command = text;
    this.#affected = BigInt(/ (\d+)$/.exec(text)?.[1] ?? 0);
  }

  handleCopyInResponse(connection: Wire): void {
    const message = "COPY FROM STDIN is not available; insert rows";
    this.failure = new WippyError("Invalid", message, { retryable: false });
    connection.sendCopyFail(message);
    // The server has passed over the one that came with the statement.
    if (!this.#several) connection.sync();
  }

  handleCopyData(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleReadyForQuery(): void {}

  handleError(error: unknown): void {
    this.failure ??= error;
  }

  get outcome(): Outcome {
    if (this.#statement.kind === "query") return this.#packer.finish(this.#names, this.#rows);
    return { lastInsertId: 0n, rowsAffected: this.#affected } satisfies Changed;
  }
}

/** A connection to PostgreSQL. */
export class PostgresLink implements Link {
  readonly #client: Client;
  readonly #config: ClientConfig;
  /** `I`: idle, `T`: in a transaction, `E`: in one that has failed. */
  #state = "I";
  #broken = false;
  /** Comes when the connection is lost. */
  readonly #lost = new Interruption();
  /** It runs one statement at a time. */
  readonly #packer = new RowPacker();
  readonly #prepared = new PreparedTexts();

  private constructor(client: Client, config: ClientConfig) {
    this.#client = client;
    this.#config = config;
    const lost = (error: unknown) => {
      this.#broken = true;
      this.#lost.interrupt(error);
    };
    client.on("error", lost);
    client.on("end", () => lost(new Error("the server closed the connection")));
  }

  /** Connects and logs in. @throws what the server or the network says */
  static async open(config: ClientConfig): Promise<PostgresLink> {
    const client = new Client(config);
    const link = new PostgresLink(client, config);
    let dates = "ISO";
    connectionOf(client).on("parameterStatus", ({ parameterName, parameterValue }) => {
      if (parameterName === "DateStyle") dates = parameterValue;
    });
    try {
      await client.connect();
      if (!dates.startsWith("ISO")) {
        await link.run({ kind: "execute", sql: "SET datestyle = ISO", params: [], own: true });
      }
    } catch (error) {
      link.close();
      throw error;
    }
    return link;
  }

  get inTransaction(): boolean {
    return this.#state !== "I";
  }

  get broken(): boolean {
    return this.#broken;
  }

  async run(statement: Statement, signal?: AbortSignal): Promise<Outcome> {
    if (this.#broken) throw failureOf(new Error("the connection is closed"));
    const several = statement.own !== true && checkStatement(statement, "postgres");
    // Only by itself can it be repeated, when it turns out that the server has the name no more.
    const isAlone = !several && statement.own !== true && statement.kind !== "check";
    const use = isAlone && this.#state === "I" ? this.#prepared.use(statement.sql) : unnamed;
    const exchange = new Exchange(statement, several, this.#packer, use);
    const keep = () => this.#prepared.keep(statement.sql, use.name);
    const isNew = use.name !== "" && !use.known;
    if (isNew) connectionOf(this.#client).once("parseComplete", keep);
    try {
      await this.#exchange(statement, exchange, signal);
    } finally {
      if (isNew) connectionOf(this.#client).off("parseComplete", keep);
    }
    if (exchange.failure === undefined) return exchange.outcome;
    const stale = use.name !== "" && isStale(exchange.failure);
    if (!stale) throw failureOf(exchange.failure);
    this.#prepared.forget(statement.sql);
    const again = new Exchange(statement, several, this.#packer, unnamed);
    await this.#exchange(statement, again, signal);
    if (again.failure !== undefined) throw failureOf(again.failure);
    return again.outcome;
  }

  /** Sends a statement and waits for the server to be ready again. @throws WippyError when the connection is lost */
  async #exchange(
    statement: Statement,
    exchange: Exchange,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const ready = Promise.withResolvers<void>();
    const connection = connectionOf(this.#client);
    connection.once("readyForQuery", ({ status }) => {
      this.#state = status;
      ready.resolve();
    });
    const abort = () => {
      cancelQuery(this.#client, this.#config);
      this.#lost.interrupt(
        new WippyError("Canceled", "the statement was canceled", { retryable: false }),
      );
      this.close();
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    const begun = this.#state;
    try {
      send(this.#client, exchange);
      await this.#lost.race(ready.promise);
    } catch (error) {
      throw failureOf(signal?.aborted ? error : exchange.failure ?? error);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    if (
      exchange.failure === undefined && statement.own && begun === "E" &&
      exchange.command === "ROLLBACK" &&
      statement.sql === "COMMIT"
    ) {
      throw new WippyError(
        "Invalid",
        "the transaction was rolled back, because a statement in it had failed",
        { retryable: false, details: { code: "25P02", sqlstate: "25P02" } },
      );
    }
  }

  close(): void {
    this.#broken = true;
    this.#lost.interrupt(new Error("the connection was closed"));
    const connection = connectionOf(this.#client);
    connection.end();
    connection.stream.destroy();
  }
}
