import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

test("lists are joined as the concatenation of their items", async () => {
  const vm = await makeVm();
  const wrong = run(
    vm,
    `local wrong = {}
    local items = { "", "a", "key", ("x"):rep(8), ("y"):rep(40), ("z"):rep(41), ("w"):rep(65), ("v"):rep(5000), 0, -1, 10,
      math.maxinteger, math.mininteger, 2.5, "\\0\\255" }
    math.randomseed(3)
    for round = 1, 3000 do
      local list, parts = {}, {}
      for i = 1, math.random(0, 12) do list[i] = items[math.random(#items)] end
      local separator = ({ "", ", ", ("-"):rep(50), 7 })[math.random(4)]
      local given = round % 3
      local expected = ""
      for i, item in ipairs(list) do expected = expected .. (i > 1 and given == 1 and separator or "") .. item end
      local joined
      if given == 0 then joined = table.concat(list)
      elseif given == 1 then joined = table.concat(list, separator)
      else joined = table.concat(list, nil) end
      if joined ~= expected or ({ [joined] = true })[expected] ~= true then wrong[#wrong + 1] = joined end
    end
    return table.unpack(wrong, 1, 3)`,
  );
  expect(wrong).toEqual([]);
});

test("what is no list of texts is joined or refused by Lua's own function", async () => {
  const vm = await makeVm();
  const results = run(
    vm,
    `local function try(...) local ok, result = pcall(table.concat, ...) return result end
    local counted = setmetatable({}, { __len = function() return 2 end, __index = function(_, i) return "i" .. i end })
    local holes = { "a", nil, "c" } holes[2] = nil
    local large = {} for i = 1, 70000 do large[i] = "x" end
    return try({ "a", {} }), try({ "a", true, "c" }, "-"), try(counted, " "), try({ "a", "b", "c" }, "-", 2),
      try({ "a", "b", "c" }, "-", 1, 2), try({ [1] = "a", [2] = "b" }), try({}), try(nil), try({ "a" }, {}),
      #try(large), #try({ ("x"):rep(600000), ("y"):rep(600000) }), try({ "a", "b" }, 1.5), try({ 1.5, 2 }, "|")`,
  );
  expect(results).toEqual([
    "invalid value (table) at index 2 in table for 'concat'",
    "invalid value (boolean) at index 2 in table for 'concat'",
    "i1 i2",
    "b-c",
    "a-b",
    "ab",
    "",
    "bad argument #1 to 'table.concat' (table expected, got nil)",
    "bad argument #2 to 'table.concat' (string expected, got table)",
    70_000,
    1_200_000,
    "a1.5b",
    "1.5|2",
  ]);
});

test("joining does not depend on when the collector runs", async () => {
  const vm = await makeVm();
  const [length, last] = run(
    vm,
    `local last
    collectgarbage("setpause", 100) collectgarbage("setstepmul", 400)
    for i = 1, 3000 do
      local parts = {}
      for j = 1, 20 do parts[j] = "part " .. i .. "/" .. j end
      last = table.concat(parts, ";")
    end
    return #last, last:sub(-12)`,
  ) as [number, string];
  expect(length).toBe(20 * "part 3000/".length + 9 + 2 * 11 + 19);
  expect(last).toBe("part 3000/20");
});
