import { describe, expect, test } from "bun:test";
import { CodeTypes } from "../../../src/app/code-types.ts";
import { typeFaults } from "../../../src/app/type-faults.ts";
import { scriptEntry } from "../../../src/lsp/script-entry.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { loadFiles, printed } from "./temporary-application.ts";

type Sources = Record<string, { source: string; imports?: Record<string, string> }>;

const modules = ["http", "http_client", "json", "time", "sql", "store", "fs", "hash", "funcs"];

function entriesOf(sources: Sources): Map<string, Entry> {
  return new Map(
    Object.entries(sources).map(([name, { source, imports }]) => {
      const id = `app:${name}`;
      const data = { source, modules, ...(imports && { imports }) };
      return [id, { id, kind: "library.lua", meta: {}, data }];
    }),
  );
}

/** `NAME LINE CODE MESSAGE` of what is wrong with entries. */
function told(sources: Sources, types = new CodeTypes()): string[] {
  const entries = entriesOf(sources);
  return [...entries.values()].flatMap((entry) =>
    typeFaults(entry, entries, types).map(({ line, code, message }) =>
      `${entry.id.slice(4)} ${line} ${code} ${message.replace("type error: ", "")}`
    )
  );
}

const refused: readonly (readonly [code: string, told: string])[] = [
  [
    'require("json").encod({})',
    "E0004 field 'encod' does not exist on type json",
  ],
  [
    'local json = require("json") local n: number = json.encode({})',
    "E0000 cannot assign string to number",
  ],
  [
    'local json = require("json") json.decode(12)',
    "E0000 argument 1: expected string, got 12",
  ],
  ['json.decode("1", 2)', "E0003 too many arguments: expected 1, got 2"],
  ["hash.hmac_md5('a')", "E0003 not enough arguments: expected 2, got 1"],
  [
    'local time = require("time") time.now():ad("1s")',
    "E0022 no method ad on type Time",
  ],
  [
    'local s = store.get("a:b") s:set("k", 1, "10s")',
    'E0000 argument 3: expected number?, got "10s"',
  ],
  [
    'local s = store.get("a:b") s:list({ limit = "x" })',
    "E0000 argument 1: expected {prefix?: string, after?: string, limit?: number}?, got table: " +
    "field 'limit' must be number?, got \"x\"",
  ],
  [
    "local function f(t: time.Time): string return t:unix() end",
    "E0000 cannot return integer, expected string",
  ],
  ["print(http.STATUS.OKAY)", "E0004 field 'OKAY' does not exist on type {"],
  ["funcs.call(12)", "E0000 argument 1: expected string, got 12"],
  ["local at: string = time.utc", "E0000 cannot assign Location to string"],
];

describe("what modules do not have is told", () => {
  test.each(refused.map((each) => [...each]))("%s", (source, message) => {
    const found = told({ main: { source: source! } });
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(`main 1 ${message}`);
  });
});

const accepted = `
local json, time, sql, fs = require("json"), require("time"), require("sql"), require("fs")
local text: string, why = json.encode({ 1 })
local value = json.decode(text) local n: number = value.count print(value.a.b.c + 1)
local client = require("http_client") local response, err = client.get("http://x", { timeout = 1.5, other = {} })
if err then error(err) end print(response.status_code + 1, response.body:upper(), response.body .. "x")
local code: integer = response.status_code response.extra = 1 print(response.extra)
local later: time.Time = time.now():add("1h"):add(time.SECOND) print(later:sub(time.now()):seconds() > 1)
local db, failure = sql.get("app:db") if failure then return nil, failure end
local rows = db:query("SELECT 1", { 1 }) for _, row in ipairs(rows) do print(row.id + 1, row.name:upper()) end
local volume = fs.get("app:data") for entry in volume:readdir("/") do print(entry.name) end
local info = assert(volume:stat("x")) print(info.size + 1, info.anything)
if json.pretty then json.pretty() end local encode = json.pretty or json.encode
local unlisted = require("uuid") print(unlisted.nothing) print(io.open("x"), os.getenv("HOME"))
local actor = security and security.actor() print(actor:id())
local function any(t) t.x = json return t.x.nothing end
local request = http.request() print(request:query("a"):upper(), request:header("b") .. "")
local exists: boolean = volume:exists("a") local function save(s: fs.File) s:write("x") end
`;

test("what modules have is not told of", () => {
  const found = told({ main: { source: accepted } });
  expect(found.map((line) => `${line} | ${accepted.split("\n")[+line.split(" ")[1]! - 1]}`))
    .toEqual([]);
});

const users = `
type User = { id: string, name?: string }
local M = {}
function M.find(id: string): (User, error?) return { id = id }, nil end
function M.loose(a, b) return a end
M.limit = 10
M.User = User
return M
`;

test("a script may have files in the place of modules", () => {
  const source = "local json = require('json') json.parse('{}') http.get(1)";
  const entry = { ...scriptEntry(source) };
  expect(typeFaults(entry, new Map(), new CodeTypes())).toEqual([]);
});

describe("imported entries", () => {
  const imports = { users: "app:users" };
  const use = (source: string) => told({ users: { source: users }, main: { source, imports } });

  test.each([
    ["local users = require('users') users.find(1)", "E0000 argument 1: expected string, got 1"],
    ["users.find()", "E0003 not enough arguments: expected 1, got 0"],
    [
      "local u = users.find('a') local n: number = u.id",
      "E0000 cannot assign string to number",
    ],
    ["users.lost()", "E0004 field 'lost' does not exist on type {"],
    [
      "local users = require('users') local u: users.User = { name = 'a' }",
      "E0000 cannot assign table to User: missing field 'id'",
    ],
    [
      "local users = require('users') local n: number = users.User(1)",
      "E0000 cannot assign User to number",
    ],
  ])("%s", (source, message) => {
    const found = use(source);
    expect(found).toHaveLength(1);
    expect(found[0]).toStartWith(`main 1 ${message}`);
  });

  test("may be used in every right way", () => {
    expect(use(`
      local users = require("users")
      local user, err = users.find("a") if err then return nil, err end print(user.id .. "x")
      local n: integer = users.limit users.loose() users.loose(1, 2, 3)
      users.find = function() return nil end users.added = 1 print(users.added)
      local function show(u: users.User): string return u.name or u.id end
      local found, why = users.User:is(user) if found then print(found.id) end
      if users.later then users.later() end print(users.User:kind(), users.User.id)
    `)).toEqual([]);
  });

  test.each([
    [
      "a table that is filled in a loop",
      "local M = {} for k, v in pairs(os) do M[k] = v end return M",
    ],
    ["a table with a metatable", "return setmetatable({}, { __index = function() end })"],
    ["a table that others fill", "local M = {} fill(M) return M"],
    ["a class", "local M = {} function M:set() self.x = 1 end return M"],
    ["nothing", "print(1)"],
    ["code that is wrong", "local M = {} return M +"],
  ])("that are %s are not known", (_, source) => {
    const main = { source: "local l = require('l') l.f(1) print(l.x.y)", imports: { l: "app:l" } };
    expect(told({ l: { source }, main })).toEqual([]);
  });

  test("that import each other are checked", () => {
    const a = { source: "local b = require('b') b.f() return { f = 1 }", imports: { b: "app:b" } };
    const b = { source: "local a = require('a') local n: number = 'x' return { g = a }" };
    expect(told({ a, b: { ...b, imports: { a: "app:a" } } })).toContain(
      'b 1 E0000 cannot assign "x" to number',
    );
  });

  test("keep their types through a second library", () => {
    const outer = {
      source: `
        local users = require("users")
        type Team = { lead: users.User }
        local M = {}
        function M.make(u: users.User): Team return { lead = u } end
        return M`,
      imports,
    };
    const main = {
      source: "local t = require('outer').make({ id = 'a' }) local n: number = t.lead.id",
      imports: { outer: "app:outer" },
    };
    expect(told({ users: { source: users }, outer, main })).toEqual([
      "main 1 E0000 cannot assign string to number",
    ]);
  });
});

test("only what changed, and who imports it, is looked at again", () => {
  const types = new CodeTypes();
  const sources = {
    users: { source: users },
    shop: { source: "return { users = require('users') }", imports: { users: "app:users" } },
    main: { source: "require('shop')", imports: { shop: "app:shop" } },
    other: { source: "local n = 1" },
  };
  told(sources, types);
  expect(types.checks).toBe(4);
  told(sources, types);
  expect(types.checks).toBe(4);
  told({ ...sources, other: { source: "local n = 2" } }, types);
  expect(types.checks).toBe(5);
  told({ ...sources, users: { source: `${users} ` } }, types);
  // The library, the two above it, and `other`, which is as it was first.
  expect(types.checks).toBe(9);
  types.keep(new Map());
  told(sources, types);
  expect(types.checks).toBe(13);
});

test("an application that uses a library wrongly is not loaded", async () => {
  const files = {
    "src/_index.yaml": `
version: "1.0"
namespace: app
entries:
  - { name: users, kind: library.lua, source: file://users.lua }
  - name: main
    kind: function.lua
    source: file://main.lua
    method: main
    imports: { users: app:users }
`,
    "src/users.lua": users,
    "src/main.lua":
      'local users = require("users")\nreturn { main = function() return users.find(1) end }\n',
  };
  const strict = ["lua.type_system.enabled=true", "lua.type_system.strict=true"];
  expect(printed(await loadFiles(files))).toEqual([]);
  expect(printed(await loadFiles(files, { settings: strict }))).toEqual([
    [
      "src/main.lua:2:46  app:main  type error: argument 1: expected string, got 1 (E0000)",
      "    | return { main = function() return users.find(1) end }",
      "    |                                              ^",
      "    hint: correct the code or the annotation",
    ].join("\n"),
  ]);
});
