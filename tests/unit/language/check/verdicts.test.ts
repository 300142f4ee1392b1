import { expect, test } from "bun:test";
import { check } from "../../../../src/language/check/check.ts";
import { alone } from "../../../../src/language/check/library.ts";
import { parse } from "../../../../src/language/language.ts";

/** `CODE MESSAGE` of what is wrong with a text. */
function told(text: string): string[] {
  const tree = parse(text);
  expect(tree.faults).toEqual([]);
  return check(tree, { ...alone, fixed: true }).diagnostics.map(({ code, message }) =>
    `${code} ${message}`
  );
}

const types = `type P = { x: number }
type Box<T> = { value: T }
local function take(n: number) end
local function id<T>(v: T): T return v end
local function first<T>(list: {T}): T? return list[1] end
local function map<T, U>(list: {T}, f: (T) -> U): {U} return {} end
local function entries<K, V>(of: {[K]: V}): ({K}, {V}) return {}, {} end
local function wrap<T>(v: T): Box<T> return { value = v } end
local function unwrap<T>(box: Box<T>): T return box.value end
local function named<T>(v: T): {[string]: T} return {} end
`;

test.each([
  [
    "local function f(a: P, b: P) return a < b end",
    "E0019 cannot compare P, expected orderable type",
  ],
  [
    "local function f(a: {number}) return 1 >= a end",
    "E0019 cannot compare {number}, expected orderable type",
  ],
  [
    "local function f(a: boolean) return a < a end",
    "E0019 cannot compare boolean, expected orderable type",
  ],
  [
    "local function f(a: P) return 'x' .. a end",
    "E0019 cannot concatenate P, expected string or number",
  ],
  ["local x = {} .. 'x'", "E0019 cannot concatenate table, expected string or number"],
  [
    "local function f(a: P) return a + 1 end",
    "E0019 cannot perform arithmetic on P, expected number",
  ],
  ["local function f(a: P) return -a end", "E0019 cannot perform arithmetic on P, expected number"],
  [
    "local function f(a: table) return a * 2 end",
    "E0019 cannot perform arithmetic on table, expected number",
  ],
  ["local x = 1 + {}", "E0019 cannot perform arithmetic on table, expected number"],
  [
    "local t = { 1 } t[2] = #t local x = t + 1",
    "E0019 cannot perform arithmetic on table, expected number",
  ],
  ["local p: P = { x = 1 } p()", "E0002 expected function, got P"],
  ["local l: {number} = {} l(1)", "E0002 expected function, got {number}"],
  ["local f: (() -> ()) | string = 'x' f()", "E0002 expected function, got string"],
])("an operator of no table is told of: %s", (text, message) => {
  expect(told(types + text)).toEqual([message]);
});

test.each([
  "type V = { x: number } local mt = { __add = function(a, b) return a end } local function f(a: V) return a + 1, 1 + a end",
  "local function f(a: P) return a .. 'x' end setmetatable({}, { ['__concat'] = print })",
  "local function f(a: P) return a < a end function P.__lt(a, b) return true end",
  "local function f(a: P) return a() end local mt = {} mt.__call = print",
  "local function f(a) if type(a) == 'table' then return a + 1, a .. 'x', a < 1, a() end end",
  "local t = {} setmetatable(t, mt) return t + 1, t < t, t .. 'x', t()",
  "local t = {} function t:me() return self end return t:me() + 1, t + 1",
  "local function f(a: any, b: unknown) return a + b, a < b, a .. b, a(), b() end",
])("an operator that a table may bring is not told of: %s", (text) => {
  expect(told(types + text)).toEqual([]);
});

test("nor one of a type whose text gives it a metatable", () => {
  const required = "type V = { x: number } local mt = { __add = print } return { V = V }";
  const { library } = check(parse(required));
  const text = "local lib = require('lib') local function f(v: lib.V) return v + v end";
  const used = (of: typeof library) => check(parse(text), { ...alone, require: () => of });
  expect(used(library).diagnostics).toEqual([]);
  const plain = check(parse("type V = { x: number } return { V = V }")).library;
  expect(used(plain).diagnostics.map(({ message }) => message)).toEqual([
    "cannot perform arithmetic on V, expected number",
  ]);
});

test.each([
  [
    "local m: {[string]: number} = {} local o: {[string]: number | string} = m",
    "cannot assign {[string]: number} to {[string]: number | string}",
  ],
  [
    "local m: {[string]: integer} = {} local o: {[string]: number} = m",
    "cannot assign {[string]: integer} to {[string]: number}",
  ],
  [
    "local m: {[string]: number} = {} local o: {[string]: number?} = m",
    "cannot assign {[string]: number} to {[string]: number?}",
  ],
  [
    "local p: P = { x = 1 } local q: { x: number | string } = p",
    "cannot assign P to {x: number | string}",
  ],
  [
    "local p: { a: { P } } = { a = {} } local q: { a: { P | string } } = p",
    "cannot assign {a: {P}} to {a: {P | string}}",
  ],
  [
    "local b: Box<integer> = { value = 1 } local c: Box<number> = b",
    "cannot assign Box<integer> to Box<number>",
  ],
  [
    "local b: Box<string> = { value = 'x' } take(unwrap(b))",
    "argument 1: expected number, got string",
  ],
  ["take(tonumber('1'))", "argument 1: expected number, got number?"],
  ["local n = tonumber('1') take(n)", "argument 1: expected number, got number?"],
  ["local function f(s): number return tonumber(s) end", "cannot return number?, expected number"],
  ["local s: string = tonumber('1')", "cannot assign number? to string"],
  ["local s: string = ('x'):match('(x)')", "cannot assign string? to string"],
  ["take(string.find('x', 'x'))", "argument 1: expected number, got integer?"],
  ["take(('x'):upper())", "argument 1: expected number, got string"],
  ["local s: string = math.floor(1.5)", "cannot assign integer to string"],
  ["local s: string = math.pi", "cannot assign number to string"],
  ["local l: {number} = {} local n: number = table.remove(l)", "cannot assign number? to number"],
  ["local function f(a: any): string return a.b end", "cannot return any, expected string"],
  ["local function f(a: any): string return a.b[1]() end", "cannot return any, expected string"],
  ["local function f(a: any): number return a + 1 end", "cannot return any, expected number"],
  ["local function f(): any end take(f())", "argument 1: expected number, got any"],
  ["local s: string = id(1)", "cannot assign 1 to string"],
  ["local l: {number} = {} local s: string? = first(l)", "cannot assign number? to string?"],
  [
    "local l: {string} = map({}, function(v): number return 1 end)",
    "cannot assign {number} to {string}",
  ],
  [
    "local m: {[string]: P} = {} local k: {number} = entries(m)",
    "cannot assign {string} to {number}",
  ],
  [
    "local m: {[string]: P} = {} local k: {string}, v: {number} = entries(m)",
    "cannot assign {P} to {number}",
  ],
  ["local M = {} function M.add(a: number) end M.add('x')", 'argument 1: expected number, got "x"'],
  ["local M = {} function M:add(a: number) end M:add('x')", 'argument 1: expected number, got "x"'],
  [
    "local M = { add = function(a: number): string return '' end } take(M.add(1))",
    "argument 1: expected number, got string",
  ],
  [
    "local function f(s: string) local M = { s = s } take(M.s) end",
    "argument 1: expected number, got string",
  ],
  [
    "interface A function a(self): number end interface B: A function b(self) end local function f(a: A) local b: B = a end",
    "cannot assign A to B",
  ],
  [
    "interface A function a(self): number end local a: A = { a = function(): string return '' end }",
    "cannot assign table to A: field 'a' must be (self) -> number, got (...any) -> string",
  ],
  [
    "interface A function a(self): number end local a: A = { b = 1 }",
    "cannot assign table to A: missing field 'a'",
  ],
  [
    "local function f(n: number?) for i = 1, n do end end",
    "a bound of 'for' must be a number, got number?",
  ],
  ["for i = 1, 2 do local s: string = i end", "cannot assign integer to string"],
  ["for i = 1, 2, 0.5 do local n: integer = i end", "cannot assign number to integer"],
  [
    "local function ap(f: (number) -> string) end ap(function(v) return 1 end)",
    "argument 1: expected (number) -> string, got",
  ],
  ["local k: keyof({ a: number, b: string }) = 'c'", 'cannot assign "c" to "a" | "b"'],
  ["local x: P['x'] = 'a'", 'cannot assign "a" to number'],
  ["type C = number extends string ? boolean : number local c: C = true", "cannot assign true to"],
  [
    "local base = { a = 1, b = { 'x' } } type T = typeof(base) local t: T = { a = 1, b = { 1 } }",
    "element 1 must be string?, got 1",
  ],
  ["local function f(p: P?) p.x = 1 end", "cannot index type P? without nil check"],
  ["local function f(p: { p: P? }) p.p.x = 1 end", "cannot index type P? without nil check"],
  ["local function f(n: number) n.x = 1 end", "cannot index type number"],
  ["local function f(s: string) s['x'] = 1 end", "cannot index type string"],
  [
    "local function f(b: boolean) local s: string = b and 'x' end",
    'cannot assign false | "x" to string',
  ],
  [
    "interface A function a(self): number end interface B function b(self) end local function f(u: A | B) return u:a() end",
    "no method a on type B",
  ],
])("what does not fit is told of: %s", (text, message) => {
  const found = told(types + text).map((each) => each.slice(6));
  expect(found[0]).toContain(message);
  expect(found).toHaveLength(1);
});

test.each([
  "local m: {[string]: number} = {} local o: {[string]: number} = m local a: {[string]: any} = m",
  "local m: {[string]: number | string} = {} local o: {[string]: string | number} = m",
  "local r: { a: integer, b: 'x' } = { a = 1, b = 'x' } local w: { a: number?, b: string, c: any } = r",
  "local r: { a: { integer }, f: () -> integer } = { a = {}, f = function() return 1 end } local w: { a: { number }, f: () -> number } = r",
  "local r: { a: number, b: string } = { a = 1, b = 'x' } local m: {[string]: number | string} = r",
  "type N = { v: integer, next?: N } type M = { v: number, next?: M } local n: N = { v = 1 } local m: M = n",
  "local b: Box<number> = { value = 1 } local c: Box<number>, d: { value: number? } = b, b",
  "local n = tonumber('1') print(n + 1, n < 2, n .. '') if n then take(n) end take(n or 0) take(tonumber('2')!)",
  "local n: number? = tonumber('1') local m: number = assert(tonumber('1'))",
  "local function f(s): number local n = tonumber(s) if not n then error('x') end return n end",
  "local s = ('x'):match('x') print(s:upper(), #s, s .. 'x', s.x) local p: number = ('x'):match('()x')",
  "local s: string? = ('x'):match('x') local at: integer? = ('x'):find('x') local b: integer? = ('x'):byte()",
  "local l: {P} = {} while #l > 0 do local p: P = table.remove(l) end local q: P? = table.remove(l)",
  "local i: integer = math.floor(1.5) local j: integer = math.max(1, 2) local n: number = math.huge",
  "string.upper = print take(('x'):upper()) take(string.upper('x'))",
  "local tonumber = print take(tonumber('x'))",
  "local function f(a: any): number if type(a.n) == 'number' then return a.n end return a.n as number end",
  "local function f(a: any): number return a.n or 1 end",
  "local k: 'a' | 'b' = id('a') local m: {[string]: number} = named(1) local b: Box<number> = wrap(1)",
  "local p: P = id({ x = 1 }) local n: number? = first({ 1, 2 })",
  "local s: {string} = map({ 1 }, function(n) return tostring(n) end)",
  "local M = {} function M.f(a: number) end M.f = print M.f('x')",
  "local M = { f = function(a: number) end } for k in pairs(M) do M[k] = print end M.f('x')",
  "local M = {} M.__index = M function M.new(n: number): any return setmetatable({}, M) end function M:get() return self end M.new(1):get(1, 2):more()",
  "local t = { a = 1 } print(t.b) t.b = 'x' local s: string = t.b",
  "interface A function a(self): number end interface B: A function b(self) end local function f(b: B) local a: A = b end",
  "interface A function a(self): number end local a: A = { a = function(self) return 1 end, more = 1 } local b: A = {}",
  "for i = 1, tonumber('3') do local n: integer = i end for i = 1.5, 3 do local n: number = i end",
  "local function ap(f: (number) -> string) end ap(function(v) return v end) ap(tostring) ap(function(v) if v then return 'x' end error(v) end)",
  "local function ap(f: () -> number?) end ap(function() if x then return 1 end end) ap(function() end)",
  "local k: keyof({ a: number }) = 'a' local x: P['x'], y: P['y'] = 1, 'any' type L = keyof(L) local l: L = 1",
  "type C<T> = T extends string ? boolean : number local c: C<string>, d: C<P> = true, 1",
  "local base = { a = 1 } base.b = 2 type T = typeof(base) local t: T = { a = 3, b = 4, c = 5 }",
  "local base = {} base.b = 2 type T = typeof(base) local t: T = { b = 'x' }",
  "local function f(p: P?, m: {[string]: {P}}, k: string) p = p or { x = 1 } p.x = 1 m[k][1] = p m.a[2] = p end",
  "local function f(x) local t, n, g = not x and {}, not x and 1, not x and print if not x then t.a = t.b print(n + 1, n .. '', n < 2, #t) g() end end",
  "local function f(b: boolean): boolean local c: boolean = b and 1 < 2 local v: boolean | string = b and 'x' return not b and c end",
  "interface A function a(self): number end interface B function a(self): string end local function f(u: A | B) return u:a() end",
])("what fits is not told of: %s", (text) => {
  expect(told(types + text)).toEqual([]);
});
