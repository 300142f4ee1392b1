/**
 * Statements and replies between a database and its thread, packed.
 * @module
 */
import type { ErrorData } from "../../../vm/error.ts";
import type { SqlValue } from "../driver.ts";
import { packFields, unpackFields } from "../fields.ts";
import type { Job, Reply } from "./connection.ts";

const kinds: readonly Job["kind"][] = ["query", "execute", "check", "stream", "fetch", "close"];

type StatementItem = [kind: number, sql: string, params: SqlValue[], own: boolean];

/** Packed statements. */
export function packStatements(statements: readonly Job[]): Uint8Array<ArrayBuffer> {
  const items = statements.map(({ kind, sql, params, own }): StatementItem => [
    kinds.indexOf(kind),
    sql,
    params,
    own === true,
  ]);
  return packFields(items);
}

/** What {@link packStatements} packed. */
export function unpackStatements(bytes: Uint8Array): Job[] {
  return (unpackFields(bytes) as StatementItem[]).map(([kind, sql, params, own]) => ({
    kind: kinds[kind]!,
    sql,
    params,
    own,
  }));
}

type ReplyItem =
  | null
  | [inTransaction: boolean]
  | [inTransaction: boolean, rows: Uint8Array]
  | [inTransaction: boolean, lastInsertId: bigint, rowsAffected: bigint]
  | [inTransaction: boolean, failure: ErrorData];

/** Packed replies; null for a statement that did not run. */
export function packReplies(replies: readonly (Reply | null)[]): Uint8Array<ArrayBuffer> {
  const items = replies.map((reply): ReplyItem => {
    if (reply === null) return null;
    const { inTransaction, rows, changed, failure } = reply;
    if (failure) return [inTransaction, failure];
    if (rows) return [inTransaction, rows];
    return changed ? [inTransaction, changed.lastInsertId, changed.rowsAffected] : [inTransaction];
  });
  return packFields(items);
}

/** What {@link packReplies} packed. Rows are a part of the bytes. */
export function unpackReplies(bytes: Uint8Array): (Reply | null)[] {
  return (unpackFields(bytes) as ReplyItem[]).map((item): Reply | null => {
    if (item === null) return null;
    const [inTransaction, what, more] = item;
    if (what === undefined) return { inTransaction };
    if (what instanceof Uint8Array) return { inTransaction, rows: what };
    if (typeof what !== "bigint") return { inTransaction, failure: what };
    return { inTransaction, changed: { lastInsertId: what, rowsAffected: more! } };
  });
}
