import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
import { type Caller, type Figure, type Service, type Started, untilStopped } from "../service.ts";
import type {
  Changed,
  Connection,
  Driver,
  Outcome,
  RowStream,
  Statement,
  TransactionOptions,
} from "./driver.ts";
import { type SqlRequests, unpackRun } from "../../operations/sql/requests.ts";
import { countRows } from "../../vm/rows.ts";
import { sqlText, sqlValues } from "./values.ts";

/** A transaction of a unit. */
class Transaction {
  readonly #connection: Connection;
  /** Ends the wait for the unit's worker to die. */
  readonly #ended = new AbortController();
  /** One statement after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #active = true;
  readonly #streams = new Set<RowStream>();

  constructor(connection: Connection, gone: AbortSignal, forget: () => void) {
    this.#connection = connection;
    this.#ended.signal.addEventListener("abort", forget, { once: true });
    gone.addEventListener("abort", () => void this.end(), { signal: this.#ended.signal });
    if (gone.aborted) void this.end();
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(() => {
      if (this.#active) return work();
      throw new WippyError("Invalid", "transaction is not active", { retryable: false });
    });
    this.#turn = result.catch(() => {});
    return result;
  }

  async #closeStreams(): Promise<void> {
    const streams = [...this.#streams];
    this.#streams.clear();
    for (const rows of streams) await rows.close();
  }

  async #release(): Promise<void> {
    this.#active = false;
    await this.#closeStreams();
    await this.#connection.release();
    this.#ended.abort();
  }

  run(statement: Statement, signal?: AbortSignal): Promise<Outcome> {
    return this.#next(async () => {
      try {
        return await this.#connection.run(statement, signal);
      } finally {
        // Some conflicts and failures end it on the database's side.
        if (!this.#connection.inTransaction) await this.#release();
      }
    });
  }

  /** Reads rows piece by piece; they end with the transaction. */
  async stream(statement: Statement, signal: AbortSignal): Promise<RowStream> {
    const rows = await this.#next(() => this.#connection.stream(statement, signal));
    this.#streams.add(rows);
    return {
      fetch: (count, abort) => this.#next(() => rows.fetch(count, abort)),
      close: async () => {
        if (this.#streams.delete(rows)) await this.#next(() => rows.close()).catch(() => {});
      },
    };
  }

  /** Runs a statement of ours; after `last` the transaction is over, also when it failed. */
  control(sql: string, last: boolean): Promise<void> {
    return this.#next(async () => {
      try {
        if (last) await this.#closeStreams();
        await this.#connection.run({ kind: "execute", sql, params: [], own: true });
      } finally {
        if (last) await this.#release();
      }
    });
  }

  /** Rolls it back if it is open. Never fails. */
  async end(): Promise<void> {
    await this.#next(() => this.#release()).catch(() => {});
  }
}

const controls = {
  commit: () => "COMMIT",
  rollback: () => "ROLLBACK",
  savepoint: (name: string) => `SAVEPOINT ${name}`,
  rollback_to: (name: string) => `ROLLBACK TO SAVEPOINT ${name}`,
  release: (name: string) => `RELEASE SAVEPOINT ${name}`,
};

/** Begins a query that has rows, behind comments. */
const hasRows = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:SELECT|WITH|VALUES|TABLE)\b/i;

/** Milliseconds in the form of the other durations. */
function durationText(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  return milliseconds < 1000 ? `${Math.round(milliseconds)}ms` : `${milliseconds / 1000}s`;
}

/** A database: its connections, and the transactions that units have on them. */
export class SqlService implements Service {
  readonly driver: Driver;
  readonly #life: Service;
  readonly #transactions = new Map<number, Transaction>();
  /** Rows that units read piece by piece. */
  readonly #streams = new Map<number, RowStream>();
  #last = 0;
  #statements = 0;
  #failures = 0;

  /** @param kill ends all connections at once */
  constructor(driver: Driver, kill: () => void) {
    this.driver = driver;
    this.#life = untilStopped({
      open: (failed) => driver.open(failed),
      close: async () => {
        await Promise.all([...this.#streams.keys()].map((each) => this.#closeStream(each)));
        await Promise.all([...this.#transactions.values()].map((each) => each.end()));
        await driver.close();
      },
      kill,
    });
  }

  start(): Promise<Started> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  /** Of a changed entry, only the settings of the pool take effect immediately. */
  takeOver(next: Service): void {
    const pool = next instanceof SqlService ? next.driver.pool : undefined;
    if (pool) this.driver.pool = pool;
  }

  /** Statements that were run. */
  get statements(): number {
    return this.#statements + (this.driver.direct ?? 0);
  }

  /** Transactions that are open. */
  get transactions(): number {
    return this.#transactions.size;
  }

  async answer(operation: string, input: LuaValue, caller: Caller): Promise<LuaValue> {
    const request = this.#requests[operation as keyof SqlRequests];
    if (!request) {
      throw new WippyError("Internal", `a database answers no ${operation}`, { retryable: false });
    }
    // The other side are the operations of the module `sql`.
    return await request(ofKernel<never>(input), caller);
  }

  readonly #requests: {
    [Name in keyof SqlRequests]: (
      input: SqlRequests[Name],
      caller: Caller,
    ) => LuaValue | Promise<LuaValue>;
  } = {
    type: () => this.driver.type,
    run: async (packed, { signal, worker }) => {
      const { kind, sql, values, tags, transaction } = unpackRun(packed);
      if (kind === "query" && worker !== undefined) this.driver.asked?.(worker);
      const statement = { kind, sql: sqlText(sql), params: sqlValues(values, tags) };
      const outcome = transaction === undefined
        ? await this.run(statement, signal)
        : await this.#counted(this.#transaction(transaction).run(statement, signal));
      return outcome instanceof Uint8Array ? outcome : changedTable(outcome);
    },
    begin: async (options, { signal, gone }) => {
      const transaction = await this.begin(options, signal, gone);
      if (!signal.aborted) return transaction;
      // Nobody is there to end it.
      await this.#transactions.get(transaction)?.end();
      throw new WippyError("Canceled", "canceled", { retryable: false });
    },
    control: async ({ transaction, action, name = "" }) => {
      const sql = controls[action](this.driver.quote(name));
      const last = action === "commit" || action === "rollback";
      await this.#transaction(transaction).control(sql, last);
      return true;
    },
    stream: ({ sql, values, tags, transaction }, { signal, gone }) => {
      const text = sqlText(sql);
      if (!hasRows.test(text)) {
        throw new WippyError("Invalid", "only a query is streamed, such as SELECT; use db:query", {
          retryable: false,
        });
      }
      const statement: Statement = { kind: "query", sql: text, params: sqlValues(values, tags) };
      const opened = transaction === undefined
        ? this.driver.stream(statement, signal)
        : this.#transaction(transaction).stream(statement, signal);
      return this.#counted(opened.then((rows) => this.#keepStream(rows, signal, gone)));
    },
    fetch: async ({ stream, rows }, { signal }) => {
      const open = this.#streams.get(stream);
      if (!open) throw new WippyError("Invalid", "the rows are closed", { retryable: false });
      try {
        const bytes = await open.fetch(rows, signal);
        if (countRows(bytes) < rows) await this.#closeStream(stream);
        return bytes;
      } catch (error) {
        await this.#closeStream(stream);
        throw error;
      }
    },
    close: async ({ stream }) => {
      await this.#closeStream(stream);
      return true;
    },
    end: async ({ transaction }) => {
      await this.#transactions.get(transaction)?.end();
      return true;
    },
    stats: () => {
      const { max, open, inUse, waits, waited, closedIdle, closedOld } = this.driver.figures();
      return {
        max_open_connections: max,
        open_connections: open,
        in_use: inUse,
        idle: open - inUse,
        wait_count: waits,
        wait_duration: durationText(waited),
        max_idle_closed: closedIdle,
        max_idle_time_closed: 0,
        max_lifetime_closed: closedOld,
      };
    },
  };

  /** Runs a statement by itself. @throws WippyError */
  run(statement: Statement, signal: AbortSignal): Promise<Outcome> {
    return this.#counted(this.driver.run(statement, signal));
  }

  /** Begins a transaction, which ends at the latest when `gone` is aborted. Returns its number. */
  async begin(
    options: TransactionOptions,
    signal: AbortSignal,
    gone: AbortSignal,
  ): Promise<number> {
    const connection = await this.driver.begin(options, signal);
    const id = this.#last += 1;
    const forget = () => void this.#transactions.delete(id);
    this.#transactions.set(id, new Transaction(connection, gone, forget));
    return id;
  }

  async #keepStream(rows: RowStream, signal: AbortSignal, gone: AbortSignal): Promise<number> {
    if (signal.aborted || gone.aborted) {
      // Nobody is there to close it.
      await rows.close();
      throw new WippyError("Canceled", "canceled", { retryable: false });
    }
    const id = this.#last += 1;
    const ended = new AbortController();
    gone.addEventListener("abort", () => void this.#closeStream(id), { signal: ended.signal });
    this.#streams.set(id, {
      fetch: rows.fetch,
      close: async () => {
        ended.abort();
        await rows.close();
      },
    });
    return id;
  }

  async #closeStream(id: number): Promise<void> {
    const rows = this.#streams.get(id);
    this.#streams.delete(id);
    await rows?.close();
  }

  #transaction(id: number): Transaction {
    const transaction = this.#transactions.get(id);
    if (transaction) return transaction;
    throw new WippyError("Invalid", "transaction is not active", { retryable: false });
  }

  async #counted<Result>(outcome: Promise<Result>): Promise<Result> {
    this.#statements += 1;
    try {
      return await outcome;
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
  }

  inspect(): LuaValue {
    const { open, inUse, waits } = this.driver.figures();
    return {
      type: this.driver.type,
      connections: open,
      in_use: inUse,
      waits,
      transactions: this.transactions,
      streams: this.#streams.size,
      statements: this.statements,
      failures: this.#failures,
    };
  }

  figures(): Figure[] {
    const { open, inUse, waits } = this.driver.figures();
    return [
      { name: "wippy_sql_connections", help: "Open connections of a database.", value: open },
      { name: "wippy_sql_connections_in_use", help: "Connections that work.", value: inUse },
      { name: "wippy_sql_waits_total", help: "Calls that waited for a connection.", value: waits },
      {
        name: "wippy_sql_transactions",
        help: "Open transactions of a database.",
        value: this.transactions,
      },
      {
        name: "wippy_sql_streams",
        help: "Rows of a database that are read piece by piece.",
        value: this.#streams.size,
      },
      { name: "wippy_sql_statements_total", help: "Statements run.", value: this.statements },
      { name: "wippy_sql_failures_total", help: "Statements that failed.", value: this.#failures },
    ];
  }
}

function changedTable({ lastInsertId, rowsAffected }: Changed): LuaValue {
  return { last_insert_id: lastInsertId, rows_affected: rowsAffected };
}
