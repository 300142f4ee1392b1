import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { lower, parse } from "../../../src/language/language.ts";

/** The text in Lua 5.4, each run of blanks as one. */
function erased(text: string): string {
  const lowered = lower(text);
  if (lowered === undefined) return text;
  if ("fault" in lowered) return `${lowered.fault.line}: ${lowered.fault.message}`;
  expect(lowered.code.split("\n").length).toBe(text.split("\n").length);
  return lowered.code.replace(/[ \t]+/g, " ").replace(/ (?=[,);}]|$)/gm, "");
}

const declarations = "type Point = {x: number} type Tag = string ";

describe("what is erased", () => {
  test.each([
    ["local count: integer, label: string = 3, 'x'", "local count, label = 3, 'x'"],
    ["local x <const>: integer = 1", "local x <const> = 1"],
    ["local function f(w: number): number return w end", "local function f(w) return w end"],
    ["local function f(n): integer, number return n, 1 end", "local function f(n) return n, 1 end"],
    [
      "local function f(a: T, ...: number): (number, string?) return a end",
      "local function f(a, ...) return a end",
    ],
    ["local function f(): () g() end", "local function f() g() end"],
    ["local function f(): () -> T return g end", "local function f() return g end"],
    [
      "local function pick<K, V: {id: string}>(m: {[K]: V}, k: K): V? return m[k] end",
      "local function pick (m, k) return m[k] end",
    ],
    [
      "function Store:put<T>(k: string, v: T?) self[k] = v end",
      "function Store:put (k, v) self[k] = v end",
    ],
    ["local on: fun(a: string, n: integer?): (boolean, string?) = h", "local on = h"],
    ["local on: fun() = h", "local on = h"],
    ["local memo: Cache<string, List<integer>> = {}", "local memo = {}"],
    ["local a: A<B>= v", "local a = v"],
    ["local a: (A | B)? = v", "local a = v"],
    ["local a: ((A) -> B)? = v", "local a = v"],
    ["local a: readonly {string} = v", "local a = v"],
    ["local a: {a?: T, b: U? @min(1); c: fun(): T} = v", "local a = v"],
    ["local a: A extends B ? C : D = v", "local a = v"],
    ["local a: A extends B? ? C : D = v", "local a = v"],
    ["local a: T['x'] | typeof(f(1, {2})) | keyof(T) = v", "local a = v"],
    ["local a: integer @integer @min(1)? = v", "local a = v"],
    ["local a: 'lit' | 1 | 0x10 | true | nil = v", "local a = v"],
    ["function f(x): asserts x is T end", "function f(x) end"],
    ["for i: integer = 1, 3 do end", "for i = 1, 3 do end"],
    ["for k: string, v in pairs(t) do end", "for k, v in pairs(t) do end"],
    ["local x = y as T", "local x = y"],
    ["local x = y :: any", "local x = y"],
    ["local x = y as any as T", "local x = y"],
    ["local n = ((raw :: any) :: number) + 1", "local n = ((raw)) + 1"],
    ["local bits = flags as integer | 4", "local bits = flags | 4"],
    ["local x = -y as T .. z as U", "local x = -y .. z"],
    ["local x = f() as T", "local x = (f())"],
    ["return r:text() as string", "return (r:text())"],
    ["local x = ... as T", "local x = (...)"],
    ["local city = (user!).address", "local city = (user).address"],
    ["print(user!, f()!)", "print(user, (f()))"],
    ["local t = {f() as T}", "local t = {(f())}"],
    ["local rows = f() as {Row}", "local rows = (f())"],
    [
      "local rows = fetch() :: {Row}\n(log or print)()",
      "local rows = (fetch());\n(log or print)()",
    ],
    ["local a = b\ntype T = number\n(g)()", "local a = b\n;\n(g)()"],
    ["interface Shape\n function area(self): number\nend", "\n\n"],
    ["interface Shape: A, B end", ""],
    ["local re = '\\d+\\x41'", "local re = 'd+x41'"],
    ["local re = '\\x41' :: any", "local re = '\\x41'"],
    ["local f = function(n: T) return f(n) end", "local f; f = function(n) return f(n) end"],
    ["local f: T = function() return f() end", "local f; f = function() return f() end"],
    ["local f local f = function(n: T) return f end", "local f local f = function(n) return f end"],
    ["local f = function(n: T) return 1 end", "local f = function(n) return 1 end"],
  ])("%s", (text, code) => {
    expect(erased(text).trim()).toBe(code.trim());
  });

  test.each([
    ["return Point(v)", "return __ty.Point(v)"],
    ["return Point:is(v)", "return __ty.Point:is(v)"],
    ["return Point.is(v), Point.x, Tag", "return __ty.Point.is(v), __ty.Point.x, __ty.Tag"],
    ["return string(v), string.upper(v)", "return __ty.string(v), string.upper(v)"],
    ["return integer, integer:kind()", "return integer, __ty.integer:kind()"],
    ["local Point = 1 return Point(v), Point", "local Point = 1 return Point(v), Point"],
    [
      "return function(Point) return Point:is(1) end",
      "return function(Point) return Point:is(1) end",
    ],
    ["Point = 1 return Point, Point(v)", "Point = 1 return Point, __ty.Point(v)"],
    ["return Point(v) as Tag", "return (__ty.Point(v))"],
  ])("names of types: %s", (text, code) => {
    expect(erased(declarations + text).trim()).toBe(code);
  });

  test("nothing, where the words of the dialect are names", () => {
    const text =
      "local type, as, is, fun, interface, readonly, keyof, extends, asserts, typeof = 1\n" +
      "as = is fun.interface = { as = 1, is = 2, type = 3 } typeof(readonly) type(x) type 'x' type {}\n" +
      "interface(1) function a:as() end as(2) as{3} as.x = 1 as:y() goto continue ::continue::\n" +
      "x = x ::a:: y = a < b, c > d";
    expect(parse(text).faults).toEqual([]);
    expect(lower(text)).toBeUndefined();
  });
});

test.each([
  ["type X = | A | B", "1: type expected near '|'"],
  ["local x: number< = 42", "1: type expected near '='"],
  ["local x: T, \xc3\xa9 = 42", "1: <name> expected near '<\\195>'"],
  ["local x: = 42", "1: type expected near '='"],
  ["local t: {A, B} = v", "1: '}' expected near ','"],
  ["local x: T?[] = v", "1: unexpected symbol near '['"],
  ["local a = u!.name", "1: parentheses are needed: write (u!).… near '.'"],
  ["local a = v :: any :: T", "1: ::any:: is a label; write ((v :: any) :: T)"],
  ["if x != y then end", "1: '!=' is no operator; write ~="],
  ["x != y", "1: '!=' is no operator; write ~="],
  ["x: number = 1", "1: a type needs a declaration; write local x: number"],
  ["f() as T", "1: a cast is no statement near 'as'"],
  [
    "local function f(a: T)\nreturn a",
    "2: 'end' expected (to close 'function' at line 1) near <eof>",
  ],
  ["local x: { a: T,\n b: fun(a: T }", "2: ')' expected near '}'"],
])("%s is refused: %s", (text, message) => {
  expect(erased(text)).toBe(message);
});

// One of them is faulty on purpose, and one shows types.
const typedFile = "examples/hello/src/greet.lua";
const files = sourceFiles("**/*.lua", ["lua", "examples", "bench", "tests"])
  .filter((path) => !path.endsWith("/broken.lua") && path !== typedFile);

test("the example with types is sound, and loses them line by line", () => {
  const text = readFileSync(join(root, typedFile), "latin1");
  const { code } = lower(text) as { code: string };
  expect(code.split("\n").length).toBe(text.split("\n").length);
  expect(code).toContain("local function main(name");
  expect(parse(code)).toMatchObject({ faults: [], typed: false });
});

test("every other Lua file of this repository is Lua 5.4 without types, and stays as it is", () => {
  expect(files.length).toBeGreaterThan(100);
  for (const path of files) {
    const tree = parse(readFileSync(join(root, path), "latin1"));
    expect({ path, faults: tree.faults, typed: tree.typed, edits: tree.edits })
      .toEqual({ path, faults: [], typed: false, edits: [] });
  }
});

const everything = `-- every construct
type Order<T: any> = { id: integer @min(1), lines: T[] @min_len(1), note?: string @pattern("a(b)"), }
interface Shape: Base function area(self, n: number): number, string? end
local x <const>, y: {[string]: fun(a: T, ...: U): (A, B)} = 0x1p4, [==[long]] ]==] --[[c]]
local function f<K>(a: K, ...: number): (K, string) return (a! :: any) as {K} | 1, "\\d\\065\\z  x" end
for i: integer = 1, 10, 2 do repeat local z = -f(i) .. 'a' until z or not z end
for k, v in pairs({ a = 1, [2] = 3, 4; "x" }) do while k do goto done end ::done:: end
if x == 1 then x.y[1]:m "s" elseif x ~= y then f{} else function x.y:z(...) return ... end end
local t: typeof(x) | keyof(T) & readonly {A} | T["x"] | (A) -> B = nil
local c: A extends B ? C : D = nil
`;

test("a text that ends anywhere gives a tree, and never fails", () => {
  for (let length = 0; length <= everything.length; length++) {
    const text = everything.slice(0, length);
    const tree = parse(text);
    for (const { start, end } of tree.faults) {
      expect(start).toBeLessThanOrEqual(end);
      expect(end).toBeLessThanOrEqual(text.length);
    }
    lower(text);
    lower(text.slice(length / 3));
  }
  expect(parse(everything).faults).toEqual([]);
});

test("a text with any byte anywhere gives a tree", () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let i = 0; i < 3000; i++) {
    const at = random(everything.length);
    const junk = String.fromCharCode(random(256));
    parse(everything.slice(0, at) + junk + everything.slice(at + random(3)));
  }
});

test.each([
  ["parentheses", `local x: T = ${"(".repeat(5000)}`],
  ["types", `local x: ${"{".repeat(100_000)}`],
  ["optional types", `local x: T${"?".repeat(5000)} = 1`],
  ["function types", `local x: ${"(a: ".repeat(5000)}`],
  ["blocks", `local x: T ${"do ".repeat(100_000)}`],
  ["functions", `local x: T ${"return function() ".repeat(5000)}`],
  ["operators", `local x: T = ${"- ".repeat(100_000)}`],
  ["conditional types", `local x: ${"A extends B ? ".repeat(5000)}`],
])("deep %s have an end", (_name, text) => {
  const lowered = lower(text);
  if (lowered && "fault" in lowered) expect(lowered.fault.message).toMatch(/levels|expected/);
});
