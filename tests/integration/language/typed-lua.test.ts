import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import type { WippyError } from "../../../src/vm/error.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { type Sources, startApplication } from "../application.ts";

/** Runs the body of a function, with what stands before it. */
async function run(body: string, more: Sources = {}, fields: Record<string, unknown> = {}) {
  const application = await startApplication({
    ...more,
    functions: { main: { source: body, ...fields } },
  });
  return await application.call("main");
}

const types = `
type Address = { city: string, zip: string @pattern("^[0-9]{5}$") }
type User = {
  name: string @min_len(1) @max_len(5),
  age: integer @min(0) @max(150),
  email?: string @pattern("^.+@.+\\\\..+$"),
  tags: string[] @min_len(1),
  address?: Address,
  kind: "user" | "admin",
  score: {[string]: number},
  f?: (number) -> string,
}
type Age = integer @min(0)
type Ages = Age[] @max_len(2)
type ByName = {[string]: Age}
type Box<T> = { value: T }
type IntBox = Box<Age>
type Node = { value: number, next?: Node }
type Mixed = number | {string} | nil
type Both = { a: number } & { b: string }
type Flag = true
type Str = string
type Int = integer
type Num = number
type Any = any
type Never = never
interface Shape
  function area(self): number
end
local user = { name = "ann", age = 3, tags = { "x" }, kind = "user", score = {} }
local function with(fields)
  local copy = {}
  for key, value in pairs(user) do copy[key] = value end
  for key, value in pairs(fields) do copy[key] = value end
  return copy
end
local function told(T, v)
  local _, err = T:is(v)
  return err and err:message() or "valid"
end
`;

async function told(cases: readonly (readonly [string, string])[]) {
  const list = cases.map(([expression]) => `told(${expression})`).join(", ");
  const messages = await run(`${types} return function() return { ${list} } end`) as LuaValue[];
  expect(cases.map(([expression], index) => [expression, messages[index]])).toEqual(
    cases.map((each) => [...each]),
  );
}

test("is() says what is wrong with a value, and where", async () => {
  await told([
    ["User, user", "valid"],
    [
      "User, 1",
      "expected {name: string, age: integer, email?: string, tags: {string}, " +
      'address?: Address, kind: "user" | "admin", score: {[string]: number}, ' +
      "f?: (number) -> string}, got number",
    ],
    ["User, with{ name = 1 }", "name: expected string, got number"],
    ["User, with{ name = '' }", "name: length below minimum"],
    ["User, with{ name = 'abcdef' }", "name: length above maximum"],
    ["User, with{ age = -1 }", "age: value below minimum"],
    ["User, with{ age = 151 }", "age: value above maximum"],
    ["User, with{ age = 1.5 }", "age: expected integer, got number"],
    ["User, with{ age = 2.0 }", "valid"],
    ["User, with{ email = 'a' }", "email: pattern mismatch"],
    ["User, with{ email = 'a@b.c' }", "valid"],
    ["User, with{ email = 1 }", "email: expected string, got number"],
    ["User, with{ tags = {} }", "tags: length below minimum"],
    ["User, with{ tags = { 'a', 2 } }", "tags[2]: expected string, got number"],
    ["User, with{ kind = 'x' }", 'kind: expected "user" | "admin", got string'],
    ["User, with{ score = { ann = 'x' } }", "score.ann: expected number, got string"],
    ["User, with{ address = { city = 'x', zip = '1234' } }", "address.zip: pattern mismatch"],
    ["User, with{ address = { zip = '12345' } }", "address.city: required field missing"],
    ["User, with{ f = 1 }", "f: expected function, got number"],
    ["User, with{ f = print }", "valid"],
    ["User, with{ more = 1 }", "valid"],
    ["User, { name = 'a' }", "age: required field missing"],
    ["Age, -1", "value below minimum"],
    ["Ages, { 1, 2, 3 }", "length above maximum"],
    ["Ages, { 1, -2 }", "[2]: value below minimum"],
    ["Ages, {}", "valid"],
    ["ByName, { a = 1, b = -1 }", ".b: value below minimum"],
    ["ByName, { [true] = 1 }", "map[true]: expected string, got boolean"],
    ["IntBox, { value = 1 }", "valid"],
    ["IntBox, { value = -1 }", "value: value below minimum"],
    ["Box, { value = 1 }", "expected Box, got table"],
    ["Box(Str), { value = 1 }", "value: expected string, got number"],
    [
      "Node, { value = 1, next = { value = 2, next = { value = 'x' } } }",
      "next.next.value: expected number, got string",
    ],
    ["Mixed, nil", "valid"],
    ["Mixed, { 'a' }", "valid"],
    ["Mixed, { 1 }", "expected number | {string} | nil, got table"],
    ["Both, { a = 1, b = 'x' }", "valid"],
    ["Both, { a = 1 }", "b: required field missing"],
    ["Flag, true", "valid"],
    ["Flag, false", "expected true, got boolean"],
    ["Shape, {}", "valid"],
    ["Shape, 1", "expected table, got number"],
    ["Int, '5'", "expected integer, got string"],
    ["string, 5", "expected string, got number"],
    ["Any, nil", "valid"],
    ["Never, nil", "expected never, got nil"],
    ["string, Int", "expected string, got type"],
  ]);
});

describe("type values", () => {
  const cases: readonly (readonly [name: string, body: string, result: LuaValue])[] = [
    ["type and text", "type(User), tostring(Age), tostring(Ages:elem()), tostring(Ages)", [
      "type",
      "Age",
      "Age",
      "Ages",
    ]],
    ["a call is a checked cast", "User(user) == user, Age(3), integer(2.0) == 2", [true, 3, true]],
    ["is with a dot, and its results", "select('#', Age:is(1)), Age.is(2), (Age.is(-1))", [2, 2]],
    [
      "kinds",
      "Age:kind(), User:kind(), Ages:kind(), ByName:kind(), Box:kind(), Mixed:kind(), " +
      "Both:kind(), Flag:kind(), Shape:kind(), string:kind(), IntBox:kind()",
      [
        "integer",
        "record",
        "array",
        "map",
        "generic",
        "union",
        "intersection",
        "unknown",
        "unknown",
        "string",
        "instantiated",
      ],
    ],
    ["names", "Age:name(), integer:name(), string:name(), (Mixed:name())", [
      "Age",
      "integer",
      "string",
      "Mixed",
    ]],
    [
      "elements",
      "Ages:elem() == Age, ByName:key():name(), ByName:val() == Age, Age:elem() == nil",
      [true, "string", true, true],
    ],
    [
      "fields win less than methods",
      "Box(Str).value:name(), User.age:kind(), User.nothing == nil",
      ["string", "integer", true],
    ],
    [
      "equality and order",
      "Age == Int, Int < Num, Num < Int, Int <= Int, " +
      "Box(Str) == Box(Str)",
      [true, true, false, true, true],
    ],
    ["identity as keys", "({ [Age] = 1 })[Ages:elem()]", [1]],
  ];
  test.each(cases)("%s", async (_name, expressions, expected) => {
    const found = await run(`${types} return function() return { ${expressions} } end`);
    expect(found).toEqual(expected);
  });

  test("iterators go over fields, variants, parameters", async () => {
    const found = await run(`${types}
      type F = (number, string) -> (boolean, string)
      type G<K, V: string> = { [K]: V }
      return function()
        local list = {}
        for name, T in Address:fields() do list[#list + 1] = name .. ":" .. T:kind() end
        for T in Mixed:variants() do list[#list + 1] = T:kind() end
        for T in F:params() do list[#list + 1] = tostring(T) end
        for name, bound in G:tparams() do list[#list + 1] = name .. tostring(bound) end
        list[#list + 1] = F:ret():kind()
        return table.concat(list, " ")
      end`);
    expect(found).toBe("city:string zip:string number array nil number string Knil Vstring tuple");
  });

  test.each([
    ["Age('x')", "expected Age, got string"],
    ["Age()", "type Age expects at least 1 argument"],
    ["Age(1, 2)", "type Age: validation expects 1 value, got 2"],
    ["Age(Str)", "type Age is not generic"],
    ["Box(Str, Str)", "type Box expects 1 type arguments, got 2"],
    ["Box(Str, 1)", "type Box expects either values or types, got both"],
    ["integer('5')", "expected integer, got string"],
    ["string(5)", "expected string, got number"],
    ["setmetatable(Age, {})", "cannot change a protected metatable"],
    ["rawset(Age, 1, 1)", "bad argument #1 to 'rawset'"],
  ])("%s raises %s, with the position", async (call, message) => {
    const found = await run(`${types} return function()
      local ok, err = pcall(function()
        return ${call}
      end)
      return tostring(err)
    end`) as string;
    expect(found).toContain(message);
    if (/^(?:Age|Box|integer)\(/.test(call)) expect(found).toMatch(/^app:main:\d+: /);
  });

  test("the error of is() is an Error with details", async () => {
    const found = await run(`${types} return function()
      local _, err = User:is(with{ age = -1 })
      local _, other = User:is(with{ age = "x" })
      return { type(err), err:kind(), err:retryable() == nil, err:details(), other:details() }
    end`);
    expect(found).toEqual(
      ["userdata", "Invalid", true, { constraint: "min", expected: "0", got: "-1", field: "age" }, {
        expected: "integer",
        got: "string",
        field: "age",
      }] as LuaValue,
    );
  });

  test("a value that holds itself is looked at once, and one that is too deep fails", async () => {
    const found = await run(`${types} return function()
      local ring = { value = 1 }
      ring.next = ring
      local chain = { value = 1 }
      for i = 1, 100 do chain = { value = 1, next = chain } end
      return { Node:is(ring) == ring, (Node:is(chain)) == nil }
    end`);
    expect(found).toEqual([true, true]);
  });
});

test("a generic with arguments that it does not take accepts everything", async () => {
  const found = await run(`
    type List<T: {id: string}> = T[]
    type Pair<K, V: K> = { k: K, v: V }
    type Good = List<{id: string, n: number}>
    type Bad = List<number>
    type Many = List<{id: string}, string>
    type GoodPair = Pair<number, integer>
    type BadPair = Pair<integer, string>
    return function()
      local list = {}
      for i, T in ipairs{ Good, Bad, Many, GoodPair, BadPair } do list[i] = (T:is(5)) == 5 end
      return list
    end`);
  expect(found).toEqual([false, true, true, false, true]);
});

test("typeof, keyof, indexed and conditional types are values", async () => {
  const found = await run(`
    local defaults = { host = "x", port = 1, tags = { "a" }, inner = { on = true } }
    local count: integer = 1
    type Config = typeof(defaults)
    type Count = typeof(count)
    type Key = keyof(Config)
    type Port = Config["port"]
    type If = Count extends number ? string : boolean
    local function told(T, v) local _, err = T:is(v) return err and err:message() or "valid" end
    return function()
      return { told(Config, defaults), told(Config, { host = 1 }), Count:kind(), told(Key, "port"),
        told(Key, "x"), Port:kind(), If:kind(),
        told(Config, { host = "", port = 1, tags = { 1 }, inner = {} }) }
    end`);
  expect(found).toEqual([
    "valid",
    "host: expected string, got number",
    "integer",
    "valid",
    'expected "host" | "port" | "tags" | "inner", got string',
    "integer",
    "string",
    "tags[1]: expected string, got number",
  ]);
});

test("types of libraries, and of libraries behind them", async () => {
  const inner = "type Id = string @min_len(2) type Hidden = integer return { Id = Id }";
  const outer = `local inner = require("inner")
    type User = { id: inner.Id, hidden?: inner.Hidden }
    local outer = { User = User }
    outer.Id = inner.Id
    return outer`;
  const found = await run(
    `
    local users = require("users")
    type Team = { users.User }
    local function told(T, v) local _, err = T:is(v) return err and err:message() or "valid" end
    return function()
      return { told(users.User, { id = "ab" }), told(users.User, { id = "a" }), told(users.Id, "a"),
        told(Team, { { id = "ab" }, { id = "a" } }), told(users.User, { id = "ab", hidden = "x" }),
        type(User), tostring(users.User) }
    end`,
    {
      libraries: {
        inner: { source: inner },
        outer: { source: outer, imports: { inner: "app:inner" } },
      },
    },
    { imports: { users: "app:outer" } },
  );
  expect(found).toEqual([
    "valid",
    "id: length below minimum",
    "length below minimum",
    "[2].id: length below minimum",
    "hidden: expected integer, got string",
    "type",
    "User",
  ]);
});

test("names of types are no values by themselves", async () => {
  const uses =
    "integer == nil, number == nil, boolean == nil, any == nil, unknown == nil, never == nil, " +
    "string.format ~= nil, _G.integer == nil, rawget(_G, 'number') == nil";
  for (
    const text of [
      `return function() return { ${uses} } end`,
      `local x: any = 1 return function() return { ${uses} } end`,
    ]
  ) {
    expect(await run(text)).toEqual(Array(9).fill(true));
  }
  const odd = `local t = { any = { number = function() return 3 end } }
    return function() return { "" ..integer (3), boolean{} == nil, t.any.number(), (pcall(number "x")) } end`;
  await expect(run(odd)).rejects.toThrow("expected boolean, got table");
  const own = `number = 5 local function any(x) return x end -- never (here)
    return function() return { number, any(7), number + 1, pcall(function() return number("x") end) } end`;
  expect(await run(own)).toEqual([
    5,
    7,
    6,
    false,
    expect.stringContaining("expected number, got string"),
  ]);
});

test("names of types work in code without types", async () => {
  const found = await run(`return function()
    return { integer(2), string("x"), string:is("x"), (string:is(1)), string.kind(), integer:is(1),
      number:name(), string.upper("x"), ("x"):upper() }
  end`);
  expect(found).toEqual(
    new Map<LuaValue, LuaValue>([
      [1, 2],
      [2, "x"],
      [3, "x"],
      [5, "string"],
      [6, 1],
      [7, "number"],
      [8, "X"],
      [9, "X"],
    ]),
  );
});

test.each([
  ["return function() local rows = list as {string} return rows[1] end", "a"],
  ["return function() local rows = list as({string}) return rows[1] end", "a"],
  ['return function() local kind = "a" as "a" | 1 return 2 end', undefined],
  ["return function() local rows = list as\n{string}\nreturn rows[1] end", "a"],
  ["local as = function(t) return t[1] end return function() return as{ 5 } end", 5],
  ["function as(t) return t[1] end return function() local x\nas{ 5 } return 6 end", 6],
])("a cast that Lua would take for a call: %s", async (source, expected) => {
  const call = run(`local list = { "a" } ${source}`);
  // The cast ends before the operator, which text has not.
  if (expected === undefined) await expect(call).rejects.toThrow("bitwise operation on a string");
  else expect(await call).toBe(expected);
});

test("lines of errors are those of the text", async () => {
  const found = await run(`
type T = {
  a: string,
}
interface I
  function f(self): number
end
local function fail(x: T): (string,
  number)
  error("here")
end
return function(): string
  local ok, err = pcall(fail, {} as T)
  return tostring(err)
end`);
  expect(found).toBe("app:main:10: here");
});

test("a fault of the syntax of typed code has its line in the file", async () => {
  const failed = await startApplication({
    functions: { main: "local x: integer = 1\nlocal y: {A, B} = 1\nreturn function() end" },
  }).catch((error: WippyError) => error.message);
  expect(failed).toContain("src/main.lua:2");
  expect(failed).toContain("'}' expected near ','");
});

test("code that is loaded, required or a string of the command line may be typed", async () => {
  const script = `
    local chunk = assert(load("type Id = string @min_len(2) local a: integer = ... return Id:is('x')"))
    print(select("#", chunk(1)), (select(2, chunk(1))))
    print(load("local x: {A, B} = 1", "=mine"))
    print(load("x = = 1", "=mine"))
    local part = require("part")
    print(part.Name:is("x"), part.add(1, 2), Local(1))
    local rows = part.rows() as {string}
    print(rows[1])
    type Local = integer
  `;
  const directory = writeFiles({
    "main.lua": script,
    "part.lua": `type Name = string
      return { Name = Name, add = function(a: number, b: number): number return a + b end,
        rows = function() return { "r" } end }`,
  });
  const run = async (...args: string[]) => {
    const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...args], {
      cwd: directory,
      stdout: "pipe",
      stderr: "pipe",
    });
    return await new Response(child.stdout).text() + await new Response(child.stderr).text();
  };
  expect(await run("main.lua")).toBe(
    "2\tlength below minimum\n" +
      "nil\tmine:1: '}' expected near ','\n" +
      "nil\tmine:1: unexpected symbol near '='\n" +
      "x\t3\t1\n" + "r\n",
  );
  expect(await run("-e", "local x: {A, B} = 1")).toStartWith(
    "(command line):1  Lua syntax error: '}' expected near ','\n" +
      "    | local x: {A, B} = 1\n    |            ^\n    hint: ",
  );
  expect(await run("-e", "local x: integer = 2 print(x as number)")).toBe("2\n");
});
