import { expect, test } from "bun:test";
import { loadLuaModule } from "../../../src/vm/module.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { run } from "./make_vm.ts";

const MIB = 2 ** 20;

async function smallVm(memoryLimit: number): Promise<Vm> {
  return await Vm.create({ module: await loadLuaModule(), clock: () => 0, memoryLimit });
}

test("blocks of all small sizes keep their content while others come and go", async () => {
  const vm = await smallVm(16 * MIB);
  const [wrong] = run(
    vm,
    `local kept, wrong = {}, 0
    local random = 1
    local function next_random(n)
      random = random * 16807 % 2147483647
      return random % n
    end
    local function make(n)
      local t = {}
      for i = 1, n do t[i] = n end
      for i = 1, n // 3 do t["k" .. i] = n end
      local co = coroutine.wrap(function(a) while true do a = coroutine.yield(a + n) end end)
      return { n = n, text = ("x"):rep(n), t = t, f = function() return t, n end, co = co }
    end
    local function check(each)
      local t, n = each.f()
      if each.text ~= ("x"):rep(n) or #t ~= n or each.co(1) ~= n + 1 then return false end
      for _, v in pairs(t) do if v ~= n then return false end end
      return true
    end
    for round = 1, 20000 do
      local at = next_random(200) + 1
      if kept[at] and not check(kept[at]) then wrong = wrong + 1 end
      kept[at] = next_random(4) > 0 and make(next_random(40)) or nil
    end
    return wrong`,
  );
  expect(wrong).toBe(0);
});

test("small blocks that were freed are there for large ones when memory is short", async () => {
  const vm = await smallVm(8 * MIB);
  const [small, large] = run(
    vm,
    `local function fill(make)
      local n, list = 0, nil
      pcall(function() while true do list = { list, make() } n = n + 1 end end)
      list = nil
      collectgarbage()
      return n
    end
    local small = fill(function() return {} end)
    return small, fill(function() return ("x"):rep(100000) end)`,
  );
  expect(Number(small)).toBeGreaterThan(20_000);
  expect(Number(large)).toBeGreaterThan(15);
});
