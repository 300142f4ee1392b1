/** What every kind of store does alike, and what those with versions and those on the disk do besides. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { databases } from "../sql/databases.ts";

const auto = { lifecycle: { auto_start: true } };

interface Store {
  name: string;
  missing: boolean;
  /** `app:kept`, and what it needs. */
  entries(): Promise<Record<string, Record<string, unknown>>>;
  info: Record<string, LuaValue>;
  /** What makes its table. */
  table?: string;
}

const local = { id: "app:kept", consistency: "local", list: true, ttl: true };
const tables = {
  sqlite: "CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at TIMESTAMP)",
  postgres:
    "CREATE TABLE Kept (key text PRIMARY KEY, value jsonb NOT NULL, expires_at timestamptz)",
  mysql: "CREATE TABLE Kept (`key` VARCHAR(255) COLLATE utf8mb4_bin PRIMARY KEY, " +
    "value JSON NOT NULL, expires_at DATETIME(3))",
};

const stores: Store[] = [
  ...(["memory", "sqlite"] as const).map((backend) => ({
    name: `store.${backend}`,
    missing: false,
    entries: () => Promise.resolve({ kept: { kind: `store.${backend}`, ...auto } }),
    info: {
      ...local,
      backend,
      durable: backend !== "memory",
      versioned: true,
      conditional_put: true,
    },
  })),
  ...databases.map((database) => ({
    name: `store.sql on ${database.name}`,
    missing: database.missing,
    async entries() {
      const { entry } = await database.entry();
      const kept = { kind: "store.sql", database: "app:db", table_name: "Kept", ...auto };
      return { db: { ...entry, pool: { max_idle: 2 } }, kept };
    },
    info: { ...local, backend: "sql", durable: true, versioned: false, conditional_put: false },
    table: tables[database.type],
  })),
];

async function evaluate(store: Store, body: string): Promise<LuaValue> {
  const application = await startApplication({
    entries: await store.entries(),
    functions: {
      main: {
        modules: ["sql", "store", "time"],
        source: `local sql, store, time = require("sql"), require("store"), require("time")
          return { main = function()
            local s = assert(store.get("app:kept"))
            ${
          store.table
            ? `local db = assert(sql.get("app:db")) assert(db:execute([[${store.table}]]))`
            : ""
        }
            ${body}
          end }`,
      },
    },
  });
  return await application.call("main");
}

for (const store of stores) {
  const versioned = store.info["versioned"] === true;

  describe.skipIf(store.missing)(store.name, () => {
    test("values are kept, replaced and deleted", async () => {
      const value = await evaluate(
        store,
        `
        assert(s:set("a", { n = math.maxinteger, list = { 1, { "x" } }, nested = { yes = true } }))
        assert(s:set("b", "text") and s:set("no", false) and s:set("f", 1.5))
        assert(s:set("b", "Grüße 'x' \\\\ \\"y\\""))
        local a = s:get("a")
        assert(a.n == math.maxinteger and a.list[2][1] == "x" and a.nested.yes == true)
        assert(s:get("no") == false and s:get("f") == 1.5)
        assert(s:has("a") and s:has("none") == false and s:has("A") == false)
        assert(s:delete("a") and s:delete("a") == false)
        local _, gone = s:get("a")
        local _, none = s:entry("none")
        local entry = s:entry("b")
        return { s:info(), gone:kind(), none:kind(), entry.key, entry.value, type(entry.version) }
      `,
      );
      expect(value).toEqual([
        store.info,
        ...["NotFound", "NotFound", "b", "Grüße 'x' \\ \"y\"", versioned ? "string" : "nil"],
      ]);
    });

    test("what has expired is gone at once, and may be set again", async () => {
      const value = await evaluate(
        store,
        `
        assert(s:set("short", 1, 0.05) and s:set("long", 2, 3600) and s:set("far", 3, 1e15))
        while s:has("short") do time.sleep("5ms") end
        local _, gone = s:get("short")
        assert(s:delete("short") == false)
        local items = s:list().items
        assert(s:set("short", 4))
        return { gone:kind(), #items, items[1].key, s:get("short"), s:get("far") }
      `,
      );
      expect(value).toEqual(["NotFound", 2, "far", 4, 3]);
    });

    test("a list goes page by page in the order of keys, below a prefix", async () => {
      const value = await evaluate(
        store,
        `
        for _, key in ipairs({ "b:2", "a", "b:10", "b:1", "B", "c%", "b_", "ü" }) do assert(s:set(key, key)) end
        local function keys(page)
          local list = {}
          for i, item in ipairs(page.items) do
            assert(item.key == item.value)
            list[i] = item.key
          end
          return table.concat(list, " ") .. (page.has_more and " …" or "")
        end
        local first = s:list({ prefix = "b:", limit = 2 })
        local second = s:list({ prefix = "b:", limit = 2, after = first.cursor })
        return { keys(first), keys(second), keys(s:list()), keys(s:list({ prefix = "c%" })), keys(s:list({ prefix = "z" })) }
      `,
      );
      expect(value).toEqual(["b:1 b:10 …", "b:2", "B a b:1 b:10 b:2 b_ c% ü", "c%", ""]);
    });

    test("conditions of a put", async () => {
      const value = await evaluate(
        store,
        `
        local seen = {}
        local function note(entry, err)
          seen[#seen + 1] = entry and "ok" or err:kind() .. " " .. tostring(err:retryable())
        end
        note(s:put("a", 1, { only_if_absent = true }))
        note(s:put("a", 2, { only_if_absent = true }))
        note(s:put("none", 1, { if_version = "1" }))
        s:set("a", 1)
        local version = s:entry("a").version
        note(s:put("a", 2, { if_version = version or "1" }))
        note(s:put("a", 3, { if_version = version or "1" }))
        note(s:put("a", 3, { if_version = "1", only_if_absent = true }))
        s:set("short", 1, 0.001)
        while s:has("short") do time.sleep("2ms") end
        note(s:put("short", 2, { if_version = "1" }))
        note(s:put("short", 2, { only_if_absent = true }))
        s:delete("a")
        s:set("a", 1)
        note(s:put("a", 2, { if_version = version or "1" }))
        return seen
      `,
      );
      expect(value).toEqual(
        versioned
          ? [
            ...["ok", "AlreadyExists false", "NotFound false", "ok", "Conflict true"],
            ...["Invalid false", "NotFound false", "ok", "Conflict true"],
          ]
          : Array.from({ length: 9 }, () => "Invalid false"),
      );
    });

    if (!versioned) return;

    test("of many who put on one version, one succeeds", async () => {
      const value = await evaluate(
        store,
        `
        assert(s:set("counter", 0))
        local done, conflicts = channel.new(10), 0
        for _ = 1, 10 do
          coroutine.spawn(function()
            while true do
              local entry = assert(s:entry("counter"))
              local _, err = s:put("counter", entry.value + 1, { if_version = entry.version })
              if not err then return done:send(true) end
              assert(err:kind() == "Conflict" and err:retryable())
              conflicts = conflicts + 1
            end
          end)
        end
        for _ = 1, 10 do done:receive() end
        return { s:get("counter"), conflicts > 0 }
      `,
      );
      expect(value).toEqual([10, true]);
    });
  });
}

test("a store.sqlite keeps bytes and floats, and outlives the runtime", async () => {
  const directory = mkdtempSync(join(tmpdir(), "wippy-store-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  const source = `local store = require("store")
    return { main = function(write)
      local s = assert(store.get("app:kept"))
      if write then
        assert(s:set("x", { f = 1.0, bytes = "\\255\\0" }))
        return s:entry("x").version
      end
      local entry = assert(s:entry("x"))
      assert(math.type(entry.value.f) == "float" and entry.value.bytes == "\\255\\0")
      return entry.version
    end }`;
  const run = async (write: boolean): Promise<LuaValue> => {
    const entry = (name: string, kind: string, data: Record<string, unknown>) => ({
      ...{ id: `app:${name}`, kind, meta: {}, data },
    });
    const node = await Node.start({
      entries: [
        entry("kept", "store.sqlite", auto),
        entry("main", "function.lua", { source, method: "main", modules: ["store"] }),
      ],
      config: Config.empty,
      directory,
      stateDir: join(directory, "state"),
      workers: 1,
      inline: true,
      log: { log() {} },
    });
    try {
      await node.launch();
      return await node.call("app:main", [write]);
    } finally {
      await node.stop();
    }
  };
  const version = await run(true);
  const folder = join(directory, "state", "stores");
  const [file] = readdirSync(folder);
  expect(statSync(join(folder, file!)).mode & 0o777).toBe(0o600);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(await run(false)).toBe(version);
});

test("expired keys of a store.sqlite are removed from the file", async () => {
  const application = await startApplication({
    entries: { kept: { kind: "store.sqlite", cleanup_interval: "10ms", ...auto } },
    functions: {
      main: {
        modules: ["store"],
        source: `local store = require("store")
          return { main = function()
            local s = assert(store.get("app:kept"))
            return s:set("short", 1, 0.02) and s:set("long", 1, 600)
          end }`,
      },
    },
  });
  expect(await application.call("main")).toBe(true);
  const { control } = application.node;
  await until(
    async () => (await control.inspectService("app:kept") as { keys: number }).keys,
    (keys) => keys === 1,
  );
});

test.each(["select", "ORDER", "9lives", "a-b", "a b", ""])(
  "the table name %j is refused at load",
  async (table_name) => {
    const db = { kind: "db.sql.sqlite", file: ":memory:" };
    const kept = { kind: "store.sql", database: "app:db", table_name };
    await expect(startApplication({ entries: { db, kept } })).rejects.toThrow("table_name");
    expect(existsSync("select")).toBe(false);
  },
);
