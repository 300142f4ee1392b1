/** Tokens of `security.token_store`, through the whole runtime. */
import { expect, test } from "bun:test";
import type { LuaValue } from "../../../src/vm/value.ts";
import { startApplication, type TestApplication } from "../application.ts";
import { allow, asService, unit } from "./as_service.ts";

const auto = { lifecycle: { auto_start: true } };
const key = "a key that is long enough to sign with";

const entries = {
  memory: { kind: "store.memory", ...auto },
  db: { kind: "db.sql.sqlite", file: ":memory:", ...auto },
  table: { kind: "store.sql", database: "app:db", table_name: "tokens", ...auto },
  off: { kind: "store.memory" },
  plain: { kind: "security.token_store", store: "memory", token_length: 16 },
  signed: { kind: "security.token_store", store: "app:memory", token_key: "${env:TOKEN_KEY}" },
  kept: { kind: "security.token_store", store: "table", default_expiration: "1h" },
  stopped: { kind: "security.token_store", store: "off" },
  values: { kind: "env.storage.static", values: { TOKEN_KEY: key } },
  key: { kind: "env.variable", storage: "app:values", variable: "TOKEN_KEY" },
  reads: allow("doc.read", "doc:*"),
  writes: allow("doc.write", "doc:*"),
};

async function start(functions: Record<string, string>): Promise<TestApplication> {
  return await startApplication({
    entries,
    functions: Object.fromEntries(
      Object.entries(functions).map(([name, body]) => [name, {
        modules: ["security", "store", "sql", "registry", "time", "json"],
        source: `local security, store = require("security"), require("store")
          local time, registry = require("time"), require("registry")
          local actor = security.new_actor("ada", { team = "blue", level = 3 })
          local function scope(...)
            local list = {}
            for i, name in ipairs({ ... }) do list[i] = assert(security.policy("app:" .. name)) end
            return security.new_scope(list)
          end
          return { main = function(...)
            require("sql").get("app:db"):execute(
              "CREATE TABLE IF NOT EXISTS tokens (key TEXT PRIMARY KEY, value TEXT, expires_at TEXT)")
            ${body}
          end }`,
      }]),
    ),
  });
}

async function evaluate(body: string): Promise<LuaValue> {
  return await (await start({ main: body })).call("main");
}

test.each(["plain", "signed", "kept"])(
  "a token of %s stands for an actor and a scope",
  async (id) => {
    const value = await evaluate(`
    local tokens = assert(security.token_store("app:${id}"))
    local token = assert(tokens:create(actor, scope("reads", "writes"), { expiration = "5m", meta = { ip = "::1" } }))
    local who, what, err = tokens:validate(token)
    assert(err == nil)
    assert(who:id() == "ada" and who:meta().team == "blue" and who:meta().level == 3)
    assert(what:evaluate(who, "doc.write", "doc:1") == "allow" and #what:policies() == 2)
    assert(what:evaluate(who, "doc.drop", "doc:1") == "undefined")
    assert(tokens:revoke(token) == true)
    local nobody, nothing, gone = tokens:validate(token)
    assert(nobody == nil and nothing == nil)
    assert(tokens:revoke(token) == true, "twice is harmless")
    return { token, gone:kind(), gone:message(), tostring(gone:retryable()) }
  `);
    const [token, ...rest] = value as string[];
    const forms = {
      plain: /^[\w-]{22}==$/,
      signed: /^[\w-]{43}=\.[\w-]{43}=$/,
      kept: /^[\w-]{43}=$/,
    };
    expect(token).toMatch(forms[id as keyof typeof forms]);
    expect(rest).toEqual(["Internal", "token not found", "false"]);
  },
);

test("a signature is the HMAC of the random part, under which the store keeps the record", async () => {
  const [token, stored, record] = await evaluate(`
    local tokens = assert(security.token_store("app:signed"))
    local token = assert(tokens:create(actor, scope("reads"), { meta = { ip = "::1" } }))
    local item = assert(store.get("app:memory")):list().items[1]
    return { token, item.key, item.value }
  `) as [string, string, Record<string, string>];
  const [random, signature] = token.split(".");
  const hmac = new Bun.CryptoHasher("sha256", key).update(random!).digest("base64");
  expect(signature).toBe(hmac.replaceAll("+", "-").replaceAll("/", "_"));
  expect(stored).toBe(random!);
  const { created, expires, ...rest } = record;
  expect(rest as LuaValue).toEqual({
    actor_id: "ada",
    actor_meta: { team: "blue", level: 3 },
    scope_policies: ["app:reads"],
    meta: { ip: "::1" },
  });
  expect(Date.parse(expires!) - Date.parse(created!)).toBe(86_400_000);
});

test("what is no token of the store is refused by its form", async () => {
  const value = await evaluate(`
    local plain = assert(security.token_store("app:plain"))
    local signed = assert(security.token_store("app:signed"))
    local token = assert(signed:create(actor, scope("reads")))
    local random = token:match("^[^.]+")
    local seen = {}
    local function note(tokens, text)
      local _, _, err = tokens:validate(text)
      local _, other = tokens:revoke(text)
      assert(other:message() == err:message())
      seen[#seen + 1] = err:kind() .. ": " .. err:message()
    end
    note(plain, "") note(plain, "no token") note(plain, token) note(plain, "a.b.c") note(plain, "\\255")
    note(signed, "") note(signed, random) note(signed, random .. ".") note(signed, token .. "x")
    note(signed, token:sub(1, -3) .. (token:sub(-2, -2) == "A" and "B" or "A") .. "=")
    note(signed, token .. ".x")
    assert(signed:validate(token), "revoking by the random part alone has failed")
    local _, _, unknown = plain:validate("AAAA")
    note(signed, "AAAA.AAAA")
    return { table.concat(seen, "\\n"), unknown:message() }
  `);
  expect(value).toEqual([
    Array.from({ length: 12 }, () => "Internal: invalid token format").join("\n"),
    "token not found",
  ]);
});

test("an expiration is a duration, or a number of milliseconds; 0 is the default", async () => {
  const value = await evaluate(`
    local tokens = assert(security.token_store("app:kept"))
    local items = assert(store.get("app:table"))
    local seen = {}
    for i, expiration in ipairs({ "90m", "1.5s", 2000, 2500.5, 0, "0", 1e18 }) do
      local token = assert(tokens:create(actor, scope("reads"), { expiration = expiration }))
      local record = items:get(token)
      seen[#seen + 1] = record.created .. " " .. record.expires
    end
    local wrong = {}
    for _, expiration in ipairs({ "7d", "", "soon", "-1s", -1, 0/0, 1/0, true, {} }) do
      local token, err = tokens:create(actor, scope("reads"), { expiration = expiration })
      assert(token == nil)
      wrong[err:kind() .. ": " .. err:message()] = true
    end
    local message = next(wrong)
    assert(next(wrong, message) == nil)
    return { seen, message }
  `);
  const [seen, wrong] = value as [string[], string];
  const lives = seen.map((text) => {
    const [created, expires] = text.split(" ");
    return Date.parse(expires!) - Date.parse(created!);
  });
  expect(lives.slice(0, 3)).toEqual([5_400_000, 1500, 2000]);
  expect(lives.slice(4, 6)).toEqual([3_600_000, 3_600_000]);
  expect(seen[6]).toMatch(/ 9999-12-31T23:59:59.999Z$/);
  expect(wrong).toBe("Invalid: invalid expiration format");
});

test("an expired token is not found", async () => {
  expect(
    await evaluate(`
    local tokens = assert(security.token_store("app:plain"))
    local token = assert(tokens:create(actor, scope("reads"), { expiration = 30 }))
    local err
    repeat
      time.sleep("5ms")
      _, _, err = tokens:validate(token)
    until err
    return err:message()
  `),
  ).toBe("token not found");
});

test("policies are those of the registry when a token is validated", async () => {
  const value = await evaluate(`
    local tokens = assert(security.token_store("app:plain"))
    local token = assert(tokens:create(actor, scope("reads", "writes")))
    local function change(name, edit)
      local entry = registry.get("app:" .. name)
      local changes = registry.snapshot():changes()
      if edit then
        entry.data.policy.effect = "deny"
        changes:update(entry)
      else
        changes:delete("app:" .. name)
      end
      assert(changes:apply())
    end
    local seen = {}
    local function note()
      local who, what = tokens:validate(token)
      seen[#seen + 1] = #what:policies() .. " " .. what:evaluate(who, "doc.read", "doc:1")
    end
    note()
    change("reads", true) note()
    change("reads") note()
    change("writes") note()
    return seen
  `);
  expect(value).toEqual(["2 allow", "2 deny", "1 undefined", "0 undefined"]);
});

test("failures of token stores", async () => {
  const value = await evaluate(`
    local seen = {}
    local function note(_, err, third)
      err = third or err
      seen[#seen + 1] = err:kind() .. " " .. tostring(err:retryable()) .. ": " .. err:message()
    end
    note(security.token_store(""))
    note(security.token_store("app:none"))
    note(security.token_store("app:memory"))
    local stopped = assert(security.token_store("app:stopped"))
    note(stopped:create(actor, scope("reads")))
    note(stopped:validate("AAAA"))
    note(stopped:revoke("AAAA"))
    local tokens = assert(security.token_store("app:plain"))
    assert(tokens:close() == true and tokens:close() == true)
    note(tokens:create(actor, scope("reads")))
    note(tokens:validate("AAAA"))
    note(tokens:revoke("AAAA"))
    for i, call in ipairs({
      function() tokens:create("ada", scope("reads")) end,
      function() tokens:create(actor, {}) end,
      function() tokens:create(actor, scope("reads"), 5) end,
      function() tokens:validate(nil) end,
    }) do
      local ok, message = pcall(call)
      assert(not ok)
      seen[#seen + 1] = (tostring(message):match("bad argument.*"))
    end
    return seen
  `);
  expect(value).toEqual([
    "Invalid false: token store ID required",
    "Internal false: token store not found: app:none",
    "Internal false: token store not found: app:memory",
    "Internal true: service app:off is unknown",
    "Internal true: service app:off is unknown",
    "Internal true: service app:off is unknown",
    "Internal false: token store is closed",
    "Internal false: token store is closed",
    "Internal false: token store is closed",
    "bad argument #1 to 'create' (security.Actor expected, got string)",
    "bad argument #2 to 'create' (security.Scope expected, got table)",
    "bad argument #3 to 'create' (table expected, got number)",
    "bad argument #1 to 'validate' (string expected, got no value)",
  ]);
});

test.each(["create", "validate", "revoke"])(
  "a policy can deny %s, by what is asked",
  async (action) => {
    const conditions = action === "create"
      ? [{ field: "meta.actor", operator: "eq", value: "eve" }]
      : [{ field: "meta.token", operator: "matches", value: "^AAAA$" }];
    const value = await asService(
      { actor: { id: "u" }, policies: ["all", "not"] },
      `
    local tokens = assert(security.token_store("app:plain"))
    local scope = security.scope()
    local function try(action, ...)
      local one, two, three = tokens[action](tokens, ...)
      local err = three or two
      if one then return "done" end
      return err:kind() .. ": " .. err:message()
    end
    return {
      try("create", security.new_actor("eve"), scope), try("create", security.new_actor("ada"), scope),
      try("validate", "AAAA"), try("validate", "BBBB"),
      try("revoke", "AAAA"), try("revoke", "BBBB"),
    }`,
      {
        entries: {
          memory: entries.memory,
          plain: entries.plain,
          not: {
            kind: "security.policy",
            policy: {
              actions: `security.token.${action}`,
              resources: "app:plain",
              effect: "deny",
              conditions,
            },
          },
        },
        functions: { who: unit("return who()") },
      },
    );
    const missing = "Internal: token not found";
    const denied = `Invalid: not allowed to ${action} token`;
    expect(value).toEqual([
      action === "create" ? denied : "done",
      "done",
      action === "validate" ? denied : missing,
      missing,
      action === "revoke" ? denied : "done",
      "done",
    ]);
  },
);

test.each([
  [{}, "store is required"],
  [{ store: "app:plainest" }, "app:plainest"],
  [{ store: "app:reads" }, "app:reads"],
  [{ store: "memory", token_length: -1 }, "token_length must be greater than 0"],
  [{ store: "memory", default_expiration: "7d" }, 'bad duration "7d"'],
  [{ store: "memory", token_key: true }, "token_key must be text"],
])("a token store with %j is refused at load", async (fields, message) => {
  const bad = { kind: "security.token_store", ...fields };
  await expect(startApplication({ entries: { memory: entries.memory, reads: entries.reads, bad } }))
    .rejects.toThrow(message);
});

test("a token of an empty scope allows nothing", async () => {
  expect(
    await evaluate(`
    local tokens = assert(security.token_store("app:plain"))
    local who, what = tokens:validate(assert(tokens:create(actor, scope())))
    return { who:id(), #what:policies(), what:evaluate(who, "doc.read", "doc:1") }
  `),
  ).toEqual(["ada", 0, "undefined"]);
});
