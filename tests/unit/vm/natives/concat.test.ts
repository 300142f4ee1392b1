import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

test("short strings and integers are joined as string.format joins them", async () => {
  const vm = await makeVm();
  const wrong = run(
    vm,
    `local values = { "", "a", "key", ("x"):rep(7), ("y"):rep(8), ("z"):rep(9), ("long"):rep(10), ("w"):rep(41),
      0, 1, -1, 9, 10, 99, 100, -100, 4294967295, 4294967296, -4294967296, math.maxinteger, math.mininteger }
    local function text(v) return math.type(v) and ("%d"):format(v) or v end
    local wrong = {}
    for _, a in ipairs(values) do
      for _, b in ipairs(values) do
        if a .. b ~= ("%s%s"):format(text(a), text(b)) then wrong[#wrong + 1] = text(a) .. " " .. text(b) end
        for _, c in ipairs(values) do
          local joined = a .. b .. c
          if joined ~= ("%s%s%s"):format(text(a), text(b), text(c)) then wrong[#wrong + 1] = joined end
          -- A key of a table is found by its address: equal short strings must be one.
          if ({ [joined] = true })[text(a) .. text(b) .. text(c)] ~= true then wrong[#wrong + 1] = joined end
        end
      end
    end
    return table.unpack(wrong, 1, 10)`,
  );
  expect(wrong).toEqual([]);
});
