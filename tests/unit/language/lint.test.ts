import { describe, expect, test } from "bun:test";
import { parse } from "../../../src/language/language.ts";
import { lint, lintRules } from "../../../src/language/lint.ts";

const known = new Set(["print", "pairs", "require", "table"]);

function findings(code: string): string[] {
  return lint(parse(code), known).map((found) =>
    `${found.code} ${found.message}: ${code.slice(found.start, found.end)}`
  );
}

/** Code, and what the rules say of it. */
const cases: Record<keyof typeof lintRules, [code: string, ...found: string[]][]> = {
  W0001: [
    ["if print then end", "W0001 the block of then is empty: print"],
    ["if print then print() elseif pairs then else end", "W0001 the block of then is empty: pairs"],
    ["while print() do end", "W0001 the block of while is empty: while print() do end"],
    ["repeat until print()", "W0001 the block of repeat is empty: repeat until print()"],
    ["for _ = 1, 2 do end", "W0001 the block of for is empty: for _ = 1, 2 do end"],
    ["for _ in pairs({}) do end", "W0001 the block of for is empty: for _ in pairs({}) do end"],
    ["do end print(function() end)"],
    ["if print then print() else end"],
  ],
  W0002: [
    ["x = 1", "W0002 x is assigned to, but nothing declares it: x"],
    ["function f() end", "W0002 f is assigned to, but nothing declares it: f"],
    ["print(function() y, print = 1, 2 end)", "W0002 y is assigned to, but nothing declares it: y"],
    ["local x x = 1 print(x) table.x = 1 function table.f() end function table:m() end"],
  ],
  W0003: [
    ["print(print == print)", "W0003 print == print is always true: print == print"],
    ["print(1 ~= 1)", "W0003 1 ~= 1 is always false: 1 ~= 1"],
    [
      "print(table.x[1].y <= (table.x[1].y))",
      "W0003 table.x[1].y <= table.x[1].y is always true: table.x[1].y <= (table.x[1].y)",
    ],
    ['print(("a" > "a") as boolean)', 'W0003 "a" > "a" is always false: "a" > "a"'],
    ["print(print() == print(), table.x == table.y, 1 == 2, 1 + 1)"],
  ],
  W0004: [
    ["local x = 1", "W0004 the local x is never read: x"],
    ["local x x = 1", "W0004 the local x is never read: x"],
    ["local function f() end", "W0004 the local f is never read: f"],
    ["for i = 1, 2 do print() end", "W0004 the local i is never read: i"],
    ["for k, v in pairs({}) do print(v) end", "W0004 the local k is never read: k"],
    ["local _, _x = 1, 2 local t = {} t.x = 1 local y = 1 print(~y)"],
    ["local t = {} function t.f() end"],
    ["local n: integer = 1 type N = typeof(n) local m: N? = nil print(m)"],
    ["repeat local done = print() until done"],
  ],
  W0005: [
    [
      "print(function(a, b) print(b) end)",
      "W0005 the parameter a is never read: function(a, b) print(b) end",
    ],
    ["function table.f(a) end", "W0005 the parameter a is never read: function table.f(a) end"],
    ["function table:m(_a, ...) end"],
  ],
  W0006: [
    [
      'local j = require("json")',
      "W0004 the local j is never read: j",
      "W0006 the module json, which j holds, is never used: j",
    ],
    ['local j = require("json") local x: j.Point? = nil print(x)'],
    ['local _j = require("json")'],
  ],
  W0007: [
    [
      "local x = 1 print(function(x) print(x) end, x)",
      "W0007 x hides another local of that name: x",
    ],
    ["local x = 1 print(x) local x = 2 print(x)", "W0007 x hides another local of that name: x"],
    [
      "local i = 1 for i = 1, 2 do print(i) end print(i)",
      "W0007 i hides another local of that name: i",
    ],
    ["do local x = 1 print(x) end do local x = 1 print(x) end local _ = 1 local _ = 2"],
    ["function table:a() print(function(self) print(self) end, self) end"],
  ],
};

describe.each(Object.entries(cases))("%s", (_, rows) => {
  test.each(rows)("%s", (code, ...found) => {
    expect(parse(code).faults).toEqual([]);
    expect(findings(code)).toEqual(found);
  });
});

test("every rule has cases that find it, and cases that do not", () => {
  for (const code of Object.keys(lintRules)) {
    const rows = cases[code as keyof typeof lintRules];
    expect(rows.some(([, ...found]) => found.some((text) => text.startsWith(code)))).toBeTrue();
    expect(rows.some(([, ...found]) => found.length === 0)).toBeTrue();
  }
});
