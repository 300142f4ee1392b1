import { describe, expect, test } from "bun:test";
import { VmTrap } from "../../../src/vm/vm.ts";
import { makeVm, run } from "./make_vm.ts";

const ENDLESS = [
  ["while", `while true do end`],
  ["repeat", `repeat until false`],
  ["goto", `::again:: goto again`],
  ["numeric for", `for i = 1, math.huge do end`],
  ["generic for", `for _ in function() return 1 end do end`],
  ["tail calls", `local function f() return f() end f()`],
  ["mutual tail calls", `local f, g function f() return g() end function g() return f() end f()`],
  ["a call in a loop", `local function f() end while true do f() end`],
  ["a C function in a loop", `while true do math.abs(1) end`],
  ["pcall in a loop", `while true do pcall(error) end`],
  ["inside pcall", `pcall(function() while true do end end)`],
  ["inside xpcall", `xpcall(function() while true do end end, print)`],
  ["a generator", `coroutine.wrap(function() while true do end end)()`],
  [
    "a generator's caller",
    `local g = coroutine.wrap(function() while true do coroutine.yield() end end) while true do g() end`,
  ],
  [
    "a generator in pcall in a generator",
    `coroutine.wrap(function() pcall(coroutine.wrap(function() while true do end end)) end)()`,
  ],
  [
    "a metamethod",
    `local t = setmetatable({}, { __index = function() while true do end end }) return t.x`,
  ],
  [
    "a closing method",
    `do local c <close> = setmetatable({}, { __close = function() while true do end end }) end`,
  ],
  ["a vararg function", `local function f(...) while true do local a = ... end end f(1, 2)`],
] as const;

describe("a unit that does not stop by itself", () => {
  test.each(ENDLESS)("%s: its fuel is spent again and again", async (_, code) => {
    const vm = await makeVm();
    expect(run(
      vm,
      `host.slice(1000)
      local co = coroutine.create(function() ${code} end)
      local statuses = {}
      for i = 1, 5 do statuses[i] = host.resume(co) end
      return statuses, host.fuel(), host.close(co)`,
    )).toEqual([[3, 3, 3, 3, 3], 0, true]);
  });

  test("its result is what it would be without", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local function work()
        local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
        local s = 0
        for i in coroutine.wrap(function() for i = 1, 300 do coroutine.yield(i) end end) do s = s + i end
        local t = {}
        for i = 1, 300 do t[i] = (i * 7919) % 301 end
        table.sort(t, function(a, b) return a < b end)
        return fib(15), s, table.concat(t, ","):len(), select(2, pcall(error, "e", 0))
      end
      local expected = table.pack(work())
      host.slice(50)
      local co, slices = coroutine.create(work), 0
      local r
      repeat r = table.pack(host.resume(co)) slices = slices + 1 until r[1] ~= 3
      for i = 1, expected.n do assert(r[i + 1] == expected[i]) end
      return r[1], r.n, slices > 10`,
    )).toEqual([0, 5, true]);
  });

  test("the same fuel stops at the same place", async () => {
    const body = `host.slice(777)
      local n = 0
      local co = coroutine.create(function() while true do n = n + 1 end end)
      local seen = {}
      for i = 1, 5 do host.resume(co) seen[i] = n end
      return seen`;
    const first = run(await makeVm(), body);
    expect(run(await makeVm(), body)).toEqual(first);
    expect((first[0] as number[])[0]).toBeGreaterThan(0);
  });

  test("what a slice leaves can be read", async () => {
    const vm = await makeVm();
    const [left] = run(
      vm,
      `host.slice(1000) host.resume(coroutine.create(function() for i = 1, 100 do end end)) return host.fuel()`,
    );
    expect(left).toBeGreaterThan(850);
    expect(left).toBeLessThan(950);
  });
});

describe("code that cannot yield", () => {
  const stuck = [
    ["a sort comparator", `table.sort({ 3, 2, 1 }, function() while true do end end)`],
    ["a gsub callback", `("x"):gsub("x", function() while true do end end)`],
    [
      "a generator under a comparator",
      `table.sort({ 3, 2, 1 }, function() coroutine.wrap(function() while true do end end)() end)`,
    ],
    [
      "call_unyieldable",
      `error(select(2, host.call_unyieldable(function() while true do end end)), 0)`,
    ],
    ["table.move", `table.move({}, 1, 1 << 40, 2)`],
    [
      "table.insert through __len",
      `table.insert(setmetatable({}, { __len = function() return 1 << 40 end }), 1, 1)`,
    ],
    ["a pattern", `("a"):rep(40):find(("a-"):rep(20) .. "b")`],
  ] as const;

  test.each(stuck)("%s: an error is raised after a while", async (_, code) => {
    const vm = await makeVm();
    const [status, ok, message, after] = run(
      vm,
      `host.slice(1000)
      local co = coroutine.create(function()
        local ok, message = pcall(function() ${code} end)
        return ok, message, "goes on"
      end)
      local r
      repeat r = table.pack(host.resume(co)) until r[1] ~= 3
      return table.unpack(r)`,
    );
    expect([status, ok, after]).toEqual([0, false, "goes on"]);
    expect(message).toContain("ran too long where it cannot yield");
  });

  test("one that catches the errors meets the next where it does not", async () => {
    const vm = await makeVm();
    const [status, message] = run(
      vm,
      `host.slice(1000)
      local co = coroutine.create(function()
        table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) end end)
      end)
      local r
      repeat r = table.pack(host.resume(co)) until r[1] ~= 3
      return table.unpack(r)`,
    );
    expect(status).toBe(-1);
    expect(message).toContain("ran too long where it cannot yield");
    expect(run(vm, "return 1")).toEqual([1]);
  });

  test("after such an error, which was caught, others are not taken for it", async () => {
    const vm = await makeVm();
    const [status, ok, found] = run(
      vm,
      `host.slice(1000)
      local co = coroutine.create(function()
        pcall(table.move, {}, 1, 1 << 40, 2)
        return pcall(string.find, ("a"):rep(20000), "b.")
      end)
      local r
      repeat r = table.pack(host.resume(co)) until r[1] ~= 3
      return table.unpack(r)`,
    );
    expect([status, ok, found]).toEqual([0, true, undefined]);
  });

  test("the kernel's own calls meet no such error", async () => {
    const vm = await makeVm();
    const [trusted] = vm.load(
      "return function(s) return s:find('b.') end",
      "=lua/kernel/test",
    );
    const [status, ok, found] = run(
      vm,
      `local find = ...
      host.slice(1000)
      local co = coroutine.create(function()
        local caught
        pcall(table.sort, { 3, 2, 1 }, function()
          -- Nearly all that may be burnt in here; the rest is burnt in the kernel.
          for _ = 1, 99990000 do end
          caught = table.pack(pcall(find, ("a"):rep(100000)))
          error("enough")
        end)
        return table.unpack(caught, 1, caught.n)
      end)
      local r
      repeat r = table.pack(host.resume(co)) until r[1] ~= 3
      return table.unpack(r)`,
      trusted!,
    );
    expect([status, ok, found]).toEqual([0, true, undefined]);
  });

  test("a finalizer without end, which cannot be given an error, ends the VM", async () => {
    const vm = await makeVm();
    const body = `host.slice(1000)
      host.resume(coroutine.create(function()
        setmetatable({}, { __gc = function() while true do end end })
        collectgarbage()
      end))`;
    expect(() => run(vm, body)).toThrow(VmTrap);
    expect(() => run(vm, "return 1")).toThrow(VmTrap);
  });

  test("code outside of any unit has no limit", async () => {
    const vm = await makeVm();
    expect(run(vm, `host.slice(10) local n = 0 for i = 1, 3e6 do n = n + 1 end return n`))
      .toEqual([3_000_000]);
  });
});

describe("the kernel's own code", () => {
  const loop = "return function() local n = 0 for i = 1, 10000 do n = n + i end return n end";
  const resume = `local body = ...
    host.slice(100)
    local co = coroutine.create(body)
    local turns = 0
    repeat
      local status, value = host.resume(co)
      turns = turns + 1
    until status ~= 3
    return turns`;

  test("is not stopped between two of its instructions", async () => {
    const vm = await makeVm();
    const [trusted] = vm.load(loop, "=lua/kernel/test");
    const [application] = vm.load(loop, "=luas:test");
    expect(run(vm, resume, trusted!)).toEqual([1]);
    expect(Number(run(vm, resume, application!)[0])).toBeGreaterThan(10);
  });

  test("is stopped as soon as it is back in the application", async () => {
    const vm = await makeVm();
    const [trusted] = vm.load(loop, "=lua/kernel/test");
    const [caller] = vm.load(
      "local f = ... return function() for _ = 1, 3 do f() end end",
      "=app:x",
      trusted!,
    );
    expect(Number(run(vm, resume, caller!)[0])).toBeGreaterThan(1);
  });

  test("gives others their turn where it says so", async () => {
    const vm = await makeVm();
    const [pausing] = vm.load(
      "return function() for i = 1, 5 do host.pause() end end",
      "=lua/kernel/test",
    );
    expect(run(vm, resume, pausing!)).toEqual([6]);
    expect(run(vm, "host.pause() return 1")).toEqual([1]);
  });
});

describe("a slice", () => {
  /** Resumes `code` once with a slice of a million units and answers the status and the fuel left. */
  const once = (code: string) =>
    `host.slice(1000000)
    local co = coroutine.create(function() ${code} end)
    local status = host.resume(co)
    return status, host.fuel()`;

  test("ends by the clock where instructions are slow", async () => {
    let time = 1000;
    const vm = await makeVm({ clock: () => time++ });
    expect(run(vm, once("while true do end"))).toEqual([3, 0]);
    // Eight looks at the clock, a quantum each, not a million units.
    expect(time).toBeLessThan(1020);
  });

  test("goes by fuel alone while the clock stands still", async () => {
    const vm = await makeVm();
    const [status, left] = run(vm, once("for i = 1, 100000 do end"));
    expect(status).toBe(0);
    expect(Number(left)).toBeGreaterThan(800_000);
    expect(run(vm, once("for i = 1, 2000000 do end"))).toEqual([3, 0]);
  });

  test.each([
    ["an exception", "pcall(string.rep)", 500],
    ["an error", "pcall(error, 'x')", 50_000],
    ["a large text", '_ = ("x"):rep(1000000)', 70],
    ["a long search", 'text = text or ("x"):rep(1000000) text:find("y", 1, true)', 70],
    ["a large table", "_ = table.pack(string.byte(('x'):rep(100000), 1, 1000))", 700],
  ])("%s costs more than an instruction", async (_, code, most) => {
    const vm = await makeVm();
    const body = `local n = 0 while true do ${code} n = n + 1 count = n end`;
    expect(run(vm, once(body))[0]).toBe(3);
    expect(Number(run(vm, "return count")[0])).toBeLessThan(most);
  });
});

test("what a coroutine has not burnt when its time is over is not counted", async () => {
  let time = 0;
  const vm = await makeVm({ clock: () => time += 3 });
  const [status, burnt] = run(
    vm,
    `host.slice(1000000)
    local co = coroutine.create(function() while true do end end)
    return host.resume(co), host.burnt(co)`,
  );
  expect(status).toBe(3);
  expect(Number(burnt)).toBeGreaterThan(4096);
  expect(Number(burnt)).toBeLessThan(100_000);
});

test("what a coroutine burns is counted until somebody asks", async () => {
  const vm = await makeVm();
  const [[spent, held, afterwards, small]] = run(
    vm,
    `host.slice(100000)
    local loop = coroutine.create(function() for i = 1, 250000 do end host.park() end)
    for i = 1, 3 do host.resume(loop) end
    local parking = coroutine.create(function() while true do host.park() end end)
    for i = 1, 10 do host.resume(parking) end
    return { host.burnt(loop), coroutine.status(loop), host.burnt(loop), host.burnt(parking) }`,
  ) as [[number, string, number, number]];
  expect(spent).toBeGreaterThan(250_000);
  expect(spent).toBeLessThan(251_000);
  expect(held).toBe("normal");
  expect(afterwards).toBe(0);
  expect(small).toBe(160);
});
