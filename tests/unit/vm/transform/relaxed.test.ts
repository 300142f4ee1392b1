import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

test("%d cuts off decimals", async () => {
  const vm = await makeVm();
  const body = `return pcall(string.format, "%d %i %5x", ...)`;
  expect(run(vm, body, 3.7, -3.7, 255.9)[0]).toBe(false);
  run(vm, "host.relaxed(true)");
  expect(run(vm, body, 3.7, -3.7, 255.9)).toEqual([true, "3 -3    ff"]);
  expect(run(vm, body, 3, "4.5", "17")).toEqual([true, "3 4    11"]);
  expect(run(vm, "return pcall(string.format, '%d', 'x')")[0]).toBe(false);
  expect(run(vm, "return ('%d'):format(math.maxinteger)")).toEqual(["9223372036854775807"]);
});

test("functions that take an integer cut off decimals", async () => {
  const vm = await makeVm();
  const body = `local t = { 1, 2, 3, 4 }
    return pcall(function()
      return ("hello"):sub(1.9, 7 / 2), ("-"):rep(2.5), table.concat(t, ",", 1, 5 / 2), select(1.5, 7, 8),
        (table.unpack(t, 1.5)), ("x"):rep(-0.5), utf8.char(65.7)
    end)`;
  expect(run(vm, body)[0]).toBe(false);
  run(vm, "host.relaxed(true)");
  expect(run(vm, body)).toEqual([true, "hel", "--", "1,2", 7, 1, "", "A"]);
  expect(run(vm, "return pcall(string.rep, 'x', 1 / 0), pcall(string.rep, 'x', 0 / 0)")).toEqual([
    false,
    true,
    "",
  ]);
  expect(run(vm, "return pcall(string.sub, 'x', {})")[0]).toBe(false);
});

test("assert raises texts", async () => {
  const vm = await makeVm();
  const body = `local err = setmetatable({}, { __text = function() return "an error" end })
    local function raised(...) return select(2, pcall(assert, ...)) end
    return raised(false, err) == err and "itself" or raised(false, err), raised(nil, 42), raised(false, "text"),
      raised(false), tostring(raised(false, nil)), select("#", assert(1, nil, nil)), type(raised(false, {})),
      select(2, pcall(function() assert(nil, "with its place") end))`;
  const lua = [
    "itself",
    42,
    "text",
    "assertion failed!",
    "nil",
    3,
    "table",
    "test:code:6: with its place",
  ];
  expect(run(vm, body)).toEqual(lua);
  run(vm, "host.relaxed(true)");
  const relaxed = ["an error", "42", "text", "assertion failed!", "assertion failed!", 3, "string"];
  expect(run(vm, body)).toEqual([...relaxed, "test:code:6: with its place"]);
  expect(run(vm, "return pcall(assert, false, {})")).toEqual([
    false,
    "bad argument #2 to 'assert' (string expected, got table)",
  ]);
});

test("insert and remove accept a position behind the end", async () => {
  const vm = await makeVm();
  const body = `local t = { 1, 2 }
    local inserted = pcall(table.insert, t, 5, "five")
    local ok, removed = pcall(table.remove, t, 9)
    return inserted, ok, type(removed), tostring(t[5]), pcall(table.insert, t, 0, 1), pcall(table.remove, t, -1)`;
  expect(run(vm, body).slice(0, 4)).toEqual([false, false, "string", "nil"]);
  run(vm, "host.relaxed(true)");
  const relaxed = run(vm, body);
  expect(relaxed.slice(0, 4)).toEqual([true, true, "nil", "five"]);
  expect(relaxed[4]).toBe(false);
  expect(run(vm, "local t = { 1, 2, 3 } return table.remove(t, 1), table.remove(t), #t")).toEqual([
    1,
    3,
    1,
  ]);
});

test("table.concat takes the text of an Error", async () => {
  const vm = await makeVm();
  const body = `local err = setmetatable({}, { __text = function() return "an error" end })
    return table.concat({ err, 1, err }, ", "), table.concat({ err }), pcall(table.concat, { {} })`;
  expect(run(vm, body)).toEqual([
    "an error, 1, an error",
    "an error",
    false,
    "invalid value (table) at index 1 in table for 'concat'",
  ]);
});
