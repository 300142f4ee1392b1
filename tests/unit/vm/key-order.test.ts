import { expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

test("pairs goes through keys in the order that it always had, on which stored histories depend", async () => {
  const vm = await makeVm();
  const orders = run(
    vm,
    `local function keys(t)
      local all = {}
      for key in pairs(t) do all[#all + 1] = tostring(key) end
      return table.concat(all, " ")
    end
    local grown, shrunk, words = {}, {}, {}
    for i = 1, 12 do grown["f" .. i] = i end
    for i = 1, 40 do shrunk["k" .. i] = i end
    for i = 1, 40 do if i % 4 > 0 then shrunk["k" .. i] = nil end end
    for i = 50, 54 do shrunk["k" .. i] = i end
    for word in ("the quick brown fox jumps over the lazy dog"):gmatch("%a+") do words[word] = true end
    return keys({ a = 1, b = 2, c = 3 }),
      keys({ id = 1, name = 2, price = 3, count = 4, x = 5 }),
      keys({ 1, 2, a = 3, [10] = 4, [1.5] = 5, [true] = 6 }),
      keys(grown), keys(shrunk), keys(words)`,
  );
  expect(orders).toEqual([
    "b a c",
    "price id x name count",
    "1 2 true a 1.5 10",
    "f1 f2 f12 f10 f4 f3 f6 f5 f7 f8 f9 f11",
    "k50 k54 k8 k52 k4 k53 k36 k32 k16 k12 k40 k28 k51 k24 k20",
    "dog quick jumps brown fox lazy over the",
  ]);
});
