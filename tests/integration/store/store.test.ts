/** The module `store` on a store in memory, through the whole runtime. */
import { expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { MemoryStore } from "../../../src/services/store/memory.ts";
import type { WippyError } from "../../../src/vm/error.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { startApplication } from "../application.ts";

const modules = ["store", "time", "funcs", "security"];
const auto = { lifecycle: { auto_start: true } };

async function evaluate(body: string, more: Record<string, string> = {}): Promise<LuaValue> {
  const sources = { main: body, ...more };
  const application = await startApplication({
    entries: {
      cache: { kind: "store.memory", max_size: 3, ...auto },
      off: { kind: "store.memory" },
      keys: {
        kind: "security.policy",
        policy: {
          actions: ["store.get", "store.key.get", "store.key.set"],
          resources: "*",
          effect: "allow",
          conditions: [],
        },
      },
      own: {
        kind: "security.policy",
        policy: {
          actions: ["store.key.*"],
          resources: "*",
          effect: "deny",
          conditions: [{ field: "meta.key", operator: "eq", value: "secret" }],
        },
      },
    },
    functions: Object.fromEntries(
      Object.entries(sources).map(([name, source]) => [name, {
        modules,
        source: `local store, time = require("store"), require("time")
          local funcs, security = require("funcs"), require("security")
          return { main = function(...)
            local s = assert(store.get("app:cache"))
            ${source}
          end }`,
      }]),
    ),
  });
  return await application.call("main");
}

test("values are copied in both directions", async () => {
  const value = await evaluate(`
    local given = { n = math.maxinteger, f = 1.0, bytes = "\\255\\0", list = { 1, { true } } }
    assert(s:set("a", given))
    given.n = 1
    local one, other = s:get("a"), s:get("a")
    assert(one.n == math.maxinteger and math.type(one.f) == "float" and one.bytes == "\\255\\0")
    one.list[1] = 5
    assert(other.list[1] == 1 and other.list[2][1] == true)
    assert(s:set("no", false) and s:get("no") == false)
    assert(s:has("a") and s:delete("a") and s:has("a") == false and s:delete("a") == false)
    local info = s:info()
    return { info.id, info.backend, info.consistency, info.durable, store.backend.MEMORY == info.backend }
  `);
  expect(value).toEqual(["app:cache", "memory", "local", false, true]);
});

test("denials name the store or the key", async () => {
  const value = await evaluate(
    `local mine = security.new_scope({ assert(security.policy("app:keys")), assert(security.policy("app:own")) })
    local caller = funcs.new():with_actor(security.new_actor("u"))
    return { caller:with_scope(mine):call("app:denied"),
      select(2, caller:with_scope(security.new_scope()):call("app:open")):message():match("not allowed.*") }`,
    {
      denied: `local texts = {}
        local function note(_, err) texts[#texts + 1] = err:message() end
        note(s:get("secret")) note(s:set("secret", 1)) note(s:delete("secret")) note(s:has("secret"))
        return table.concat(texts, ", ")`,
      open: "return 1",
    },
  );
  expect(value).toEqual([
    "not allowed to read key: secret, not allowed to write key: secret, " +
    "not allowed to delete key: secret, not allowed to check key existence: secret",
    "not allowed to access store: app:cache",
  ]);
});

test("every documented error", async () => {
  const value = await evaluate(`
    local seen = {}
    local function note(_, err) seen[#seen + 1] = err:kind() .. " " .. tostring(err:retryable()) end
    note(s:get("none"))
    note(s:entry("none"))
    note(s:set("a", nil))
    note(s:set("a", 1, -1))
    assert(s:set("a", 1))
    local entry = s:entry("a")
    note(s:put("a", 2, { only_if_absent = true }))
    note(s:put("none", 2, { if_version = "1" }))
    assert(s:put("a", 2, { if_version = entry.version }))
    note(s:put("a", 3, { if_version = entry.version }))
    note(s:put("a", 3, { if_version = entry.version, only_if_absent = true }))
    note(s:list({ limit = 1001 }))
    assert(s:set("b", 1) and s:set("c", 1))
    note(s:set("d", 1))
    assert(s:set("c", 2))
    note(store.get(""))
    note(store.get("app:none"))
    note(store.get("app:main"))
    note(store.get("app:off"))
    s:release()
    note(s:get("a"))
    return seen
  `);
  expect(value).toEqual([
    "NotFound false",
    "NotFound false",
    "Invalid false",
    "Invalid false",
    "AlreadyExists false",
    "NotFound false",
    "Conflict true",
    "Invalid false",
    "Invalid false",
    "Unavailable true",
    "Invalid false",
    "NotFound false",
    "Invalid false",
    "Unavailable true",
    "Invalid false",
  ]);
});

test("a list goes page by page in the order of keys", async () => {
  const value = await evaluate(`
    s:set("b2", 2) s:set("a1", 0) s:set("b1", 1)
    local first = s:list({ prefix = "b", limit = 1 })
    local second = s:list({ prefix = "b", limit = 1, after = first.cursor })
    local empty = s:list({ prefix = "z" })
    return { first.items[1].key, first.has_more, second.items[1].key, second.has_more, #empty.items, empty.has_more }
  `);
  expect(value).toEqual(["b1", true, "b2", false, 0, false]);
});

test("policies decide by the key", async () => {
  const value = await evaluate(
    `
    local scope = security.new_scope({ assert(security.policy("app:keys")), assert(security.policy("app:own")) })
    local user = funcs.new():with_actor(security.new_actor("u")):with_scope(scope)
    return user:call("app:inner")`,
    {
      inner: `
      local _, denied = s:get("secret")
      local _, other = s:list()
      return { s:set("open", 1), denied:kind(), other:kind() }`,
    },
  );
  expect(value).toEqual([true, "PermissionDenied", "PermissionDenied"]);
});

test("what has expired is gone at once, and removed later", () => {
  const simulation = new Simulation({ seed: 1 });
  let now = 1000;
  const timers: (() => void)[] = [];
  const platform = {
    ...simulation,
    now: () => now,
    setTimer: (_delay: number, callback: () => void) => {
      timers.push(callback);
      return () => {};
    },
  };
  const store = new MemoryStore(platform, 2, 100);
  const value = new Uint8Array([1]);
  store.put("a", value, { ttl: 50 });
  store.put("b", value, { ttl: 0 });
  expect(timers).toHaveLength(1);
  now += 50;
  expect(store.get("a")).toBeUndefined();
  expect(store.list("", "", 10).map(({ key }) => key)).toEqual(["b"]);
  expect(store.size).toBe(2);
  timers[0]!();
  expect(store.size).toBe(1);
  expect(timers).toHaveLength(1);
  // A full store makes room by what has expired.
  store.put("c", value, { ttl: 1 });
  now += 1;
  store.put("d", value, { ttl: 0 });
  expect(() => store.put("e", value, { ttl: 0 })).toThrow(
    expect.objectContaining({ kind: "Unavailable", retryable: true }) as WippyError,
  );
});
