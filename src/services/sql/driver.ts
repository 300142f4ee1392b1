/**
 * What the service of a database needs of a kind of database.
 * @module
 */
import type { Isolation } from "../../operations/sql/requests.ts";

/** A parameter of a statement. */
export type SqlValue = null | boolean | bigint | number | string | Uint8Array;

/** One statement to run. */
export interface Statement {
  /** A statement of the runtime itself, such as COMMIT. @default one of a program */
  own?: boolean;
  /** `query` returns rows, `execute` what was changed; `check` only whether the text is a statement. */
  kind: "query" | "execute" | "check";
  sql: string;
  params: SqlValue[];
}

/** What a statement that returns no rows did. */
export interface Changed {
  /** 0 where the database has none. */
  lastInsertId: bigint;
  rowsAffected: bigint;
}

/** The rows of a `query`, packed (`src/vm/rows.ts`); of an `execute` what it changed. */
export type Outcome = Uint8Array | Changed;

/** Rows that are read in batches. */
export interface RowStream {
  /**
   * The next rows, packed: fewer than asked for when there are no more.
   *
   * @throws WippyError, after which no rows can be read; Canceled after an abort
   */
  fetch(rows: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Ends it, whether or not all was read. Never fails. */
  close(): Promise<void>;
}

/** A connection that one transaction has for itself. */
export interface Connection {
  /**
   * Runs one statement.
   *
   * @throws WippyError; after an abort Canceled, or as without it where the database cannot stop
   */
  run(statement: Statement, signal?: AbortSignal): Promise<Outcome>;
  /** Reads rows piece by piece, within the transaction. @throws WippyError */
  stream(statement: Statement, signal: AbortSignal): Promise<RowStream>;
  /** Whether the database still has the transaction open. */
  readonly inTransaction: boolean;
  /** Hands it back, with a transaction that is still open rolled back. */
  release(): Promise<void>;
}

/** How a transaction begins. */
export interface TransactionOptions {
  isolation: Isolation;
  readOnly: boolean;
}

/** The connections of a database as Lua sees them. */
export interface PoolFigures {
  /** 0: without limit. */
  max: number;
  open: number;
  inUse: number;
  /** Calls that had to wait for a connection, and how long, in milliseconds. */
  waits: number;
  waited: number;
  /** Connections closed because they were idle, or old. */
  closedIdle: number;
  closedOld: number;
}

/** How many connections there may be, and how long. */
export interface PoolSettings {
  /** Connections at most; 0: without limit. */
  max_open: number;
  /** Idle connections that are kept. */
  max_idle: number;
  /** Milliseconds after which a connection is not used again. */
  max_lifetime: number;
}

/** One database. */
export interface Driver {
  readonly type: "sqlite" | "postgres" | "mysql";
  /** Connects. @param failed called when it breaks down later @throws WippyError Unavailable, PermissionDenied */
  open(failed: (error: unknown) => void): Promise<void>;
  /** Ends all connections; what runs on them fails. */
  close(): Promise<void>;
  /** Runs one statement by itself, on any connection. */
  run(statement: Statement, signal: AbortSignal): Promise<Outcome>;
  /** Reads rows piece by piece, on a connection of their own. @throws WippyError */
  stream(statement: Statement, signal: AbortSignal): Promise<RowStream>;
  /** Begins a transaction on a connection of its own. */
  begin(options: TransactionOptions, signal: AbortSignal): Promise<Connection>;
  /** Hears that a worker has asked for a query: it may get a way of its own for more. */
  asked?(worker: number): void;
  /** Queries that workers have run on ways of their own. */
  readonly direct?: number;
  /** An identifier in quotes. */
  quote(name: string): string;
  /** Settings of the connections to a server. A change takes effect immediately. */
  pool?: PoolSettings;
  figures(): PoolFigures;
}
