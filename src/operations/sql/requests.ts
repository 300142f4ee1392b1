/**
 * What the operations of `sql` ask the service of a database (`src/services/sql`).
 * @module
 */
import type { LuaValue } from "../../vm/value.ts";

export type Isolation =
  | "default"
  | "read_uncommitted"
  | "read_committed"
  | "write_committed"
  | "repeatable_read"
  | "serializable";

/** One letter for each parameter: a value as it is, NULL, bytes, text. */
export type Tags = string;

/** Requests by the name of the operation. */
export interface SqlRequests {
  /** The type of the database. */
  type: Record<string, never>;
  /** Runs a statement, in a transaction or by itself. */
  run: {
    kind: "query" | "execute" | "check";
    sql: string | Uint8Array;
    values: LuaValue[];
    tags: Tags;
    transaction?: number;
  };
  /** Begins a transaction. Returns its number. */
  begin: { isolation: Isolation; readOnly: boolean };
  /** Ends a transaction, or sets a savepoint and so on. */
  control: {
    transaction: number;
    action: "commit" | "rollback" | "savepoint" | "rollback_to" | "release";
    name?: string;
  };
  /** Begins to read rows piece by piece. Returns a number. */
  stream: { sql: string | Uint8Array; values: LuaValue[]; tags: Tags; transaction?: number };
  /** The next rows, packed: fewer than so many at the end. */
  fetch: { stream: number; rows: number };
  /** Ends it, if it is open. */
  close: { stream: number };
  /** Rolls a transaction back if it is open. */
  end: { transaction: number };
  stats: Record<string, never>;
}
