/**
 * What the operations of `sql` ask the service of a database (`src/services/sql`).
 * @module
 */
import { packFlat, unpackFlat } from "../../vm/codec.ts";
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

const kinds = ["query", "execute", "check"] as const;

/** A statement to run, in a transaction or by itself. */
export interface Run {
  kind: typeof kinds[number];
  sql: string | Uint8Array;
  /** Scalars and bytes. */
  values: LuaValue[];
  tags: Tags;
  transaction?: number | undefined;
}

type PackedRun = [kind: number, sql: string | Uint8Array, LuaValue[], Tags, transaction: number];

/** The input of `run`: programs ask it far more often than all others. */
export function packRun({ kind, sql, values, tags, transaction = 0 }: Run): Uint8Array {
  return packFlat([kinds.indexOf(kind), sql, values, tags, transaction] satisfies PackedRun);
}

/** What {@link packRun} packed. Bytes are parts of the buffer. */
export function unpackRun(packed: Uint8Array): Run {
  const [kind, sql, values, tags, transaction] = unpackFlat(packed) as PackedRun;
  const within = transaction === 0 ? undefined : transaction;
  return { kind: kinds[kind]!, sql, values, tags, transaction: within };
}

/** Requests by the name of the operation. */
export interface SqlRequests {
  /** The type of the database. */
  type: Record<string, never>;
  /** Runs a statement: a packed {@link Run}. */
  run: Uint8Array;
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
