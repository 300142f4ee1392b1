import { beforeAll, describe, expect, test } from "bun:test";
import { Differences } from "./differences.ts";

/** Slots that are taken before: a coroutine's stack begins with 40, and calls of C functions want 20. */
const MOST_TAKEN = 64;

/** What each part may use: `O` has every metamethod, `P` is called, `many` are values. */
const BEFORE = `
local function meta(x, y) local a, b, c return a, b, c end
local M = { __index = meta, __newindex = meta, __len = meta, __call = function(self, ...) return ... end }
for _, event in ipairs { "add", "sub", "mod", "band", "shl", "concat", "unm", "bnot", "eq", "lt", "le" } do
  M["__" .. event] = meta
end
local O, P = setmetatable({}, M), setmetatable({}, M)
local function few(a, b) return b, a end
local function rest(...) return ... end
local function wide(a, b) local c, d, e, f, g, h = a, b, a, b, a, b return g, h end
local function own(x) local n = x return function() n = n + 1 return n end end
`;

/** What may need more slots than there are: instructions that call, and those that take many values. */
const PARTS: Readonly<Record<string, string>> = {
  "a comparison with a metamethod": "local a = O < P",
  "its negation": "if O <= P then show(1) end",
  "a comparison with a number": "local a = O < 1 a = O >= 2.0 a = 1 < O",
  "a comparison of numbers of both kinds": "local a, b = 1, 2.5 a = a < b",
  "a comparison of texts": "local a, b = 'a', 'b' a = a < b b = 'c' <= tostring(b)",
  "an equation": "local a = O == P",
  "arithmetic": "local a = O + P",
  "arithmetic with a number": "local a = O - 1 a = 2 % O a = 3 << O a = O << 3 a = O & 7",
  "a sign": "local a = -O a = ~O",
  "a length": "local a = #O",
  "a concatenation": "local a = O .. 'x' .. P a = 'x' .. O",
  "texts of parts": "local a, b = 1, 'x' a = a .. b .. a .. b .. a .. b",
  "a field": "local a = O.x",
  "a field that is set": "O.x = 1 O[1] = 2 O[P] = 3",
  "a key": "local a = O[1] a = O[P]",
  "a method": "local a = O.none and O:none()",
  "a method of a text": "local a = ('x'):byte(1) a = ('xyz'):sub(2) a = ('x'):rep(3)",
  "a call": "local a = few(1, 2)",
  "a call with too few arguments": "local a = few()",
  "a call with too many arguments": "local a = few(1, 2, 3, 4, 5)",
  "a call of what needs many slots": "local a, b = wide(1, 2)",
  "a call of what takes any number of arguments": "local a, b = rest(1, 2, 3)",
  "a call of a table": "local a, b = O(1, 2)",
  "a call of C": "local a = rawequal(O, P)",
  "a call of C that calls back": "local a = pcall(few, 1, 2)",
  "a call of an intrinsic": "local a, b = math.max(1, 2), select('#', 1, 2)",
  "a call with all results": "local a = few(few(rest(1, 2, 3)))",
  "a tail call": "return few(1, 2)",
  "a tail call of what needs many slots": "return wide(1, 2)",
  "a tail call of what takes any number of arguments": "return rest(1, 2, 3)",
  "a tail call of C": "return rawequal(O, P)",
  "a tail call of a table": "return O(1, 2)",
  "a tail call over variables that are captured":
    "local a = 1 local b = function() return a end return few(b, a)",
  "any number of arguments": "local a, b, c = ...",
  "all arguments": "show(...)",
  "all arguments in a table": "local t = { ... }",
  "a tail call with all arguments": "return wide(...)",
  "results of a call in a table": "local t = { rest(...) }",
  "a loop with pairs": "for k, v in pairs({ 1, x = 2 }) do local a = v end",
  "a loop with ipairs": "for i, v in ipairs({ 1, 2 }) do local a = v end",
  "a loop with an iterator": "for v in few, nil, nil do show(v) end",
  "closures": "local a, b = own(1), function() return O end a() b()",
  "tables": "local t = { 1, 2, 3, { x = { y = 4 } } }",
  "a coroutine": "local c = coroutine.wrap(wide) local a = c(1, 2)",
  "a yield": "local a = coroutine.yield(1)",
  "a variable that is closed over": "do local a = 1 few(function() return a end) end",
};

/** Has the collector make a step whenever it is asked, so that it shows where it is not. */
const COLLECTING = `collectgarbage("incremental", 1, 100, 1)`;
const AS_EVER = `collectgarbage("incremental", 200, 100, 13)`;

/** Runs a part in functions that have taken any number of slots before, each in a coroutine of its own. */
function program(part: string): string {
  const functions = Array.from({ length: MOST_TAKEN }, (_, taken) => {
    const locals = Array.from({ length: taken }, (_, i) => `local v${i}`).join(" ");
    const body = `${locals} do ${part} end`;
    return `function(p, q) ${body.replaceAll("...", "p, q")} end,
      function(...) ${body} end`;
  });
  return `${BEFORE}
    local functions = { ${functions.join(",\n")} }
    for _, f in ipairs(functions) do
      local run = coroutine.wrap(function() f(1, 2, 3, 4, 5, 6, 7) show(collectgarbage("count")) return true end)
      while not run() do end
    end`;
}

describe("compiled code has the room on the stack made where the interpreter has, for", () => {
  let differences: Differences;
  beforeAll(async () => {
    differences = await Differences.start();
  });

  for (const [name, part] of Object.entries(PARTS)) {
    test(name, () => {
      const source = program(part);
      for (const collector of ["collectgarbage('stop')", COLLECTING]) {
        for (const slice of [41, 97, 0x4000_0000]) {
          const { interpreted, compiled } = differences.run(
            `${collector}\n${source}\n${AS_EVER}`,
            slice,
          );
          expect({ collector, slice, compiled }).toEqual({
            collector,
            slice,
            compiled: interpreted,
          });
          expect(interpreted.at(-1)).toEndWith("true nil");
        }
      }
    });
  }
});
