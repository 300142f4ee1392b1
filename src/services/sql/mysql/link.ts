import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type PrepareStatementInfo,
  type Query,
  type QueryError,
  type ResultSetHeader,
  TypedParameter,
} from "mysql2";
import { Interruption } from "../../../platform/interruption.ts";
import { WippyError } from "../../../vm/error.ts";
import { RowPacker } from "../../../vm/rows.ts";
import type { Outcome, SqlValue, Statement } from "../driver.ts";
import type { Link } from "../pool.ts";
import { checkStatement } from "../text.ts";
import { endsTransaction, failureOf } from "./failure.ts";
import { MysqlRows, packLists, type RunningQuery } from "./stream.ts";

/** What MySQL says of a statement: rows as lists of values with their columns, or what it changed. */
interface Answer {
  rows: unknown;
  fields: unknown;
}

type Answered = (error: QueryError | null, rows: unknown, fields: unknown) => void;

/** A statement that the server has prepared, with what the types of `mysql2` leave out. */
type Prepared = PrepareStatementInfo & {
  execute(params: unknown[]): RunningQuery;
  readonly parameters: readonly unknown[];
};

/** The status of the server: a transaction is open. */
const inTransaction = 1;

function parameter(value: SqlValue) {
  if (typeof value === "bigint") return TypedParameter.BIGINT(value);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function isHeader(value: unknown): value is ResultSetHeader {
  return typeof value === "object" && value !== null && "affectedRows" in value;
}

/** The last of several results; a procedure has its rows before what it changed. */
function resultOf(answer: Answer, wantsRows: boolean): Answer {
  const { rows, fields } = answer;
  const isList = Array.isArray(rows) && Array.isArray(fields) &&
    fields.some((each) => each === undefined || Array.isArray(each));
  if (!isList) return answer;
  const results = rows.map((each, at) => ({ rows: each, fields: fields[at] }));
  const wanted = wantsRows ? results.find((each) => !isHeader(each.rows)) : undefined;
  return wanted ?? results.at(-1) ?? { rows: undefined, fields: undefined };
}

function packAnswer({ rows, fields }: Answer): Uint8Array {
  return packLists(Array.isArray(fields) ? fields : [], Array.isArray(rows) ? rows : []);
}

/** A connection to MySQL or MariaDB. */
export class MysqlLink implements Link {
  readonly #connection: Connection;
  readonly #options: ConnectionOptions;
  readonly #several: boolean;
  readonly #lost = new Interruption();
  #inTransaction = false;
  #broken = false;

  private constructor(connection: Connection, options: ConnectionOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#several = options.multipleStatements === true;
    const lost = (error: unknown) => {
      this.#broken = true;
      this.#lost.interrupt(error);
    };
    connection.on("error", lost);
    connection.on("end", () => lost(new Error("the server closed the connection")));
  }

  /**
   * Connects and logs in.
   *
   * @param session statements that are run at once
   * @throws what the server or the network says
   */
  static async open(options: ConnectionOptions, session: readonly string[]): Promise<MysqlLink> {
    const connection = createConnection(options);
    const link = new MysqlLink(connection, options);
    try {
      const connected = Promise.withResolvers<void>();
      connection.connect((error) => error ? connected.reject(error) : connected.resolve());
      await link.#lost.race(connected.promise);
      for (const sql of session) await link.#ask({ sql, params: [] });
    } catch (error) {
      link.close();
      throw error;
    }
    return link;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  get broken(): boolean {
    return this.#broken;
  }

  async run(statement: Statement, signal?: AbortSignal): Promise<Outcome> {
    if (this.#broken) throw failureOf(new Error("the connection is closed"));
    const { kind, sql, params } = statement;
    const several = statement.own !== true && checkStatement(statement, "mysql");
    if (several && !this.#several) {
      const message = "several statements at once need the option multiStatements: true";
      throw new WippyError("Invalid", message, { retryable: false });
    }
    const abort = () => {
      this.#cancel();
      this.#lost.interrupt(
        new WippyError("Canceled", "the statement was canceled", { retryable: false }),
      );
      this.close();
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      if (kind === "check") {
        await this.#prepare(sql);
        return { lastInsertId: 0n, rowsAffected: 0n };
      }
      const answer = resultOf(await this.#ask({ sql, params }), kind === "query");
      if (kind === "query" && !isHeader(answer.rows)) return packAnswer(answer);
      return this.#changed(answer.rows, kind);
    } catch (error) {
      const failure = failureOf(error);
      if (endsTransaction(failure)) this.#inTransaction = false;
      throw failure;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Reads the rows of a query piece by piece; until they end the connection does nothing else. @throws WippyError */
  async stream(statement: Statement, signal: AbortSignal): Promise<MysqlRows> {
    checkStatement(statement, "mysql");
    try {
      const { sql, params } = statement;
      const prepared = params.length > 0 ? await this.#prepare(sql) : undefined;
      if (prepared) this.#checkCount(prepared, params);
      const query = prepared?.execute(params.map(parameter)) ??
        this.#connection.query(sql) as Query & RunningQuery;
      const rows = new MysqlRows(this.#connection, query, () => {
        this.#cancel();
        this.close();
      });
      const ended = Promise.withResolvers<void>();
      query.once("end", ended.resolve).once("error", () => ended.resolve());
      this.#lost.race(ended.promise).catch((error) => rows.fail(error));
      await rows.begun(signal);
      return rows;
    } catch (error) {
      throw failureOf(error);
    }
  }

  #checkCount({ parameters }: Prepared, params: readonly SqlValue[]): void {
    if (parameters.length === params.length) return;
    const message = `the statement has ${parameters.length} parameters, got ${params.length}`;
    throw new WippyError("Invalid", message, { retryable: false });
  }

  #changed(rows: unknown, kind: Statement["kind"]): Outcome {
    if (!isHeader(rows)) {
      const count = Array.isArray(rows) ? rows.length : 0;
      return { lastInsertId: 0n, rowsAffected: BigInt(count) };
    }
    // A statement that defines something ends a transaction.
    const { serverStatus } = rows as ResultSetHeader & { serverStatus?: number };
    if (serverStatus !== undefined) this.#inTransaction = (serverStatus & inTransaction) !== 0;
    if (kind === "query") return new RowPacker().finish([]);
    return { lastInsertId: BigInt(rows.insertId), rowsAffected: BigInt(rows.affectedRows) };
  }

  async #ask({ sql, params }: Pick<Statement, "sql" | "params">): Promise<Answer> {
    const done = Promise.withResolvers<Answer>();
    const answer: Answered = (error, rows, fields) =>
      error ? done.reject(error) : done.resolve({ rows, fields });
    // Not every statement can be prepared; those without parameters need not be.
    if (params.length === 0) this.#connection.query(sql, answer);
    else {
      const statement = await this.#prepare(sql);
      this.#checkCount(statement, params);
      statement.execute(params.map(parameter), answer);
    }
    return await this.#lost.race(done.promise);
  }

  /** The connection keeps what it has prepared, by the text. */
  #prepare(sql: string): Promise<Prepared> {
    const done = Promise.withResolvers<Prepared>();
    this.#connection.prepare(
      sql,
      (error, statement) => error ? done.reject(error) : done.resolve(statement as Prepared),
    );
    return this.#lost.race(done.promise);
  }

  /** Has the server, by a connection of its own, stop what runs and end the connection. */
  #cancel(): void {
    const { threadId } = this.#connection;
    const connection = createConnection(this.#options);
    // It may have ended by itself.
    connection.on("error", () => {});
    connection.query(`KILL ${Number(threadId)}`, () => connection.destroy());
  }

  close(): void {
    this.#broken = true;
    this.#lost.interrupt(new Error("the connection was closed"));
    this.#connection.destroy();
  }
}
