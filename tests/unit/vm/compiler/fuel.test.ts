import { beforeAll, describe, expect, test } from "bun:test";
import { Differences } from "./differences.ts";

/** What is done thousands of times in each program, by what could burn otherwise. */
const PROGRAMS: Readonly<Record<string, string>> = {
  "tail calls with many arguments": `
    local function last(...) return select("#", ...) end
    local function middle(...) return last(...) end
    local many = table.pack(("x"):rep(600):byte(1, -1))
    for i = 1, 3000 do middle(table.unpack(many, 1, i % 600)) end`,
  "variable arguments": `
    local function f(a, ...) local b, c, d = ... return ... end
    local many = table.pack(("x"):rep(700):byte(1, -1))
    for i = 1, 5000 do f(i, i, i) f() local a, b, c, d, e = f(table.unpack(many, 1, i % 700)) end`,
  "constructors of many values": `
    local many = table.pack(("x"):rep(700):byte(1, -1))
    for i = 1, 3000 do local t = { 1, 2, 3, i, table.unpack(many, 1, i % 700) } end`,
  "nil for what is missing": `
    local function none() end
    local function one() return 1 end
    for i = 1, 20000 do local a, b, c, d, e, f, g, h = none() a, b, c, d, e = one() end`,
  "closures over many variables": `
    for i = 1, 5000 do
      local a, b, c, d, e, f, g = 1, 2, 3, 4, 5, 6, i
      local function last() return a + b + c + d + e + f + g end
      local function first() return a, b end
      last() first()
    end`,
  "fields that share their places": `
    local names = {}
    for i = 1, 60 do names[i] = "name" .. i end
    local class = setmetatable({ greet = function() return 1 end }, { __index = { far = 1 } })
    class.__index = class
    for i = 1, 300 do
      local t = setmetatable({}, class)
      t.alpha, t.beta, t.gamma, t.delta, t.epsilon, t.zeta, t.eta, t.theta = 1, 2, 3, 4, 5, 6, 7, 8
      for _, name in ipairs(names) do t[name] = i end
      for _ = 1, 30 do
        t.alpha = t.beta + t.gamma + t.delta + t.epsilon + t.zeta + t.eta + t.theta + t.greet()
        t.missing = t.far or t.nothing
        t.missing = nil
      end
    end`,
  "new fields of small tables": `
    for i = 1, 20000 do
      local t = { id = i, name = "x" }
      t.more = i
      t.id, t.name = nil, nil
      t.other = t
    end`,
  "texts of parts": `
    local t = {}
    for i = 1, 20000 do t[i % 100 + 1] = "key" .. i .. "/" .. i % 7 .. "." end
    for i = 1, 2000 do t[i % 100 + 1] = t[(i + 1) % 100 + 1] .. i * 0.5 .. t[(i + 2) % 100 + 1]:sub(1, 30) end`,
  "functions of the library": `
    local functions = { math.abs, math.ceil, math.floor, math.max, math.min, math.sqrt, type, tostring }
    local s = ("text"):rep(20)
    for i = 1, 20000 do
      for j = 1, 8 do local a = functions[j](i, 7) a = functions[j](0.5, 1.5) end
      local a, b, c, d = ("text"):byte(2), s:byte(), s:byte(-1), select("#", i, i)
      a, b, c = type(nil), type(s), type(functions)
    end`,
  "keys in hash parts": `
    local t, names = {}, {}
    for i = 1, 40 do names[i] = "key" .. i t[names[i]] = i t[i * 1000] = i t[-i] = i t[2^40 * i // 1 | 0] = i end
    for i = 1, 500 do
      for j = 1, 40 do
        local name = names[j]
        t[name] = t[name] + t[j * 1000] t[j * 1000] = t[-j] t[-j] = t[2^40 * j // 1 | 0] + (t[j + 5000] or 1)
      end
    end`,
  "loops over holes": `
    local t = {}
    for i = 1, 2000 do t[i] = i t["k" .. i] = i end
    for i = 1, 2000, 3 do t[i] = nil t["k" .. i] = nil end
    for _ = 1, 20 do for k, v in pairs(t) do t[k] = v end for i, v in ipairs(t) do t[i] = v end end`,
};

describe("the fuel of thousands of rounds is that of the interpreter", () => {
  let differences: Differences;
  beforeAll(async () => {
    differences = await Differences.start();
  });

  for (const [name, source] of Object.entries(PROGRAMS)) {
    test(name, () => {
      const { interpreted, compiled } = differences.run(
        `collectgarbage("stop")\n${source}`,
        0x4000_0000,
      );
      expect(compiled).toEqual(interpreted);
      expect(interpreted.at(-1)).toBe("true nil");
    });
  }
});

test("a loop makes the room on the stack that a call of its iterator would", async () => {
  const differences = await Differences.start();
  // The loop needs more slots than are left, fewer than the call of a C function, and nothing else makes room.
  const program = `
    local O = setmetatable({ name = "O" }, nil)
    local T = setmetatable({ 1, 2.5, "3", x = 4, y = "five" }, nil)
    local function f1() return T end
    local a, b, c, d = 3, 4.5, T, "x"
    for k, v in pairs(T) do
      d = v
      do local z = math.mininteger a = function(q) z = q return z end a = a((~T.y)) end
    end`;
  const { interpreted, compiled } = differences.run(program, 1_000_000);
  expect(compiled).toEqual(interpreted);
  expect(differences.compiling.vm.memory()).toEqual(differences.interpreting.vm.memory());
});

test("a loop whose iterator has spent the fuel is stopped behind its test, as the interpreter does", async () => {
  const differences = await Differences.start();
  const program = `depth = 0
local M = {}
for _, event in ipairs { "add", "sub", "mul", "div", "mod", "idiv", "band", "shl", "concat", "unm", "call" } do
  M["__" .. event] = function(x, y) depth = depth + 1 return depth end
end
M.__index = function(t, k) if k == "x" then return nil end coroutine.yield(k) return 5 end
local O = setmetatable({ name = "O" }, M)
local T = setmetatable({ 1, 2.5, "3", x = 4, y = "five" }, P)
local function f1(a, b, c) depth = depth + 1 if depth > 60 then return 1 end local d = T
return c end
local a, b, c, d = 3, 4.5, T, "x"
show(O + a, O.q)
for k, v in pairs({ 1, 2, nil, 4 }) do
do local t = { (math.floor(0) + a), a, n = a } show(#t, t.n, select("#", table.unpack(t))) end
end
show(a, b, d, depth, T.n, #T)`;
  for (let slice = 10; slice < 120; slice++) {
    const { interpreted, compiled } = differences.run(program, slice);
    expect({ slice, behaviour: compiled }).toEqual({ slice, behaviour: interpreted });
  }
});
