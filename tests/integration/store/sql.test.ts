/** The module `store` on a table of an SQLite database. */
import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";

const auto = { lifecycle: { auto_start: true } };

test("a store in a table keeps, expires, lists and deletes", async () => {
  const application = await startApplication({
    entries: {
      db: { kind: "db.sql.sqlite", file: "store.db" },
      kept: { kind: "store.sql", database: "app:db", table_name: "order", ...auto },
    },
    functions: {
      main: {
        modules: ["sql", "store", "time"],
        source: `local sql, store, time = require("sql"), require("store"), require("time")
          return { main = function()
            local db = assert(sql.get("app:db"))
            local s = assert(store.get("app:kept"))
            local _, missing = s:set("a", 1)
            assert(missing:kind() == "Invalid", "no table yet")
            assert(db:execute([[CREATE TABLE "order" (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at TIMESTAMP)]]))
            assert(s:set("b", { n = math.maxinteger, list = { 1, 2 } }))
            assert(s:set("b", { n = math.maxinteger - 1, f = 1.0 }))
            assert(s:set("a", "text"))
            assert(s:set("short", true, 0.05))
            assert(s:has("short"))
            time.sleep("80ms")
            local _, gone = s:get("short")
            assert(gone:kind() == "NotFound" and s:has("short") == false)
            local b = s:get("b")
            assert(b.n == math.maxinteger - 1 and b.f == 1)
            local page = s:list({ limit = 1 })
            local rest = s:list({ after = page.cursor })
            assert(page.items[1].key == "a" and page.has_more and #rest.items == 1 and not rest.has_more)
            local _, condition = s:put("a", 1, { only_if_absent = true })
            assert(condition:kind() == "Invalid")
            assert(s:entry("a").version == nil)
            local _, bytes = s:set("bytes", "\\255")
            assert(s:delete("a") and s:delete("a") == false)
            local info = s:info()
            return { info.backend, info.durable, info.versioned, bytes and bytes:kind() }
          end }`,
      },
    },
  });
  expect(await application.call("main")).toEqual(["sql", true, false, "Invalid"]);
});
