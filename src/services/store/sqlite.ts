import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { unpackRows } from "../../vm/rows.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import type { SqlValue } from "../sql/driver.ts";
import { SqliteDriver } from "../sql/sqlite/sqlite.ts";
import type { Item } from "./memory.ts";
import { answerOf, pageOf, unmet } from "./requests.ts";
import type { SqliteStoreSettings } from "./schema.ts";

/** Milliseconds that a call waits for its turn to write. */
const busyTimeout = 10_000;

const tables = `CREATE TABLE IF NOT EXISTS items (
  key TEXT PRIMARY KEY, value BLOB NOT NULL, version TEXT NOT NULL, expires INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_expires ON items (expires) WHERE expires IS NOT NULL`;

const alive = "(expires IS NULL OR expires > ?)";
const never = new AbortController().signal;

/** The file of a store; its folder and the file belong to the user alone. */
function fileOf(stateDir: string, id: string): string {
  const folder = join(stateDir, "stores");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${encodeURIComponent(id)}.db`);
  closeSync(openSync(path, "a", 0o600));
  return path;
}

/** A store in a file of the state folder, with versions and conditions. A put that has returned is on the disk. */
class SqliteStore {
  readonly #driver: SqliteDriver;
  readonly #platform: ServiceContext["platform"];

  constructor(driver: SqliteDriver, platform: ServiceContext["platform"]) {
    this.#driver = driver;
    this.#platform = platform;
  }

  async query(sql: string, params: SqlValue[], signal: AbortSignal): Promise<Item[]> {
    const rows = await this.#driver.run({ kind: "query", sql, params }, signal);
    return rows instanceof Uint8Array ? ofKernel<Item[]>(unpackRows(rows)) : [];
  }

  /** Returns whether anything was changed. */
  async execute(sql: string, params: SqlValue[], signal: AbortSignal): Promise<boolean> {
    const done = await this.#driver.run({ kind: "execute", sql, params }, signal);
    return !(done instanceof Uint8Array) && done.rowsAffected > 0n;
  }

  get #now(): bigint {
    return BigInt(this.#platform.now());
  }

  async find(key: string, signal: AbortSignal): Promise<Item | undefined> {
    const sql = `SELECT key, value, version FROM items WHERE key = ? AND ${alive}`;
    return (await this.query(sql, [key, this.#now], signal))[0];
  }

  /** Each is one statement, so that no other put comes between a condition and the write. */
  async put(
    { key, value }: Pick<Item, "key" | "value">,
    conditions: { ttl: number; onlyIfAbsent: boolean; ifVersion: string | undefined },
    signal: AbortSignal,
  ): Promise<Item> {
    const { ttl, onlyIfAbsent, ifVersion } = conditions;
    const item = { key, value, version: this.#platform.random.uuid() };
    const expires = ttl === 0 ? null : this.#now + BigInt(Math.ceil(ttl));
    if (ifVersion === undefined) {
      const written = await this.execute(
        "INSERT INTO items (key, value, version, expires) VALUES (?, ?, ?, ?) ON CONFLICT (key) " +
          "DO UPDATE SET value = excluded.value, version = excluded.version, expires = excluded.expires" +
          (onlyIfAbsent ? " WHERE items.expires <= ?" : ""),
        [key, value, item.version, expires, ...(onlyIfAbsent ? [this.#now] : [])],
        signal,
      );
      if (written) return item;
      throw unmet.exists(key);
    }
    const written = await this.execute(
      `UPDATE items SET value = ?, version = ?, expires = ? WHERE key = ? AND version = ? AND ${alive}`,
      [value, item.version, expires, key, ifVersion, this.#now],
      signal,
    );
    if (written) return item;
    const present = await this.find(key, signal);
    throw present ? unmet.changed(key, present.version, ifVersion) : unmet.missing(key);
  }

  async delete(key: string, signal: AbortSignal): Promise<boolean> {
    return await this.execute(
      `DELETE FROM items WHERE key = ? AND ${alive}`,
      [key, this.#now],
      signal,
    );
  }

  list(prefix: string, after: string, limit: number, signal: AbortSignal): Promise<Item[]> {
    return this.query(
      `SELECT key, value, version FROM items WHERE key >= ? AND key > ? AND ${alive} ` +
        "AND substr(key, 1, length(?)) = ? ORDER BY key LIMIT ?",
      [prefix, after, this.#now, prefix, prefix, BigInt(limit)],
      signal,
    );
  }

  async clean(): Promise<void> {
    await this.execute("DELETE FROM items WHERE expires <= ?", [this.#now], never);
  }

  async count(): Promise<number> {
    const sql = `SELECT count(*) AS key FROM items WHERE ${alive}`;
    const [row] = await this.query(sql, [this.#now], never);
    return numberOf(row?.key as LuaValue);
  }
}

/** A store in a file of the state folder as a service. */
export function runSqliteStore(
  { platform, simulation, stateDir, entry, log }: ServiceContext,
  { cleanup_interval }: SqliteStoreSettings,
): Service {
  let driver: SqliteDriver | undefined;
  let store: SqliteStore | undefined;
  let cancel = () => {};
  const running = () => {
    if (store) return store;
    throw new WippyError("Unavailable", "the store is closed", { retryable: true });
  };
  const cleanLater = () => {
    cancel = platform.setTimer(cleanup_interval, () => {
      store?.clean().catch((error) => {
        log("error", `cleanup failed: ${WippyError.from(error).message}`);
      });
      cleanLater();
    });
  };
  return untilStopped({
    async open(failed) {
      const path = fileOf(stateDir, entry.id);
      driver = new SqliteDriver({ path, busyTimeout, threads: !simulation, platform });
      await driver.open(failed);
      store = new SqliteStore(driver, platform);
      await store.execute(tables, [], never);
      cleanLater();
    },
    async close() {
      cancel();
      store = undefined;
      await driver?.close();
    },
    kill() {
      cancel();
      store = undefined;
      driver?.kill();
    },
    answer: answerOf({
      info: () => ({
        id: entry.id,
        backend: "sqlite",
        consistency: "local",
        durable: true,
        list: true,
        versioned: true,
        conditional_put: true,
        ttl: true,
      }),
      async entry({ key }, signal) {
        const item = await running().find(key, signal);
        if (item) return { ...item };
        throw unmet.missing(key);
      },
      put: async ({ key, value, ttl, only_if_absent, if_version }, signal) => ({
        ...await running().put(
          { key, value },
          { ttl, onlyIfAbsent: only_if_absent === true, ifVersion: if_version },
          signal,
        ),
      }),
      has: async ({ key }, signal) => await running().find(key, signal) !== undefined,
      delete: ({ key }, signal) => running().delete(key, signal),
      list: async ({ prefix, after, limit }, signal) =>
        pageOf(await running().list(prefix, after, limit + 1, signal), limit),
    }),
    inspect: async () => ({ keys: await running().count() }),
  });
}
