import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { moduleLibrary } from "../../../src/app/module-types.ts";
import { check } from "../../../src/language/check/check.ts";
import { alone, type Surroundings } from "../../../src/language/check/library.ts";
import { parse } from "../../../src/language/language.ts";

/** `LINE CODE MESSAGE` of what is wrong with a text. */
function told(text: string): string[] {
  const tree = parse(text);
  expect(tree.faults).toEqual([]);
  return check(tree).diagnostics.map(({ code, start, message }) =>
    `${text.slice(0, start).split("\n").length} ${code} ${message}`
  );
}

const types = `type Point = { x: number, y: number, name?: string }
type Shape = { kind: "circle", r: number } | { kind: "square", side: number }
type User = { id: string, email: string? }
local function find(id: string): (User?, error?) return nil, nil end
`;
const lines = types.split("\n").length - 1;

const refused: readonly (readonly [text: string, ...told: string[]])[] = [
  ['local n: number = "x"', 'E0000 cannot assign "x" to number'],
  ["local n: number = true", "E0000 cannot assign true to number"],
  ["local n: number = {}", "E0000 cannot assign table to number"],
  ["local s: string = 1", "E0000 cannot assign 1 to string"],
  ["local n: number = nil", "E0000 cannot assign nil to number"],
  ["local n: integer = 1.5", "E0000 cannot assign 1.5 to integer"],
  ["local n: number", "E0000 cannot assign nil to number"],
  ["local n: number = 1\nn = 'x'", 'E0000 cannot assign "x" to number'],
  ["local n: number | string = true", "E0000 cannot assign true to number | string"],
  [
    "local n: number | string | boolean = {}",
    "E0000 cannot assign table to number | string | boolean",
  ],
  [
    "local function f(): number? return 1 end local n: number = f()",
    "E0000 cannot assign number? to number",
  ],
  [
    "local function f(a: number, b: string) end f(1)",
    "E0003 not enough arguments: expected 2, got 1",
  ],
  ["local function f(a: number) end f(1, 2)", "E0003 too many arguments: expected 1, got 2"],
  ["local function f(a: number) end f('x')", 'E0000 argument 1: expected number, got "x"'],
  ["local f: (number) -> string = print f({})", "E0000 argument 1: expected number, got table"],
  ["local p: Point = { x = 1, y = 2 } print(p.z)", "E0004 field 'z' does not exist on type Point"],
  ["local p: Point = { x = 1 }", "E0000 cannot assign table to Point: missing field 'y'"],
  [
    "local p: Point = { x = 1, y = 'a' }",
    "E0000 cannot assign table to Point: field 'y' must be number, got \"a\"",
  ],
  [
    "local p: Point = { x = 1, y = 1, z = 1 }",
    "E0000 cannot assign table to Point: unexpected field 'z'",
  ],
  ["local p: Point[] = { { x = 1 } }", "E0000 cannot assign table to {Point}: missing field 'y'"],
  ["local l: {number} = { a = 1 }", "E0000 cannot assign table to {number}: unexpected field 'a'"],
  [
    "local l: {number} = { 1, 'a' }",
    'E0000 cannot assign table to {number}: element 2 must be number?, got "a"',
  ],
  ["local n: number = 1 print(n.x)", "E0000 cannot index type number"],
  ["local n: number = 1 n()", "E0002 expected function, got number"],
  ["local s: string = 'x' s()", "E0002 expected function, got string"],
  ["local b: boolean = true b()", "E0002 expected function, got boolean"],
  [
    "local a: string, b: string = 'a', 'b' print(a + b)",
    "E0019 cannot perform arithmetic on string, expected number",
  ],
  [
    "local a: string = 'a' print(1 + a)",
    "E0019 cannot perform arithmetic on string, expected number",
  ],
  [
    "local a: boolean = true print(a + a)",
    "E0019 cannot perform arithmetic on boolean, expected number",
  ],
  [
    "local a: number? = nil print(a + 1)",
    "E0019 cannot perform arithmetic on number?, expected number",
  ],
  [
    "local a: number? = nil print('n' .. a)",
    "E0019 cannot concatenate number?, expected string or number",
  ],
  ["local a: number = 1 print(a < 'x')", "E0019 cannot compare number with string"],
  ["local function f(): number return 'x' end", 'E0000 cannot return "x", expected number'],
  ["local function f(): number end", "E0010 missing return"],
  ["local function f(x): number if x then return 1 end end", "E0010 missing return"],
  [
    "local function f(): (number, string) return 1 end",
    "E0010 missing return value at position 2 (expected string)",
  ],
  [
    "local function f(): (number, string) return 1, 2 end",
    "E0000 cannot return 2 at position 2, expected string",
  ],
  ["local u: User? = find('x') print(u.id)", "E0000 cannot index type User? without nil check"],
  [
    "local u = find('x') local id: string = u.email",
    "E0000 cannot index type User? without nil check",
  ],
  [
    "local u: User = { id = 'a' } local e: string = u.email",
    "E0000 cannot assign string? to string",
  ],
  [
    "local f: (() -> number)? = nil f()",
    "E0021 cannot call optional value () -> number? without nil check",
  ],
  ["local s: Shape = { kind = 'circle' }", "E0000 cannot assign table to Shape"],
  [
    "local s: Shape = { kind = 'square', side = 1 } print(s.r)",
    'E0004 field \'r\' missing on {kind: "square", side: number} (present on {kind: "circle", r: number})',
  ],
  ["local a: any = f() local n: number = a", "E0000 cannot assign any to number"],
  ["local p: Point = { x = 1, y = 2 } p.x = 'a'", 'E0000 cannot assign "a" to number?'],
  ["local function f(...: number) end f(1, 'a')", 'E0000 argument 2: expected number, got "a"'],
  ["for i = 1, 'x' do end", "E0000 a bound of 'for' must be a number, got string"],
  ["local x = 'a' + 1", "E0019 cannot perform arithmetic on string, expected number"],
  [
    "local function f(l: {string}): string return l[1] end",
    "E0000 cannot return string?, expected string",
  ],
  [
    "local function f(m: {[string]: Point}) print(m.a.x, m['a'] and m['b'].x) end",
    "E0000 cannot index type Point? without nil check",
    "E0000 cannot index type Point? without nil check",
  ],
  [
    "local function f(l: {Point}, n: integer) for i = 1, n do print(l[i].x) end end",
    "E0000 cannot index type Point? without nil check",
  ],
  [
    "local function f(l: {Point}, i: integer) if l[i] then i = i + 1 print(l[i].x) end end",
    "E0000 cannot index type Point? without nil check",
  ],
  ["local l: {number} = { 1, 2 } local n: number = l[3]", "E0000 cannot assign number? to number"],
  [
    "local m: {[string]: number} = {} m.a = 'x' m['b'] = 'x'",
    'E0000 cannot assign "x" to number?',
    'E0000 cannot assign "x" to number?',
  ],
  [
    "interface Area function area(self): number end local p: Point = { x = 1, y = 1 } local a: Area = p",
    "E0000 cannot assign Point to Area",
  ],
  [
    "interface Area function area(self): number end local function f(a: Area) return a:area() + a:size() end",
    "E0022 no method size on type Area",
  ],
  [
    "local u, e = find('x') if e then print(e:kind(), e:message(), e:details(), e:retryable(), e:stack(), e:find('x')) end",
    "E0022 no method find on type error",
  ],
];

describe("is refused", () => {
  test.each(refused.map((each) => [...each]))("%s", (text, ...expected) => {
    const found = told(types + text!).map((line) => line.replace(/^\d+ /, ""));
    expect(found).toEqual(expected as string[]);
  });
  test("with the line", () => {
    expect(told(`${types}local a = 1\nlocal n: number =\n  "x"`)[0]).toStartWith(
      `${lines + 3} E0000`,
    );
  });
});

const accepted = `
local n: number, s: string, b: boolean, i: integer = 1, "x", true, 2
local function half(a: integer): number return a / 2 end print(half(i))
local x: number = i
local function apply(f: (number) -> number, v: number): number return f(v) end
print(apply(function(v: number): number return v + 1 end, 1), apply(function(v) return v end, 2))
local function width(v: number | string): number if type(v) == "string" then return #v end return v end
local function opt(v: number?): number return v or 0 end print(opt(), opt(nil), opt(1))
local function opt2(v: number?): number if v then return v end return 0 end
local function opt3(v: number?): number if not v then return 0 end return v + 1 end
local function opt4(v: number?): number if v == nil then error("x") end return v + 1 end
local function opt5(v: number?): number assert(v) return v + 1 end
local function opt6(v: number?): number assert(v ~= nil, "no") return v end
local function opt7(v: number?): number while not v do v = tonumber("1") end return v end
local function opt8(v: number?): number return v and v + 1 or 0 end
local function opt9(v: number?): number if v ~= nil and v > 1 then return v end return 0 end
local function opt10(v: number?): number if v == nil or v < 1 then return 0 end return v end
local function opt11(v: number?, w: number?): number if not (v and w) then return 0 end return v + w end
local function opt12(v: number?): number v = v or 1 return v end
local function opt13(v: number?): number if not v then v = 1 end return v end
local p: Point = { x = 1, y = 2 } local name: string = p.name or "none"
if p.name then local other: string = p.name end
local q: Point = { x = 1, y = 2, name = "q" }
local list: {string} = {} local one: string? = list[1]
for _, each in ipairs(list) do local text: string = each end
local total = 0 for _, v in ipairs({ 1, 2 }) do total = total + v end
local ages: {[string]: number} = { ann = 1, bob = 2 } local age: number? = ages.ann or ages["x"]
local names: {[number]: string} = { "a", "b" } local byName: {[number]: string} = { [1] = "a" }
for key, value in pairs(ages) do local k: string, v: number = key, value end
local a: any = {} local c = a as number local d = a as string local e = a as Point print(c + 1, d .. "", e.x)
local ro: readonly {string} = { "a" } local function len(t: readonly {[string]: number}): integer return #t end
local function identity<T>(v: T): T return v end local id: number = identity(1)
local function first<T>(t: {T}): T? return t[1] end
local function pair<A, B>(a: A, b: B): (A, B) return a, b end local l: string, r: number = pair("a", 1)
type Ids = {string} type Callback = (string) -> string local cb: Callback = function(v) return v:upper() end
local kind: "a" | "b" | 1 | true = "a"
type Box<T> = { value: T } local box: Box<number> = { value = 1 } local boxes: Box<string>[] = {}
type Config = typeof(p) local config: Config = p
type Both = { a: number } & { b: string } local both: Both = { a = 1, b = "x" }
local function count(...: any): number return select("#", ...) end print(count(1, "a", nil))
local function sum(...: number): number local t = 0 for _, v in ipairs({ ... }) do t = t + v end return t end
local function two(): (number, string?) return 1 end local t1: number, t2: string? = two()
local m: string? = ("x"):match("y") local m2 = string.match("a", "b")
local function make(): User return { id = "x", email = nil } end
local function change(u: User) u.id = "y" u.email = nil end change(make())
local user, err = find("x") if err then return nil, err end print(user.id)
local user2, err2 = find("x") if not user2 then error(err2) end print(user2.id)
local user3: User? = find("x") if user3 and user3.email then local mail: string = user3.email end
local value, why = User:is(a) if not value then return nil, why:message() end print(value.id, a.id)
if User:is(a) then local given: string = a.id end
local checked: User = User(a) local number: integer = integer(a)
local shape: Shape = { kind = "circle", r = 1 }
if shape.kind == "circle" then print(shape.r + 1) else print(shape.side) end
local Account = {} Account.__index = Account
function Account.new(opts: any?): any local self = setmetatable({}, Account) self.n = opts.n or 0 return self end
function Account:add(v: number): (any, string?) self.n = self:get() + v return self, nil end
function Account:get(): number return self.n end
local account = Account.new({ n = 1 }) account:add(1) account.more = 1 account:undefined(1, 2, 3)
local text: string, problem = json.encode(a) local data = json.decode(text)
local h, herr = sql.get("app:db") if herr then error(herr) end h:query("x")
local function loose(a, b) return a end loose() loose(1, 2, 3)
local found: number? = nil for i = 1, 3 do if i == 2 then found = i end end if found then print(found + 1) end
local best: number? = nil for _, v in ipairs({ 1 }) do if best == nil or v > best then best = v end end
local fact = function(k: integer): integer return k < 2 and 1 or k * fact(k - 1) end print(fact(3))
local function fails(message: string): never error(message) end
local function must(v: number?): number if v then return v end fails("x") end
local function loop(): number while true do if n then return 1 end end end
local function again(v: number?): number ::top:: if not v then v = 1 goto top end return v end
local function guard(v: unknown): string if type(v) == "string" then return v end return tostring(v) end
local function check(v: any): asserts v is string end check(a) local sure: string = a
interface Area function area(self): number end
local square: Area = { area = function() return 1 end } print(square:area() + 1)
type Node = { value: number, next: Node? } local node: Node = { value = 1, next = { value = 2, next = nil } }
local at: Node? = node while at do print(at.value) at = at.next end
local mixed: {number | string} = { 1, "a" } local nested: {{number}} = { { 1 }, {} }
local handler: fun(topic: string, n: integer?): (boolean, string?) = function(topic) return true end
type Done = { ok: true, value: number } | { ok: false, why: string }
local function tell(d: Done): string if d.ok then return tostring(d.value) else return d.why end end
local function tell2(d: Done): string if not d.ok then return d.why end return tostring(d.value + 1) end
type Either = { value: number } | { why: string }
local function tell3(d: Either): string if d.why ~= nil then return d.why end return tostring(d.value + 1) end
type Coded = { code: 1, a: number } | { code: 2, b: number }
local function tell4(d: Coded): number if d.code == 1 then return d.a end return d.b end
local function elements(l: {Point}, m: {[string]: Point}, k: string, j: integer)
  if l[j] and m[k] then print(l[j].x, m[k].x) end
  if m.a then print(m["a"].x) end
  if l[j + 1] then print(l[j + 1].x) end
  for i = 1, #l do print(l[i].x) end for i = #l - 1, 1, -1 do print(l[i].x) end
  local size = #l for i = 1, math.min(size, 10) do print(l[i].x) end
  for i in ipairs(l) do print(l[i].x) end for key in pairs(m) do print(m[key].x) end
  while j <= #l do print(l[j].x) j = j + 1 end
  m[k] = m[k] or { x = 1, y = 1 } print(m[k].x, l[#l].x)
end
local function last(l: {Point}): Point? if #l == 0 then return nil end return l[#l].x and l[1] end
local function loosely(l: {any}, m: {[string]: any}) print(l[1].x, m.a.b, m["c"]()) end
local literals: {number}, mapped: {[string]: number} = { 1, nil, 3 }, { a = 1 } print(literals[1] + literals[3], mapped.a + 1)
local optional: { a?: number, b: string? } = {} local fs: {[string]: () -> ()} = { go = function() end }
`;

test("what is right is not told of", () => {
  const text = types + accepted;
  expect(told(text).map((line) => `${line} | ${text.split("\n")[parseInt(line) - 1]}`)).toEqual([]);
});

const library = `local lib = {}
  local function size(list) return 1 end
  function lib.size(list) return size(list) end
  function lib.ready() return not nil end
  function lib.find(key) if key then return { name = key, run = function() return 1 end } end end
  function lib.pair() return 1, true end
  function lib.any(x) if x then return 1 end return "none" end
  function lib.all(...) return ... end
  function lib.text(x) return tostring(x) end
  function lib.made() local t = {} fill(t) return t end
  function lib.again(n) if n == 0 then return 1 end return lib.again(n - 1) end
  return lib`;

/** What is told of a text that requires another one. */
function toldOfUser(text: string, required = library): string[] {
  const { library: value } = check(parse(required));
  return check(parse(text), { ...alone, require: () => value }).diagnostics
    .map(({ message }) => message);
}

test.each([
  ["lib.size({}).x", ["cannot index type integer"]],
  ["lib.ready() + 1", ["cannot perform arithmetic on boolean, expected number"]],
  ["lib.find('a').run().x", []],
  ["lib.pair()()", ["expected function, got integer"]],
  ["lib.lost()", ["field 'lost' does not exist on type"]],
])("%s is told of by the results that a library shows", (expression, expected) => {
  const found = toldOfUser(`local lib = require("lib") print(${expression})`);
  expect(found.map((message, index) => message.slice(0, expected[index]?.length)))
    .toEqual(expected);
});

test.each([
  "lib.find('a').name.first:upper()",
  "lib.find('a').other()",
  "lib.any(1).x",
  "lib.any(1) + 1",
  "lib.all(1).x",
  "lib.text(1) + 1",
  "lib.again(1).x",
  "lib.made().x.y",
])("%s is not told of: the library does not show enough", (expression) => {
  expect(toldOfUser(`local lib = require("lib") print(${expression})`)).toEqual([]);
});

test("what a library makes may have what an annotation asks for", () => {
  const text = `local lib = require("lib")
    local function show(p: { x: number }, list: {number}, map: {[string]: number}) end
    local made = lib.made()
    show(made, made, made)`;
  expect(toldOfUser(text)).toEqual([]);
});

test.each([
  ["an empty table, for others to fill", "return {}"],
  ["its globals", "local _ENV = {} function lost() end return _ENV"],
  ["a table that it has given away", "local t = { a = 1 } fill(t) return t"],
])("a library that returns %s may have any field", (_what, required) => {
  expect(toldOfUser(`local lib = require("lib") lib.lost()`, required)).toEqual([]);
});

const files = sourceFiles("**/*.lua", ["lua", "examples", "bench", "tests"])
  .filter((path) => !path.endsWith("/broken.lua"));
const folder = process.env["LUA_CORPUS"];

/** What is told of files, each with the types of every module around it. */
function toldOf(paths: readonly string[], around: Surroundings): string[] {
  return paths.flatMap((path) => {
    const text = readFileSync(path, "latin1");
    const tree = parse(text);
    if (tree.faults.length > 0) return [];
    return check(tree, around).diagnostics.map(({ start, message }) =>
      `${relative(root, path)}:${text.slice(0, start).split("\n").length}: ${message}`
    );
  });
}

test("of code without annotations only what raises is told", () => {
  // The programs there are scripts, with Lua's own `io`.
  const module = (name: string) => name === "io" ? undefined : moduleLibrary(name);
  const around = { require: module, global: module, module };
  const found = toldOf(files.map((path) => join(root, path)), around);
  // All are tried in a pcall.
  expect(found).toEqual([
    "tests/differential/programs/errors.lua:11: cannot perform arithmetic on table, expected number",
    "tests/differential/programs/errors.lua:12: cannot concatenate table, expected string or number",
    "tests/differential/programs/errors.lua:13: cannot compare table, expected orderable type",
    "tests/differential/programs/numbers.lua:11: cannot compare number with string",
    "tests/differential/programs/strings.lua:13: cannot perform arithmetic on string, expected number",
    "tests/differential/programs/strings.lua:13: cannot concatenate table, expected string or number",
  ]);
});

test("texts have the methods of Lua where nothing can add others", () => {
  const methods = "local s: string = 'a' print(('x'):trim(), ('x'):len(), s:strip())";
  const found = (text: string) =>
    check(parse(text), { ...alone, fixed: true }).diagnostics.map(({ message }) => message);
  expect(found(methods)).toEqual([
    "no method trim on type string",
    "no method strip on type string",
  ]);
  expect(found(`function string.trim(s) end string.strip = print ${methods}`)).toEqual([]);
  expect(found(`string = { upper = print, trim = print, strip = print } ${methods}`)).toEqual([]);
  expect(told(methods)).toEqual([]);
});

test("operators of objects are not told of", () => {
  const text =
    "local function match(s, i) end local P = lpeg.P('x') print(P + match, #P * match, -P)";
  expect(told(text)).toEqual([]);
  expect(told("local function f(t: {string}): integer return #t end local s: string = #{}"))
    .toEqual([]);
});

// What is told must be read: docs/contributing/repository.md says how, and what was found.
test.skipIf(folder === undefined)("files of LUA_CORPUS", () => {
  const paths = [...new Bun.Glob("**/*.{lua,nse}").scanSync({ cwd: folder!, absolute: true })];
  expect(paths.length).toBeGreaterThan(0);
  const lines = paths.reduce(
    (sum, path) => sum + readFileSync(path, "latin1").split("\n").length,
    0,
  );
  const found = toldOf(paths, alone);
  console.error(`${paths.length} files, ${lines} lines\n${found.join("\n")}`);
  expect(found.length).toBeLessThan(lines / 10_000);
}, 600_000);
