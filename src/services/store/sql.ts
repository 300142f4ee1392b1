import { readJson } from "../../operations/json/read.ts";
import { writeJson } from "../../operations/json/write.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import type { SqlValue } from "../sql/driver.ts";
import { SqlService } from "../sql/service.ts";
import { answerOf } from "./requests.ts";
import type { SqlStoreSettings } from "./schema.ts";

interface Row {
  k: string;
  v: string;
}

function item({ k, v }: Row) {
  return { key: k, value: pack(readJson(v).value) };
}

function hasBytes(value: LuaValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Uint8Array) return true;
  return Object.values(value as Record<string, LuaValue>).some(hasBytes);
}

/** @throws WippyError Invalid for what JSON cannot hold */
function jsonOf(value: LuaValue): string {
  try {
    // Cycles are refused here, so that the search ends.
    const text = writeJson(value, new Set());
    if (!hasBytes(value)) return text;
  } catch (error) {
    throw new WippyError("Invalid", WippyError.from(error).message, { retryable: false });
  }
  const message = "the value has a string that is not UTF-8; encode it with base64";
  throw new WippyError("Invalid", message, { retryable: false });
}

const never = new AbortController().signal;

/** A store in a table of a database as a service. Values are JSON, times of expiry RFC 3339 in UTC. */
export function runSqlStore(
  { services, platform, entry, log }: ServiceContext,
  settings: SqlStoreSettings,
): Service {
  const database = () => services.get(settings.database, SqlService);
  // Their names were checked; quoted, a reserved word is one too.
  const [table, key, value, expires] = [
    settings.table_name,
    settings.id_column_name,
    settings.payload_column_name,
    settings.expire_column_name,
  ].map((name) => `"${name}"`);
  const alive = `(${expires} IS NULL OR ${expires} > ?)`;
  const now = () => new Date(platform.now()).toISOString();
  async function query(sql: string, params: SqlValue[], signal: AbortSignal): Promise<Row[]> {
    const rows = await database().run({ kind: "query", sql, params }, signal);
    const list = rows instanceof Uint8Array ? unpack(rows) : [];
    return Array.isArray(list) ? ofKernel<Row[]>(list) : [];
  }
  async function execute(sql: string, params: SqlValue[], signal: AbortSignal): Promise<bigint> {
    const done = await database().run({ kind: "execute", sql, params }, signal);
    return done instanceof Uint8Array ? 0n : done.rowsAffected;
  }
  const find = (name: string, signal: AbortSignal) =>
    query(
      `SELECT ${key} AS k, ${value} AS v FROM ${table} WHERE ${key} = ? AND ${alive}`,
      [name, now()],
      signal,
    );

  let cancel = () => {};
  function cleanLater(): void {
    if (settings.cleanup_interval === 0) return;
    cancel = platform.setTimer(settings.cleanup_interval, () => {
      execute(`DELETE FROM ${table} WHERE ${expires} <= ?`, [now()], never)
        .catch((error) => log("error", `cleanup failed: ${WippyError.from(error).message}`));
      cleanLater();
    });
  }

  return untilStopped({
    open: cleanLater,
    close: () => cancel(),
    answer: answerOf({
      info: () => ({
        id: entry.id,
        backend: "sql",
        consistency: "local",
        durable: true,
        list: true,
        versioned: false,
        conditional_put: false,
        ttl: true,
      }),
      async entry({ key: name }, signal) {
        const [row] = await find(name, signal);
        if (row) return item(row);
        throw new WippyError("NotFound", `key not found: ${name}`, { retryable: false });
      },
      async put({ key: name, value: bytes, ttl, only_if_absent, if_version }, signal) {
        if (only_if_absent || if_version !== undefined) {
          const message = "a store.sql puts without conditions; use a store.memory, or SQL";
          throw new WippyError("Invalid", message, { retryable: false });
        }
        const until = ttl === 0 ? null : new Date(platform.now() + ttl).toISOString();
        await execute(
          `INSERT INTO ${table} (${key}, ${value}, ${expires}) VALUES (?, ?, ?) ` +
            `ON CONFLICT (${key}) DO UPDATE SET ${value} = excluded.${value}, ` +
            `${expires} = excluded.${expires}`,
          [name, jsonOf(unpack(bytes)), until],
          signal,
        );
        return { key: name, value: bytes };
      },
      has: async ({ key: name }, signal) => (await find(name, signal)).length > 0,
      async delete({ key: name }, signal) {
        const sql = `DELETE FROM ${table} WHERE ${key} = ? AND ${alive}`;
        return await execute(sql, [name, now()], signal) > 0n;
      },
      async list({ prefix, after, limit }, signal) {
        const rows = await query(
          `SELECT ${key} AS k, ${value} AS v FROM ${table} WHERE ${key} > ? AND ${alive} ` +
            `AND substr(${key}, 1, length(?)) = ? ORDER BY ${key} LIMIT ?`,
          [after, now(), prefix, prefix, BigInt(limit + 1)],
          signal,
        );
        const items = rows.slice(0, limit).map(item);
        const cursor = items.at(-1)?.key;
        return asLua({
          items,
          has_more: rows.length > limit,
          ...(cursor !== undefined && { cursor }),
        });
      },
    }),
  });
}
