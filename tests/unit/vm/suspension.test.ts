import { describe, expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

describe("host.resume and host.park", () => {
  test("tell how a unit stopped", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local co = coroutine.create(function(a)
        local b, c = host.park()
        local d = coroutine.yield(a + b + c)
        error({ d })
      end)
      local s1, r1 = host.resume(co, 1)
      local s2, r2 = host.resume(co, 10, 100)
      local s3, r3 = host.resume(co, "d")
      local s4, r4 = host.resume(co)
      return s1, r1, s2, r2, s3, r3[1], s4, r4`,
    )).toEqual([2, undefined, 1, 111, -1, "d", -1, "cannot resume dead coroutine"]);
  });

  test("pass arguments in and results out", async () => {
    const vm = await makeVm();
    const body =
      `return host.resume(coroutine.create(function(...) return select("#", ...), ... end),
      1, nil, "x", nil)`;
    expect(run(vm, body)).toEqual([0, 4, 1, undefined, "x", undefined]);
  });

  test("nest: a unit's own units have their own suspensions", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local inner = coroutine.create(function() return host.park() end)
      local outer = coroutine.create(function()
        local a = host.resume(inner)
        local b = host.park()
        local c, d = host.resume(inner, b)
        return a, c, d
      end)
      local s = host.resume(outer)
      return s, host.resume(outer, "value")`,
    )).toEqual([2, 0, 2, 0, "value"]);
  });

  test("a failed unit keeps its stack for a traceback", async () => {
    const vm = await makeVm();
    const [status, trace] = run(
      vm,
      `local co = coroutine.create(function()
        local function inner() error("deep") end
        inner()
      end)
      local status, message = host.resume(co)
      return status, host.traceback(co, message)`,
    );
    expect(status).toBe(-1);
    expect(trace).toContain("test:code:3: deep");
    expect(trace).toContain("in local 'inner'");
  });

  test("refuse what is no coroutine", async () => {
    const vm = await makeVm();
    expect(run(vm, `return pcall(host.resume, 1)`)[1]).toContain("thread expected, got number");
  });
});

describe("a park passes through the application's own coroutines", () => {
  const pulls = [
    [
      "a wrapped generator",
      `local g = coroutine.wrap(generator) local n = g() while n do s = s .. n n = g() end`,
    ],
    ["a generic for", `for n in coroutine.wrap(generator) do s = s .. n end`],
    [
      "coroutine.resume",
      `local co = coroutine.create(generator)
      while true do local ok, n = coroutine.resume(co) if not n then break end s = s .. n end`,
    ],
    [
      "two generators deep",
      `local outer = coroutine.wrap(function()
        for n in coroutine.wrap(generator) do coroutine.yield(n) end
      end)
      for n in outer do s = s .. n end`,
    ],
    ["pcall", `for n in coroutine.wrap(function() pcall(generator) end) do s = s .. n end`],
    [
      "a metamethod",
      `local g = coroutine.wrap(generator)
      local t = setmetatable({}, { __index = function() return g() end })
      for i = 1, 3 do s = s .. t.next end`,
    ],
  ] as const;

  test.each(pulls)("%s", async (_, pull) => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local function generator()
        for i = 1, 3 do coroutine.yield(i .. tostring(host.park())) end
      end
      local unit = coroutine.create(function() local s = "" ${pull} return s end)
      local statuses = {}
      local passed = { "start", "a", "b", "c" }
      for i, value in ipairs(passed) do
        local status, result = host.resume(unit, value)
        statuses[i] = status
        if status == 0 then return statuses, result end
      end`,
    )).toEqual([[2, 2, 2, 0], "1a2b3c"]);
  });

  test("the coroutine counts as running meanwhile", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local generator = coroutine.create(function() return host.park() end)
      local wrapped
      local wrapper = coroutine.create(function() wrapped = coroutine.wrap(host.park) return wrapped() end)
      local unit = coroutine.create(function() return coroutine.resume(generator) end)
      host.resume(unit)
      host.resume(wrapper)
      local other = coroutine.create(function()
        return coroutine.status(generator), select(2, coroutine.resume(generator, "wrong")),
          select(2, pcall(coroutine.close, generator)), select(2, pcall(wrapped, "wrong"))
      end)
      local seen = { select(2, host.resume(other)) }
      return seen, host.resume(unit, "right")`,
    )).toEqual([
      [
        "normal",
        "cannot resume non-suspended coroutine",
        "cannot close a normal coroutine",
        "cannot resume non-suspended coroutine",
      ],
      0,
      true,
      "right",
    ]);
  });

  test("an error after it is raised in the generator's caller", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local unit = coroutine.create(function()
        local g = coroutine.wrap(function() host.park() error("late") end)
        return pcall(g)
      end)
      return host.resume(unit), host.resume(unit)`,
    )).toEqual([2, 0, false, "test:code:3: late"]);
  });
});

describe("where nothing may stop", () => {
  const places = [
    ["a sort comparator", `table.sort({ 2, 1 }, function() host.park() end)`],
    ["a gsub callback", `("x"):gsub("x", function() host.park() end)`],
    [
      "a generator under a comparator",
      `table.sort({ 2, 1 }, function() coroutine.wrap(function() host.park() end)() end)`,
    ],
    ["__tostring", `tostring(setmetatable({}, { __tostring = function() host.park() end }))`],
  ] as const;

  test.each(places)("%s: parking raises an error", async (_, code) => {
    const vm = await makeVm();
    const [status, ok, message] = run(
      vm,
      `return host.resume(coroutine.create(function() return pcall(function() ${code} end) end))`,
    );
    expect([status, ok]).toEqual([0, false]);
    expect(message).toContain("attempt to yield across a C-call boundary");
  });

  test("parking works again afterwards", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local co = coroutine.create(function()
        pcall(table.sort, { 2, 1 }, function() coroutine.wrap(host.park)() end)
        return host.park()
      end)
      return host.resume(co), host.resume(co, "on")`,
    )).toEqual([2, 0, "on"]);
  });

  test("host.call_unyieldable keeps everything inside", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local co = coroutine.create(function()
        local r = { host.call_unyieldable(function(a) return a + 1, "b" end, 1) }
        r[4], r[5] = host.call_unyieldable(coroutine.yield)
        return r
      end)
      return select(2, host.resume(co))`,
    )).toEqual([[true, 2, "b", false, "attempt to yield across a C-call boundary"]]);
  });

  test("parking outside of a unit raises an error", async () => {
    const vm = await makeVm();
    expect(run(vm, `return pcall(host.park)`)).toEqual([
      false,
      "attempt to yield from outside a coroutine",
    ]);
  });
});

describe("host.close", () => {
  test("closes a parked unit, its variables first", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local log = {}
      local co = coroutine.create(function()
        local a <close> = setmetatable({}, { __close = function() log[#log + 1] = "a" end })
        local b <close> = setmetatable({}, { __close = function() log[#log + 1] = "b" end })
        host.park()
      end)
      host.resume(co)
      return host.close(co), coroutine.status(co), log`,
    )).toEqual([true, "dead", ["b", "a"]]);
  });
});
