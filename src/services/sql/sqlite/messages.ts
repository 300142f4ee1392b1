/**
 * Statements and replies between a database and its thread, packed: a structured clone of many small objects takes
 * several times as long.
 * @module
 */
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import type { ErrorData } from "../../../vm/error.ts";
import type { SqlValue } from "../driver.ts";
import type { Job, Reply } from "./connection.ts";

// A bigint stays one, whatever its size: SQLite gets numbers as floats.
const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false, int64AsType: "bigint" });

const kinds: readonly Job["kind"][] = ["query", "execute", "check", "stream", "fetch", "close"];

type StatementItem = [kind: number, sql: string, params: SqlValue[], own: boolean];

/** Lists of texts, numbers and bytes, packed. */
export function packFields(list: readonly unknown[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(list));
}

/** What {@link packFields} packed. */
export function unpackFields(bytes: Uint8Array): unknown[] {
  return unpackr.unpack(bytes) as unknown[];
}

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
