import { beforeAll, describe, expect, spyOn, test } from "bun:test";
import { heapStats } from "bun:jsc";
import { jitOfEnvironment } from "../../../../src/vm/options.ts";
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
  "divisions by zero are in their lines": `
    local function f(a, t)
      t.x = 1
      a = a
      t.y = a % (a - a)
    end
    local function g(a, t)
      t.x = 1
      a = a
      t.y = a // (a - a)
    end
    show(select(2, pcall(f, 5, {})))
    show(select(2, pcall(g, 5, {})))
    show(select(2, pcall(f, 5, {})):match(":(%d+):") - select(2, pcall(g, 5, {})):match(":(%d+):"))`,
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
  "fields by __index, of tables, strings and nothing": `
    local Base = { name = "base" }
    Base.__index = Base
    function Base.hello(self, x) return self.name, x end
    local Middle = setmetatable({ __index = false }, Base)
    Middle.__index = Middle
    local Last = setmetatable({}, { __index = function(_, key) return "made " .. key end })
    local o = setmetatable({}, Middle)
    local function look(x) return x.name, x.none, x.long_name_that_is_a_long_string_of_more_than_forty_bytes end
    local function greet(x, y) return x:hello(y) end
    show(look(o)) show(greet(o, 1)) show(look(Last)) show(pcall(greet, Last)) show(pcall(look, 1)) show(pcall(greet, {}))
    show(look("text")) show(("text"):len(), ("%d"):format(7), pcall(function() return ("text"):none() end))
    Base.name = nil show(look(o)) Middle.name = "middle" show(look(o)) rawset(o, "name", 3) show(look(o))
    local strings = getmetatable("") local index = strings.__index
    strings.__index = function(s, key) return s .. key end show(look("a")) strings.__index = nil
    show(pcall(look, "a")) strings.__index = index show(look("a"))
    for n = 15, 18 do
      local first = { name = n }
      for _ = 1, n do first = setmetatable({}, { __index = first }) end
      show(look(first))
    end`,
  "ipairs over arrays, holes and metamethods": `
    local function all(t) local s, n = "", 0 for i, v in ipairs(t) do s, n = s .. tostring(v), i end show(s, n) end
    all {} all { 1, 2, nil, 4 } all { 1, 2, 3, 4, 5, 6, 7, 8, 9 } all { [1] = "a", [2] = "b", [100] = "c" }
    all(setmetatable({ 1 }, { __index = function(_, i) if i < 4 then return i * 10 end end }))
    local t = { 1, 2, 3, 4 } for i, v in ipairs(t) do t[i + 1] = nil t[i] = v + 1 show(i, v, #t) end
    show(pcall(all, nil)) show(pcall(all, 1))
    for i, v, w in ipairs { "x", "y" } do show(i, v, w) end`,
  "appending, holes and lengths": `
    for n = 0, 40 do
      local t = {}
      for i = 1, n do t[#t + 1] = i end
      local before = #t
      for i = n, 1, -3 do t[i] = nil end
      show(before, #t) t[#t + 1] = "x" show(#t, t[#t])
    end
    local log = {}
    local guarded = setmetatable({ 1, 2, 3, nil, 5 }, { __newindex = function(_, k, v) log[#log + 1] = k end })
    guarded[4] = 1 guarded[6] = 1 show(#log, log[1], log[2], guarded[4])
    local keys = setmetatable({}, { __mode = "k" }) keys[1] = {} show(#keys)
    local called = setmetatable({}, { __call = function(_, x) return x end }) show(called(3))
    local late = {} setmetatable(keys, late) show(keys.none) late.__index = { none = "now" } show(keys.none)`,
  "as many results as are wanted": `
    local function none() end
    local function two() return 1, 2 end
    local function kept(x) local function f() return x end return f, x end
    local function pass(...) return ... end
    local a, b, c = two() show(a, b, c)
    a, b, c = none() show(a, b, c)
    a, b, c = pass(1, 2, 3, 4) show(a, b, c)
    two() pass(1, 2) local f, x = kept(7) show(f(), x)
    show(pass(), (pass(1, 2))) show(pass(two()))
    show((function(...) local y = ... return (function() return y end)(), ... end)(5, 6))`,
  "functions of the library with any arguments": `
    local long = ("x"):rep(50) .. "y"
    local values = { 0, 1, -1, 2, 51, 52, -51, -52, 2.5, -2.5, 0.0, -0.0, 1e15, -1e300, 1e300, 2^63, -2^63, 0/0, math.huge,
      -math.huge, math.maxinteger, math.mininteger, "10", "#", "##", "", "text\\0\\200", long, true, false, nil, {}, show,
      setmetatable({}, { __index = {} }), coroutine.create(show), io.stdout }
    local function one(x)
      show(pcall(function() return (math.floor(x)) end)) show(pcall(function() return (math.ceil(x)) end))
      show(pcall(function() return (math.abs(x)) end)) show(pcall(function() return (math.sqrt(x)) end))
      show(pcall(function() local y = math.max(x) return y, math.min(x) end))
      show(pcall(function() return (string.byte(x)), (select(x, 1, 2)) end)) show((type(x)), math.type((math.floor(2.5))))
    end
    local function two(x, y)
      show(pcall(function() local z = math.max(x, y) return z, (math.min(x, y)) end))
      show(pcall(function() return (string.byte(x, y)) end)) show(pcall(function() return (select(x, y)) end))
      show(pcall(function() return (math.floor(x, y)) end), (select("#", x, y)), (math.max(1, 2, y)))
    end
    for i = 1, 36 do one(values[i]) for j = 1, 36, 5 do pcall(two, values[i], values[j]) end end
    local function none(f) local x = f() return x end
    for _, f in ipairs { math.floor, math.ceil, math.abs, math.sqrt, math.max, math.min, string.byte, select, type } do
      show(pcall(none, f)) show(pcall(function() show(f(2.5)) show(f(1), f(2.0), 3) return { f(7) } end))
    end`,
  "functions of the library that are replaced": `
    local function f(x) return (math.floor(x)), (type(x)), (("text"):byte(2)) end
    show(f(2.5))
    local floor, byte = math.floor, string.byte
    math.floor = function(x) return coroutine.yield(x) end show(f(2.5))
    math.floor = setmetatable({}, { __call = function(_, x) return "called", x end }) show(f(2.5))
    math.floor = nil show(pcall(f, 2.5)) math.floor = math.ceil show(f(2.5)) math.floor = floor
    type = function() return "mine", 2 end show(f(2.5)) type = nil show(f(2.5))
    string.byte = function(s, i) return s .. i end show(f(2.5)) string.byte = byte show(f(2.5))`,
  "fields behind others in their chains": `
    local keys = {}
    for i = 1, 40 do keys[i] = "k" .. i end
    local function fill(t) t.a = 1 t.b = 2 t.c = 3 t.d = 4 t.e = 5 t.f = 6 t.g = 7 t.h = 8 return t end
    local function sum(t) return t.a + t.b + t.c + t.d + t.e + t.f + t.g + t.h end
    local function change(t) t.a = t.b t.b = t.c t.c = t.d t.d = t.e t.e = t.f t.f = t.g t.g = t.h t.h = t.a return t end
    local t = fill {} show(sum(t), sum(change(t)))
    for i = 1, 40 do t[keys[i]] = i end show(sum(t), sum(change(t)))
    t.d = nil show(pcall(sum, t)) t.d = 0 show(sum(t)) t.none = nil show(t.none, sum(change(fill(t))))
    setmetatable(t, { __index = function(_, k) return 100 end, __newindex = function(_, k, v) rawset(t, k, v * 2) end })
    t.a, t.c = nil, nil show(sum(t)) change(t) show(sum(t))
    for i = 1, 3000 do fill(t) change(t) end show(sum(t))`,
  "calls with too few arguments, and too many": `
    local function three(a, b, c) return c, b, a end
    local function rest(a, ...) return a, select("#", ...), ... end
    for i = 1, 3 do show(three()) show(three(i)) show(three(i, 2)) show(three(i, 2, 3, 4)) show(rest()) show(rest(i, 2, 3)) end
    local function tail(n, a, b) if n > 0 then return tail(n - 1, b) end return a, b end
    show(tail(3, 1, 2)) show(tail(0))`,
  "pairs over keys of all kinds": `
    local function all(t) local n, s = 0, 0 for k, v in pairs(t) do n = n + 1 s = s + (tonumber(v) or 1) end show(n, s) end
    local t = {}
    for i = 1, 50 do
      t[i] = i t["key " .. i] = i t[i + 0.5] = i t[-i] = i t[("long"):rep(12) .. i] = i all(t)
      if i % 7 == 0 then t[i] = nil t["key " .. i - 1] = nil show(#t) all(t) end
    end
    t[true], t[all], t[t] = 1, 2, 3 all(t)
    for k in pairs(t) do t[k] = nil collectgarbage("step") end all(t)
    for n = 0, 9 do
      local list = {} for i = 1, n do list[#list + 1] = i end
      all(list) for i = n, 1, -2 do list[i] = nil show(#list) all(list) end
    end
    local names = {} for i = 1, 30 do names["n" .. i] = {} end
    local seen = 0 for k in pairs(names) do names[k] = nil seen = seen + 1 if seen % 10 == 0 then collectgarbage() end end
    show(seen, next(names)) names.a = 1 show(next(names)) show(pcall(next, names, "b"))
    show(pcall(function() for k in pairs { a = 1, b = 2 } do show(pcall(next, { c = 1 }, k)) end end))`,
  "keys of all kinds in hash parts": `
    local function get(t, k) return t[k] end
    local function set(t, k, v) t[k] = v return t[k] end
    local keys = { "a", "key", ("long"):rep(20), 0, -1, 1, 2, 7, 100, 2^53, 1.5, 3.0, true, math.maxinteger, math.mininteger,
      2147483647, 2147483648, 4294967297, get }
    for _, meta in ipairs { false, { __index = function(_, k) return "index" end, __newindex = rawset } } do
      local t = setmetatable({}, meta or nil)
      for round = 1, 3 do
        for i, k in ipairs(keys) do show(get(t, k), set(t, k, i * round), get(t, k), set(t, k, { i })) end
        for i, k in ipairs(keys) do if i % 3 == round % 3 then show(set(t, k, nil), get(t, k)) end end
      end
      local queue, first = setmetatable({}, meta or nil), 1
      for last = 1, 60 do
        queue[last] = { last }
        if last % 3 ~= 0 then show(queue[first][1], #queue) queue[first] = nil first = first + 1 end
      end
      for i = first, 60 do show(rawget(queue, i)[1], get(queue, i)[1], get(queue, i + 100)) end
    end
    show(pcall(get, nil, "x")) show(pcall(get, 1, 2)) show(pcall(set, nil, "x", 1)) show(pcall(set, {}, nil, 1))
    show(pcall(set, {}, 0/0, 1), get("text", "len"), get({}, nil))`,
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

  // Preemption visits every frame, so that these are not stopped often.
  test.each(Object.entries(DEEP))("%s", (_, source) => {
    const { interpreted, compiled } = differences.run(
      `collectgarbage("stop")\n${source}`,
      10_000_000,
    );
    expect(compiled).toEqual(interpreted);
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
    expect(vm.compiling?.hot?.figures.functions).toBe(0);
    // Two samples are enough, one for each quantum of fuel.
    vm.beginTurn();
    expect(vm.compiling?.hot?.figures.functions).toBe(1);
    expect(vm.call(run)).toEqual(before);
  });

  test("are compiled by a compiler that is loaded when the VM has run for a while", async () => {
    const vm = await makeVm({ jit: { late: true } });
    const told = Promise.withResolvers<number>();
    vm.compiling!.onCompiled(({ functions }) => told.resolve(functions));
    const run = fn(vm, "", hot);
    const before = vm.call(run);
    vm.beginTurn();
    expect(vm.compiling!.hot).toBeUndefined();
    for (let i = 0; i < 20; i++) expect(vm.call(run)).toEqual(before);
    vm.beginTurn();
    while (!vm.compiling!.hot) await new Promise(setImmediate);
    expect(vm.call(run)).toEqual(before);
    vm.beginTurn();
    expect(await told.promise).toBe(1);
    expect(vm.call(run)).toEqual(before);
  });

  test("of a VM that ends while the compiler is loaded harm nothing", async () => {
    const vm = await makeVm({ jit: { late: true } });
    const run = fn(vm, "", hot);
    for (let i = 0; i < 20; i++) vm.call(run);
    vm.beginTurn();
    vm.close();
    await import("../../../../src/vm/compiler/hot.ts");
    await new Promise(setImmediate);
    expect(vm.compiling!.hot).toBeUndefined();
    expect(() => vm.call(run)).toThrow();
  });

  test("are all compiled, or half of them by a seed, when a test asks for it", async () => {
    const compiled = async (seed?: number) => {
      const vm = await makeVm({
        jit: { all: true, most: Infinity, ...(seed !== undefined && { seed }) },
      });
      const source = Array.from({ length: 64 }, (_, i) => `function f${i}() return ${i} end`);
      vm.call(fn(vm, "", source.join("\n")));
      for (let turn = 0; turn < 3; turn++) vm.beginTurn();
      return vm.compiling!.hot!.figures.functions;
    };
    const all = await compiled();
    expect(all).toBeGreaterThan(64);
    const some = await Promise.all([1, 2, 3, 4].map((seed) => compiled(seed)));
    for (const functions of some) {
      expect(functions).toBeGreaterThan(0.3 * all);
      expect(functions).toBeLessThan(0.7 * all);
    }
    expect(await Promise.all([1, 2, 3, 4].map((seed) => compiled(seed)))).toEqual(some);
  });

  test("are compiled as the environment says", () => {
    const before = process.env["WIPPY_JIT"];
    const say = (mode: string) => {
      process.env["WIPPY_JIT"] = mode;
      return jitOfEnvironment();
    };
    try {
      expect(say("")).toBeUndefined();
      expect(say("off")).toBe(false);
      expect(say("all")).toEqual({ all: true, most: Infinity });
      expect(say("random:17")).toEqual({ all: true, most: Infinity, seed: 17 });
      for (const mode of ["on", "random", "random:", "random:x", "random:1.5", "random:-1"]) {
        expect(() => say(mode)).toThrow(
          new TypeError(`WIPPY_JIT is "${mode}", not off, all or random:SEED`),
        );
      }
    } finally {
      if (before === undefined) delete process.env["WIPPY_JIT"];
      else process.env["WIPPY_JIT"] = before;
    }
  });

  test("are not compiled unless it is switched on", async () => {
    const vm = await makeVm();
    vm.call(fn(vm, "", hot));
    vm.beginTurn();
    expect(vm.compiling).toBeUndefined();
  });

  test("are dropped when their code becomes too much, and compiled again when they are hot", async () => {
    const vm = await makeVm({ jit: { most: 1 } });
    const [first, second] = [fn(vm, "", hot), fn(vm, "", hot.replace("s + i", "s + 2 * i"))];
    const results = [first, second].map((run) => vm.call(run));
    const figures = [];
    for (let round = 0; round < 3; round++) {
      for (const run of [first, second]) {
        vm.beginTurn();
        figures.push(vm.compiling?.hot?.figures);
        expect(vm.call(run)).toEqual(results[run === first ? 0 : 1]!);
      }
    }
    // There is room for one function.
    for (const { functions } of figures.map((each) => each!)) expect(functions).toBeLessThan(2);
    expect(figures.at(-1)!.drops).toBeGreaterThan(1);
    expect(figures.at(-1)!.milliseconds).toBeGreaterThan(0);
  });

  test("a coroutine that is suspended in compiled code goes on when that has been dropped", async () => {
    const vm = await makeVm({ jit: { most: 1 } });
    const source = `
      co = co or coroutine.wrap(function()
        local sum = 0
        while true do for i = 1, 10 do sum = sum + i end coroutine.yield(sum) end
      end)
      return co()`;
    const run = fn(vm, "", source);
    const hotter = fn(vm, "", hot);
    const sums = [];
    for (let round = 0; round < 6; round++) {
      if (round % 2 === 1) vm.compiling!.hot!.compileAll();
      else vm.call(hotter);
      vm.beginTurn();
      sums.push(Number(vm.call(run)[0]));
    }
    expect(sums).toEqual([55, 110, 165, 220, 275, 330]);
    expect(vm.compiling!.hot!.figures.drops).toBeGreaterThan(0);
  });

  test("leave no code behind when they are collected", async () => {
    const vm = await makeVm({ jit: true });
    vm.compiling!.hot!.compileAll();
    const before = vm.compiling!.hot!.figures;
    for (let round = 0; round < 20; round++) {
      vm.load(`local function gone(n) return n + ${round} end gone(1) held = gone`, "=gone");
      vm.compiling!.hot!.compileAll();
      vm.load(`held = nil collectgarbage() collectgarbage()`, "=collect");
    }
    vm.compiling!.hot!.compileAll();
    const after = vm.compiling!.hot!.figures;
    expect(after.functions).toBeLessThan(before.functions + 6);
    // Each round made a module of at least 6,000 bytes.
    expect(after.bytes).toBeLessThan(before.bytes + 16_000);
  });

  test("leave their module behind as long as one of its functions is there", async () => {
    const vm = await makeVm({ jit: true });
    const { hot } = vm.compiling!;
    hot!.compileAll();
    const before = hot!.figures;
    vm.load("function one(n) return n + 1 end function two(n) return n + 2 end", "=pair");
    hot!.compileAll();
    const { functions, bytes } = hot!.figures;
    const without = (name: string) => {
      vm.load(`${name} = nil collectgarbage() collectgarbage()`, "=collect");
      // Nothing is compiled, but what is gone is noticed.
      hot!.compileAll(() => false);
      return hot!.figures;
    };
    const half = without("one");
    expect(half.functions).toBeLessThan(functions);
    expect(half.bytes).toBe(bytes);
    expect(without("two").bytes).toBe(before.bytes);
  });

  test("leave no instances and no slots of the function table behind, however often they are made", async () => {
    const instances = () => {
      Bun.gc(true);
      return heapStats().objectTypeCounts["WebAssembly.Instance"] ?? 0;
    };
    const vm = await makeVm({ jit: { most: 10_000 } });
    const { hot } = vm.compiling!;
    const round = (i: number) => {
      vm.load(`function again(n) return n + ${i} end collectgarbage()`, "=again");
      hot!.compileAll();
    };
    for (let i = 0; i < 10; i++) round(i);
    const before = instances();
    using grow = spyOn(WebAssembly.Table.prototype, "grow");
    for (let i = 0; i < 300; i++) round(i);
    expect(hot!.figures.drops).toBeGreaterThan(100);
    expect(grow.mock.calls.length).toBeLessThan(5);
    // What is on the engine's own stack may be kept for a while.
    expect(instances()).toBeLessThan(before + 10);
  });
});
