import { describe, expect, test } from "bun:test";
import { loadLuaModule } from "../../../../src/vm/module.ts";
import { Vm } from "../../../../src/vm/vm.ts";
import { makeVm, run } from "../make_vm.ts";
import { inKernel } from "../../kernel/in-kernel.ts";
import { random, same } from "./lua_values.ts";

describe("the native deep copy", () => {
  test("makes what the copy in Lua makes, of random values", async () => {
    const [copied, left, differences] = await inKernel(`
      ${same}
      ${random}
      local copies = use("kernel/core/copy")
      local channel, errors = use("kernel/messaging/channel"), use("kernel/core/errors")
      local copied, left, differences = 0, 0, {}
      for seed = 1, 4000 do
        local value = random_value(seed, {
          function() return function() end end,
          function() return coroutine.create(print) end,
          function() return channel.new(1) end,
          function() return errors.make("Invalid", "e", false, { field = { 1 } }) end,
        })
        if type(value) ~= "table" then value = { value } end
        local fast = host.copy(value)
        if fast then
          copied = copied + 1
          if not same(fast, copies.copy_in_lua(value)) then differences[#differences + 1] = seed end
          if shares(value, fast) then differences[#differences + 1] = "shares " .. seed end
          -- It is a table like any other: it grows, shrinks and is collected.
          for i = 1, 40 do fast["k" .. i] = i end
          for i = 1, 40 do assert(fast["k" .. i] == i) fast["k" .. i] = nil end
        else
          left = left + 1
        end
        if not same(copies.copy(value), copies.copy_in_lua(value)) then
          differences[#differences + 1] = "copy " .. seed
        end
        if seed % 200 == 0 then
          collectgarbage(seed % 400 == 0 and "generational" or "incremental")
          collectgarbage()
        end
      end
      return copied, left, differences`);
    expect(Object.values(differences!)).toEqual([]);
    expect(Number(copied)).toBeGreaterThan(2000);
    expect(Number(left)).toBeGreaterThan(200);
  }, 60_000);

  test("keeps cycles and what is shared", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local t = { name = "t", list = { 1, 2 } }
      t.self, t.again, t.list.up = t, t.list, t
      local c = host.copy(t)
      return c ~= t, c.self == c, c.again == c.list, c.list ~= t.list, c.list.up == c, #c.list`,
    )).toEqual([true, true, true, true, true, 2]);
  });

  test("leaves functions and coroutines out, and the rest of their table as it is", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local c = host.copy({ print, 2, f = print, co = coroutine.create(print), n = 1 })
      return c[1], c[2], c.f, c.co, c.n, getmetatable(c)`,
    )).toEqual([undefined, 2, undefined, undefined, 1, undefined]);
  });

  test.each([
    ["what is no table", "1"],
    ["an object of the kernel", "setmetatable({}, host.mark({ true }))"],
    ["an object inside", "{ { setmetatable({}, host.mark({ true })) } }"],
    ["what has a metatable with a metatable", "setmetatable({}, setmetatable({}, {}))"],
    ["a weak table", "setmetatable({}, { __mode = 'v' })"],
    ["a table as key", "{ [{}] = 1 }"],
    ["a function as key", "{ [print] = 1 }"],
    ["129 levels", "(function() local t = {} for _ = 1, 128 do t = { t } end return t end)()"],
    ["more than is copied at once", "table.pack(string.byte(('x'):rep(70000), 1, 70000))"],
  ])("leaves %s to Lua", async (_, value) => {
    const vm = await makeVm();
    expect(run(vm, `return select("#", host.copy(${value}))`)).toEqual([0]);
  });

  test("copies 128 levels and tables with plain metatables", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local t = {} for _ = 1, 127 do t = { t } end
      local c, n = host.copy(t), 0
      while c do c, n = c[1], n + 1 end
      local plain = host.copy(setmetatable({ 5 }, { __index = { x = 1 } }))
      return n, plain[1], plain.x`,
    )).toEqual([128, 5, 1]);
  });

  test("burns fuel", async () => {
    const vm = await makeVm();
    const [small, large] = run(
      vm,
      `local function burnt(t)
        local co = coroutine.create(function() for _ = 1, 100 do host.copy(t) end end)
        host.slice(100000000)
        host.resume(co)
        return host.burnt(co) // 100
      end
      local large = {} for i = 1, 10000 do large[i] = i end
      return burnt({}), burnt(large)`,
    );
    expect(Number(small)).toBeLessThan(100);
    expect(Number(large)).toBeGreaterThan(10_000);
  });

  test.each(["incremental", "generational"])(
    "is whole or not at all where memory is short, %s",
    async (mode) => {
      const vm = await Vm.create({
        module: await loadLuaModule(),
        clock: () => 0,
        memoryLimit: 6 * 2 ** 20,
      });
      const [done, failed] = run(
        vm,
        `local function same(a, b)
          if type(a) ~= "table" then return a == b end
          for k, v in next, a do if not same(v, b[k]) then return false end end
          for k in next, b do if a[k] == nil then return false end end
          return true
        end
        collectgarbage(...)
        local function make(n, depth)
          local t = {}
          for i = 1, n do
            t[i] = depth > 0 and make(n, depth - 1) or "text number " .. i
            t["key" .. i] = i * 1.5
          end
          return t
        end
        local value = make(5, 3)
        local ballast
        local function take() while true do ballast = { ballast } end end
        local function fill()
          pcall(take)
          for _ = 1, 150 do ballast = ballast and ballast[1] end
        end
        fill()
        local done, failed, kept = 0, 0, { 1, 2, 3 }
        kept[1], kept[2], kept[3] = nil, nil, nil
        for round = 1, 300 do
          for i = 1, round % 7 == 0 and 2000 or 150 do ballast = ballast and ballast[1] end
          local ok, copy = pcall(host.copy, value)
          if ok then
            -- Room for the stack, which grows without a collection.
            for _ = 1, 2000 do ballast = ballast and ballast[1] end
            collectgarbage()
            assert(same(value, copy), "the copy differs")
            fill()
            done = done + 1
            kept[#kept + 1] = copy
            if #kept == 3 then
              for i = 1, 3 do assert(same(value, kept[i]), "a kept copy differs") end
              kept[1], kept[2], kept[3] = nil, nil, nil
              fill()
            end
          else
            failed = failed + 1
            assert(copy == "not enough memory", copy)
          end
        end
        return done, failed`,
        mode,
      );
      expect(Number(done)).toBeGreaterThan(30);
      expect(Number(failed)).toBeGreaterThan(30);
    },
  );
});
