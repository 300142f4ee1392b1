import { Database, type Statement as Prepared } from "bun:sqlite";
import { type ErrorData, WippyError } from "../../../vm/error.ts";
import { RowPacker } from "../../../vm/rows.ts";
import type { Changed, Statement } from "../driver.ts";
import { rfc3339 } from "../timestamp.ts";
import { checkStatement } from "../text.ts";
import { failureOf } from "./failure.ts";

/** What a connection is asked to do. */
export interface Job extends Statement {
  /** Compared with the number in shared memory: equal ones call it off. */
  number: number;
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
  readonly #packer = new RowPacker();
  /** The number of the job that is called off. */
  readonly #cancelled: Int32Array;

  /** @throws WippyError Unavailable when the file cannot be opened */
  constructor({ path, readOnly, busyTimeout }: ConnectionOptions, cancelled: Int32Array) {
    this.#cancelled = cancelled;
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

  run(job: Job): Reply {
    let reply: Omit<Reply, "inTransaction">;
    try {
      reply = this.#run(job);
    } catch (error) {
      reply = { failure: failureOf(error).toJSON() };
    }
    return { ...reply, inTransaction: this.#database.inTransaction };
  }

  #run({ kind, sql, params, own, number }: Job): Omit<Reply, "inTransaction"> {
    this.#stopIfCancelled(number);
    if (own) return { changed: this.#changed(sql, []) };
    const prepared = this.#prepared.get(sql);
    const many = !prepared && checkStatement({ kind, sql, params }, "sqlite");
    if (many) return { changed: this.#changed(sql, []) };
    const statement = prepared ?? this.#prepare(sql);
    if (kind === "check") return {};
    if (statement.paramsCount !== params.length) {
      const message = `the statement has ${statement.paramsCount} parameters, got ${params.length}`;
      throw new WippyError("Invalid", message, { retryable: false });
    }
    if (kind === "execute") {
      const { changes, lastInsertRowid } = statement.run(...params);
      return {
        changed: { lastInsertId: BigInt(lastInsertRowid), rowsAffected: BigInt(changes) },
      };
    }
    return { rows: this.#rows(statement, { kind, sql, params, number }) };
  }

  #rows(statement: Prepared, { sql, params, number }: Job): Uint8Array {
    const packer = this.#packer;
    let names: string[] = [];
    let meanings: Meaning[] | undefined;
    let rows = 0;
    packer.reset();
    try {
      for (const row of statement.iterate(...params) as Iterable<Record<string, unknown>>) {
        if (!meanings) {
          // Only now are they those of the tables as they are. The same name twice is one key of a row.
          const { columnNames, declaredTypes } = statement as Typed;
          names = [...new Set(columnNames)];
          meanings = names.map((name) => meaningOf(declaredTypes[columnNames.lastIndexOf(name)]));
        }
        for (let at = 0; at < names.length; at += 1) {
          packValue(packer, row[names[at]!], meanings[at]);
        }
        rows += 1;
        this.#stopIfCancelled(number);
      }
      return packer.finish(names, rows);
    } catch (error) {
      // It may stand between two rows, with its locks.
      this.#prepared.delete(sql);
      statement.finalize();
      throw error;
    }
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

  #stopIfCancelled(number: number): void {
    if (Atomics.load(this.#cancelled, 0) !== number) return;
    throw new WippyError("Canceled", "the statement was canceled", { retryable: false });
  }

  close(): void {
    this.#prepared.forEach((statement) => statement.finalize());
    this.#database.close();
  }
}
