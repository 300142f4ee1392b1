import { readJson } from "../../operations/json/read.ts";
import { writeJson } from "../../operations/json/write.ts";
import { unpackRows } from "../../vm/rows.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import type { Driver, SqlValue } from "../sql/driver.ts";
import { SqlService } from "../sql/service.ts";
import { answerOf, pageOf, unmet } from "./requests.ts";
import type { SqlStoreSettings } from "./schema.ts";

interface Row {
  k: string;
  v: string | Uint8Array;
}

function item({ k, v }: Row) {
  const text = typeof v === "string" ? v : new TextDecoder().decode(v);
  return { key: k, value: pack(readJson(text).value) };
}

/** The statements of a store, which differ from database to database; parameters are in the order named. */
interface Statements {
  /** key, now */
  find: string;
  /** key, value, expires */
  put: string;
  /** key, now */
  remove: string;
  /** after, now, prefix */
  list(limit: number): string;
  /** now */
  clean: string;
  /** An instant, in milliseconds since 1970. */
  time(instant: number): string;
}

/** Behind the year 9999, there are no timestamps. */
const lastInstant = 253_402_300_799_999;

function statementsOf(driver: Driver, settings: SqlStoreSettings): Statements {
  const { type } = driver;
  const { table_name, id_column_name, payload_column_name, expire_column_name } = settings;
  // PostgreSQL knows a name without quotes in lower case.
  const name = (text: string) => driver.quote(type === "postgres" ? text.toLowerCase() : text);
  const [table, key, value, expires] = [
    table_name,
    id_column_name,
    payload_column_name,
    expire_column_name,
  ].map(name);
  const mark = (number: number) => type === "postgres" ? `$${number}` : "?";
  const alive = `(${expires} IS NULL OR ${expires} > ${mark(2)})`;
  const row = `SELECT ${key} AS k, ${value} AS v FROM ${table}`;
  // In the order of bytes, as the keys of all stores are.
  const ordered = type === "postgres" ? `${key} COLLATE "C"` : key;
  const begins = {
    sqlite: `substr(${key}, 1, length(?3)) = ?3`,
    postgres: `starts_with(${key}, $3)`,
    mysql: `LOCATE(?, ${key}) = 1`,
  };
  const list = `${row} WHERE ${ordered} > ${mark(1)} AND ${alive} AND ${begins[type]}`;
  return {
    find: `${row} WHERE ${key} = ${mark(1)} AND ${alive}`,
    put:
      `INSERT INTO ${table} (${key}, ${value}, ${expires}) VALUES (${mark(1)}, ${mark(2)}, ${
        mark(3)
      }) ` +
      (type === "mysql"
        ? `ON DUPLICATE KEY UPDATE ${value} = VALUES(${value}), ${expires} = VALUES(${expires})`
        : `ON CONFLICT (${key}) DO UPDATE SET ${value} = excluded.${value}, ` +
          `${expires} = excluded.${expires}`),
    remove: `DELETE FROM ${table} WHERE ${key} = ${mark(1)} AND ${alive}`,
    list: (limit) => `${list} ORDER BY ${ordered} LIMIT ${limit}`,
    clean: `DELETE FROM ${table} WHERE ${expires} <= ${mark(1)}`,
    time(instant) {
      const text = new Date(Math.min(instant, lastInstant)).toISOString();
      return type === "mysql" ? text.replace("T", " ").replace("Z", "") : text;
    },
  };
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
  let made: Statements | undefined;
  const statements = () => made ??= statementsOf(database().driver, settings);
  const now = () => statements().time(platform.now());
  async function query(sql: string, params: SqlValue[], signal: AbortSignal): Promise<Row[]> {
    const rows = await database().run({ kind: "query", sql, params }, signal);
    return rows instanceof Uint8Array ? ofKernel<Row[]>(unpackRows(rows)) : [];
  }
  async function execute(sql: string, params: SqlValue[], signal: AbortSignal): Promise<bigint> {
    const done = await database().run({ kind: "execute", sql, params }, signal);
    return done instanceof Uint8Array ? 0n : done.rowsAffected;
  }
  const find = (name: string, signal: AbortSignal) =>
    query(statements().find, [name, now()], signal);

  let cancel = () => {};
  function cleanLater(): void {
    if (settings.cleanup_interval === 0) return;
    cancel = platform.setTimer(settings.cleanup_interval, () => {
      Promise.try(() => execute(statements().clean, [now()], never)).catch((error) =>
        log("error", `cleanup failed: ${WippyError.from(error).message}`)
      );
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
        throw unmet.missing(name);
      },
      async put({ key: name, value: bytes, ttl, only_if_absent, if_version }, signal) {
        if (only_if_absent || if_version !== undefined) {
          const message = "a store.sql puts without conditions; use a store.memory, or SQL";
          throw new WippyError("Invalid", message, { retryable: false });
        }
        const { put, time } = statements();
        const until = ttl === 0 ? null : time(platform.now() + ttl);
        await execute(put, [name, jsonOf(unpack(bytes)), until], signal);
        return { key: name, value: bytes };
      },
      has: async ({ key: name }, signal) => (await find(name, signal)).length > 0,
      async delete({ key: name }, signal) {
        return await execute(statements().remove, [name, now()], signal) > 0n;
      },
      async list({ prefix, after, limit }, signal) {
        const rows = await query(
          statements().list(limit + 1),
          [after, now(), prefix],
          signal,
        );
        return pageOf(rows.map(item), limit);
      },
    }),
  });
}
