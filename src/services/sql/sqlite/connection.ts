import { Database, type Statement as Prepared } from "bun:sqlite";
import { type ErrorData, WippyError } from "../../../vm/error.ts";
import { RowPacker } from "../../../vm/rows.ts";
import type { Changed, Statement } from "../driver.ts";
import { rfc3339 } from "../timestamp.ts";
import { checkStatement } from "../text.ts";
import { failureOf } from "./failure.ts";
import { withFloats } from "./floats.ts";

/** A statement, or a step of rows that are read piece by piece, of which the parameters are number and rows. */
export interface Job extends Omit<Statement, "kind"> {
  kind: Statement["kind"] | "stream" | "fetch" | "close";
}

/** Rows that are being read. */
interface Reading {
  statement: Prepared;
  rows: Iterator<Record<string, unknown>>;
}

export interface Reply {
  rows?: Uint8Array;
  changed?: Changed;
  failure?: ErrorData;
  inTransaction: boolean;
}

export interface ConnectionOptions {
  path: string;
  readOnly: boolean;
  /** Milliseconds that SQLite waits for a lock of another program. */
  busyTimeout: number;
}

/** With what the types of Bun leave out. */
type Typed = Prepared & { declaredTypes: (string | null)[] };

/** Prepared statements that a connection keeps. */
const mostPrepared = 100;

/** What SQLite knows as integers and texts is a boolean or a time where a column is declared so. */
type Meaning = "boolean" | "time" | undefined;

function meaningOf(declared: string | null | undefined): Meaning {
  if (!declared) return undefined;
  if (/^bool/i.test(declared)) return "boolean";
  return /^(?:timestamp|datetime|date)\b/i.test(declared) ? "time" : undefined;
}

/** The columns of a statement, and the keys of its rows. */
interface Shape {
  columns: readonly string[];
  types: readonly (string | null)[];
  names: readonly string[];
  meanings: readonly Meaning[];
}

function packValue(packer: RowPacker, value: unknown, meaning: Meaning): void {
  switch (typeof value) {
    case "bigint":
      if (meaning === "boolean") packer.boolean(value !== 0n);
      else packer.bigint(value);
      break;
    case "number":
      packer.float(value);
      break;
    case "string":
      packer.text(meaning === "time" ? rfc3339(value) : value);
      break;
    default:
      if (value instanceof Uint8Array) packer.bytes(value);
      else packer.null();
  }
}

/** One connection to an SQLite file, on the thread that made it. Answers one job after the other. */
export class SqliteConnection {
  readonly #database: Database;
  readonly #prepared = new Map<string, Prepared>();
  readonly #shapes = new WeakMap<Prepared, Shape>();
  readonly #packer = new RowPacker();
  readonly #readings = new Map<number, Reading>();
  #lastReading = 0;

  /** @throws WippyError Unavailable when the file cannot be opened */
  constructor({ path, readOnly, busyTimeout }: ConnectionOptions) {
    try {
      const mode = readOnly ? { readonly: true } : { readwrite: true, create: true };
      this.#database = new Database(path, { ...mode, safeIntegers: true });
      this.#database.run(`PRAGMA busy_timeout = ${Math.round(busyTimeout)}`);
      if (!readOnly) this.#database.run("PRAGMA journal_mode = WAL");
      this.#database.query("SELECT count(*) FROM sqlite_schema").get();
    } catch (error) {
      const { message, details } = failureOf(error);
      throw new WippyError("Unavailable", `open ${path}: ${message}`, {
        retryable: true,
        details,
        cause: error,
      });
    }
  }

  /** @param stopped whether the statement is to stop, asked between two rows */
  run(job: Job, stopped: () => boolean): Reply {
    const reply: Reply = { inTransaction: false };
    try {
      this.#run(job, stopped, reply);
    } catch (error) {
      reply.failure = failureOf(error).toJSON();
    }
    reply.inTransaction = this.#database.inTransaction;
    return reply;
  }

  #run({ kind, sql: text, params, own }: Job, stopped: () => boolean, reply: Reply): void {
    if (kind === "fetch") {
      reply.rows = this.#fetch(Number(params[0]), Number(params[1]), stopped);
      return;
    }
    if (kind === "close") return this.#end(Number(params[0]));
    if (own) {
      reply.changed = this.#changed(text, []);
      return;
    }
    const sql = withFloats(text, params);
    const prepared = this.#prepared.get(sql);
    const checked = kind === "stream" ? "query" : kind;
    const many = !prepared && checkStatement({ kind: checked, sql, params }, "sqlite");
    if (many) {
      reply.changed = this.#changed(sql, []);
      return;
    }
    // One that is read piece by piece cannot serve others meanwhile.
    const statement = kind === "stream"
      ? this.#database.prepare(sql)
      : prepared ?? this.#prepare(sql);
    if (kind === "check") return;
    if (statement.paramsCount !== params.length) {
      const message = `the statement has ${statement.paramsCount} parameters, got ${params.length}`;
      throw new WippyError("Invalid", message, { retryable: false });
    }
    if (kind === "stream") {
      const number = this.#lastReading += 1;
      const rows = statement.iterate(...params) as Iterator<Record<string, unknown>>;
      this.#readings.set(number, { statement, rows });
      reply.changed = { lastInsertId: BigInt(number), rowsAffected: 0n };
    } else if (kind === "execute") {
      const { changes, lastInsertRowid } = statement.run(...params);
      reply.changed = { lastInsertId: BigInt(lastInsertRowid), rowsAffected: BigInt(changes) };
    } else reply.rows = this.#rows(statement, sql, params, stopped);
  }

  #rows(
    statement: Prepared,
    sql: string,
    params: Statement["params"],
    stopped: () => boolean,
  ): Uint8Array {
    const packer = this.#packer;
    let shape: Shape | undefined;
    let rows = 0;
    packer.reset();
    try {
      for (const row of statement.iterate(...params) as Iterable<Record<string, unknown>>) {
        // Its columns match the current tables only after this.
        shape ??= this.#shape(statement as Typed);
        this.#packRow(row, shape, stopped);
        rows += 1;
      }
      return packer.finish(shape?.names ?? [], rows);
    } catch (error) {
      // It may stand between two rows, with its locks.
      this.#prepared.delete(sql);
      statement.finalize();
      throw error;
    }
  }

  #packRow(row: Record<string, unknown>, { names, meanings }: Shape, stopped: () => boolean): void {
    for (let column = 0; column < names.length; column += 1) {
      packValue(this.#packer, row[names[column]!], meanings[column]);
    }
    if (!stopped()) return;
    throw new WippyError("Canceled", "the statement was canceled", { retryable: false });
  }

  /** The next rows of a streamed query; fewer than requested at the end. */
  #fetch(number: number, most: number, stopped: () => boolean): Uint8Array {
    const reading = this.#readings.get(number);
    if (!reading) throw new WippyError("Invalid", "the rows are closed", { retryable: false });
    const { statement, rows } = reading;
    let shape: Shape | undefined;
    let count = 0;
    this.#packer.reset();
    try {
      while (count < most) {
        const { done, value } = rows.next();
        if (done) {
          this.#end(number);
          break;
        }
        shape ??= this.#shape(statement as Typed);
        this.#packRow(value, shape, stopped);
        count += 1;
      }
      return this.#packer.finish(shape?.names ?? [], count);
    } catch (error) {
      this.#end(number);
      throw error;
    }
  }

  #end(number: number): void {
    this.#readings.get(number)?.statement.finalize();
    this.#readings.delete(number);
  }

  /** The columns of a statement, which are mostly those of the last time. */
  #shape(statement: Typed): Shape {
    const { columnNames, declaredTypes } = statement;
    const present = this.#shapes.get(statement);
    if (
      present && present.columns.length === columnNames.length &&
      columnNames.every((name, at) => name === present.columns[at]) &&
      declaredTypes.every((type, at) => type === present.types[at])
    ) return present;
    // The same name twice is one key of a row.
    const names = [...new Set(columnNames)];
    const meanings = names.map((name) => meaningOf(declaredTypes[columnNames.lastIndexOf(name)]));
    const shape = { columns: columnNames, types: declaredTypes, names, meanings };
    this.#shapes.set(statement, shape);
    return shape;
  }

  #changed(sql: string, params: Statement["params"]): Changed {
    const { changes, lastInsertRowid } = this.#database.run(sql, params);
    return { lastInsertId: BigInt(lastInsertRowid), rowsAffected: BigInt(changes) };
  }

  #prepare(sql: string): Prepared {
    const statement = this.#database.prepare(sql);
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size >= mostPrepared && oldest !== undefined) {
      this.#prepared.get(oldest)?.finalize();
      this.#prepared.delete(oldest);
    }
    this.#prepared.set(sql, statement);
    return statement;
  }

  close(): void {
    for (const number of [...this.#readings.keys()]) this.#end(number);
    this.#prepared.forEach((statement) => statement.finalize());
    this.#database.close();
  }
}
