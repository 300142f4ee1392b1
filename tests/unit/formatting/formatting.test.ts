import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { withBytecode } from "../../../src/app/bytecode.ts";
import { formatTyped } from "../../../src/formatting/formatting.ts";
import { findStylua, type FormatLua, formatterFor } from "../../../src/formatting/stylua.ts";

let format: (text: string, formatter?: FormatLua) => string;
const done = Promise.withResolvers<void>();
let work: Promise<void>;

beforeAll(async () => {
  const stylua = await findStylua(import.meta.dir);
  const formatter = formatterFor(stylua!, import.meta.dir);
  const ready = Promise.withResolvers<void>();
  work = withBytecode(async (compile) => {
    format = (text, other = formatter) => formatTyped(text, other, compile);
    ready.resolve();
    await done.promise;
  });
  await ready.promise;
});
afterAll(async () => {
  done.resolve();
  await work;
});

describe("formatTyped", () => {
  test.each<[code: string, formatted: string]>([
    ["local  count:integer,label : string=3,'x'", 'local count: integer, label: string = 3, "x"\n'],
    [
      "local function area(w:number,h:number):number return w*h end",
      "local function area(w: number, h: number): number\n  return w * h\nend\n",
    ],
    [
      "local function split(n: number): integer,  number return n//1, n%1 end",
      "local function split(n: number): integer,  number\n  return n // 1, n % 1\nend\n",
    ],
    [
      "local function none():number return 1 end",
      "local function none(): number\n  return 1\nend\n",
    ],
    [
      "local function many(a, ...):(number, string?) return a end",
      "local function many(a, ...): (number, string?)\n  return a\nend\n",
    ],
    [
      "local function more(...: number): number return ... end",
      "local function more(...: number): number\n  return ...\nend\n",
    ],
    [
      "local function pick<K, V: {id: string}>(m: {[K]: V}, k: K): V? return m[k] end",
      "local function pick<K, V: {id: string}>(m: {[K]: V}, k: K): V?\n  return m[k]\nend\n",
    ],
    [
      "function Store:put<T>(key: string): boolean return true end",
      "function Store:put<T>(key: string): boolean\n  return true\nend\n",
    ],
    [
      "local on: fun(topic: string, n: integer?): (boolean, string?)=handler",
      "local on: fun(topic: string, n: integer?): (boolean, string?) = handler\n",
    ],
    ["local rows=fetch()  ::  {Row}", "local rows = fetch() ::  {Row}\n"],
    [
      'local rows = fetch() :: {Row}\n(log or print)("done")',
      'local rows = fetch() :: {Row};\n(log or print)("done")\n',
    ],
    ["return r:text() as string", "return r:text() as string\n"],
    ["local city = (user!).address.city", "local city = (user!).address.city\n"],
    ["local n = ((raw :: any) :: number)+1", "local n = ((raw :: any) :: number) + 1\n"],
    ["local bits = flags as integer|4", "local bits = flags as integer | 4\n"],
    [
      "for k:string,v:any in pairs({}) do print(k,v) end",
      "for k: string, v: any in pairs({}) do\n  print(k, v)\nend\n",
    ],
    [
      "do\n      type Order = {\n        id: integer @min(1),\n      }\n\nend",
      "do\n  type Order = {\n    id: integer @min(1),\n  }\nend\n",
    ],
    [
      "interface Shape\n  function area(self): number\nend\nlocal x=1",
      "interface Shape\n  function area(self): number\nend\nlocal x = 1\n",
    ],
    ["#!/usr/bin/env wippy\nlocal x=1", "#!/usr/bin/env wippy\nlocal x = 1\n"],
    ["local é: 'ä' | string = 'ö' -- ü".replace("é", "e"), "local e: 'ä' | string = \"ö\" -- ü\n"],
    ["for _ in p do goto continue ::continue:: end local y <const> = 1 & 2", ""],
    [
      "local f = function(x: number): string return 'a' end",
      'local f = function(x: number): string\n  return "a"\nend\n',
    ],
  ])("%s", (code, formatted) => {
    const once = format(code);
    if (formatted !== "") expect(once).toBe(formatted);
    expect(format(once)).toBe(once);
  });

  test("parameters that do not fit on a line keep their types", () => {
    const names = [..."abcdefgh"].map((name) => `${name}${name.repeat(9)}: integer`).join(", ");
    const once = format(`local function f(${names}): string return "" end`);
    expect(once).toContain("\n  aaaaaaaaaa: integer,\n");
    expect(once).toContain("\n  hhhhhhhhhh: integer\n): string\n");
    expect(format(once)).toBe(once);
  });

  test("refuses a text that is not sound, with the place", () => {
    expect(() => format("#!x\nlocal x =")).toThrow(expect.objectContaining({
      position: { line: 2, column: 10 },
    }));
  });

  test("refuses types in a place where they cannot be hidden", () => {
    expect(() => format("local f = function<T>(x: T) end")).toThrow(
      "the type in this place cannot be formatted",
    );
  });

  test.each<[what: string, change: (text: string) => string]>([
    ["another program", (text) => text.replace("1", "2")],
    ["a lost comment", (text) => text.replace("-- why", "")],
    ["a lost type", (text) => text.replace(/: *integer|z0q0_*/, "x")],
  ])("refuses %s", (_what, change) => {
    expect(() => format("local x: integer = 1 -- why", change)).toThrow();
  });

  test("the repository's own files stay as they are", () => {
    for (const path of new Bun.Glob("examples/**/*.lua").scanSync(".")) {
      const text = readFileSync(path, "utf8");
      expect([path, format(text)]).toEqual([path, text]);
    }
  });
});
