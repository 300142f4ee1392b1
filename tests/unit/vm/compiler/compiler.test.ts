import { beforeAll, describe, expect, test } from "bun:test";
import { fn, makeVm } from "../make_vm.ts";
import { Differences } from "./differences.ts";

/** Each shows what it does with `show`; by what it is about. */
const PROGRAMS: Record<string, string> = {
  "integers and floats": `
    local function f(a, b)
      return a + b, a - b, a * b, a / b, a % b, a // b, a ^ b, -a, a < b, a <= b, a == b, a & 3, a | 1, a << 2, a >> 1
    end
    for _, p in ipairs { { 7, 3 }, { -7, 3 }, { 7, -3 }, { -8, -1 }, { math.mininteger, -1 }, { "10", 2 }, { 4.0, 2 } } do
      show(f(p[1], p[2]))
    end
    show(pcall(f, 1, 0))
    show(pcall(f, 1.5, 2))`,
  "numeric loops": `
    local function f(a, b, c)
      local n, last = 0
      for i = a, b, c do n, last = n + 1, i if n > 8 then break end end
      show(n, last)
    end
    f(1, 5, 1) f(5, 1, -2) f(1, 5.5, 1) f(1.0, 3, 0.5) f(3, 1, 1) f(1, math.huge, 1) f(1, -math.huge, 1) f(1, 0/0, 1)
    f(math.maxinteger - 1, math.maxinteger, 1) f(math.maxinteger, 1e300, -1) f(math.mininteger, -1e300, -1)
    show(pcall(f, 1, 2, 0)) show(pcall(f, "x", 2, 1)) show(pcall(f, 1, {}, 1))`,
  "errors have their positions and names": `
    local up
    local function index(t) return t.x.y end
    local function method(t) return t:none() end
    local function compare(a) return a < 1 end
    local function concat(a) return a .. {} end
    local function upvalue() return up.x end
    local function call() undefined(1) end
    for _, f in ipairs { index, method, compare, concat, upvalue, call } do
      show(pcall(f, {}))
      show(pcall(f))
    end
    show(select(2, xpcall(index, debug.traceback, {})))`,
  "variables that a debugger changes": `
    local function set() debug.setlocal(2, 1, "changed") debug.setlocal(3, 2, "too") end
    local function inner(a) set() return a end
    local function outer(x, n) n = 1 for i = 1, 3 do show(inner(i)) if n == "too" then return n end n = n + 1 end end
    show(outer(1))`,
  "yields in loops, calls and metamethods": `
    local function leaf(x) return coroutine.yield(x) + 1 end
    local function loop(n) local s = 0 for i = 1, n do s = s + leaf(i) end return s end
    local t = setmetatable({}, { __lt = function() return coroutine.yield("lt") end })
    local g = coroutine.wrap(function() local s = loop(5) return s, t < t, loop(2) end)
    local v = g()
    while type(v) == "number" and v < 6 do v = g(v * 2) show(v) if v == "lt" then show(g(true)) end end`,
  "varargs, closures and closing": `
    local function f(...) local a, b = ... return select("#", ...), a, b, ... end
    show(f()) show(f(1)) show(f(1, nil, 3))
    local fs = {}
    for i = 1, 3 do local c = i fs[i] = function(d) c = c + d return c end end
    show(fs[1](5), fs[2](5), fs[1](1))
    do local x <close> = setmetatable({}, { __close = function() show("closed") end }) show("open") end`,
  "pairs over what is changed": `
    local t = { 1, 2, 3, a = 1, b = 2 }
    for k, v in pairs(t) do t[k] = nil show(k, v) end
    show(next(t))
    show(pcall(function() for k in next, {}, "none" do end end))
    for i, v in ipairs { 1, 2, nil, 4 } do show(i, v) end`,
};

/** The same, with thousands of calls in each other. */
const DEEP: Record<string, string> = {
  "deep recursion, tail calls and overflow": `
    local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
    local function tail(n, a) if n == 0 then return a end return tail(n - 1, a + 1) end
    local function endless(n) return 1 + endless(n) end
    show(deep(10), deep(20000), tail(50000, 0), (select(2, pcall(endless, 1)):gsub("^.-: ", "")))`,
  "metamethods that recurse through C": `
    local M = {}
    M.__index = function(t, k) if k == 0 then return 0 end return setmetatable({}, M)[k - 1] + 1 end
    show(setmetatable({}, M)[150])
    show(pcall(function() return setmetatable({}, M)[100000] end))`,
};

describe("compiled functions do what interpreted ones do", () => {
  let differences: Differences;
  beforeAll(async () => {
    differences = await Differences.start();
  });

  for (const slice of [40, 10_000_000]) {
    test.each(Object.entries(PROGRAMS))(`%s, stopped after ${slice} units of fuel`, (_, source) => {
      const { interpreted, compiled } = differences.run(`collectgarbage("stop")\n${source}`, slice);
      expect(compiled).toEqual(interpreted);
    });
  }

  // Preemption visits every frame, so that these are not stopped often. Rounds of C loops burn a sixteenth of a unit,
  // counted in 1,024; some of the interpreter's loops count otherwise than ours.
  test.each(Object.entries(DEEP))("%s", (_, source) => {
    const { interpreted, compiled } = differences.run(
      `collectgarbage("stop")\n${source}`,
      10_000_000,
    );
    expect(compiled.with(2, 0)).toEqual(interpreted.with(2, 0));
    expect(Math.abs(Number(compiled[2]) - Number(interpreted[2]))).toBeLessThan(10_000);
  });
});

describe("hot functions", () => {
  const hot = `
    local function count(n) local s = 0 for i = 1, n do s = s + i end return s end
    local co = coroutine.create(function() return count(100000) end)
    host.slice(1000)
    local slices = 0
    while host.resume(co) == 3 do slices = slices + 1 end
    return slices`;

  test("are compiled at the beginning of a turn, and then run at once", async () => {
    const vm = await makeVm({ jit: true });
    const run = fn(vm, "", hot);
    const before = vm.call(run);
    expect(vm.compiled()?.functions).toBe(0);
    // Two samples are enough, one for each quantum of fuel.
    vm.beginTurn();
    expect(vm.compiled()?.functions).toBe(1);
    expect(vm.call(run)).toEqual(before);
  });

  test("are not compiled unless it is switched on", async () => {
    const vm = await makeVm();
    vm.call(fn(vm, "", hot));
    vm.beginTurn();
    expect(vm.compiled()).toBeUndefined();
  });

  test("leave no code behind when they are collected", async () => {
    const vm = await makeVm({ jit: true });
    vm.compileAll();
    const before = vm.compiled()!;
    for (let round = 0; round < 20; round++) {
      vm.load(`local function gone(n) return n + ${round} end gone(1) held = gone`, "=gone");
      vm.compileAll();
      vm.load(`held = nil collectgarbage() collectgarbage()`, "=collect");
    }
    vm.compileAll();
    const after = vm.compiled()!;
    expect(after.functions).toBeLessThan(before.functions + 6);
    expect(after.bytes).toBeLessThan(before.bytes + 6_000);
  });
});
