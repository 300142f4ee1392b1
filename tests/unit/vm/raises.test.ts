import { describe, expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

/** Resumes a coroutine to its end, and notes what was raised where it stopped, and in which line. */
const drive = `
  local asked = {}
  local function finish(fn, wanted)
    local inner
    host.mark_raises(function(value)
      inner = coroutine.running()
      asked[#asked + 1] = value
      return wanted(value)
    end)
    local co, stops = coroutine.create(fn), {}
    while true do
      local status, value = host.resume(co)
      if status == 5 then
        local level = 0
        while debug.getinfo(inner, level, "S").what == "C" do
          level = level + 1
        end
        local name, first = debug.getlocal(inner, level, 1)
        stops[#stops + 1] = debug.getinfo(inner, level, "l").currentline
        stops[#stops + 1] = first
      elseif status ~= 3 then
        host.mark_raises(nil)
        return stops, status, value, #asked
      end
    end
  end
  local function always() return true end
`.replaceAll("\n", " ");

describe("a coroutine whose errors are watched", () => {
  test.each([
    ["error", `error("no")`],
    ["an error that is a value", `error({})`],
    ["assert", `assert(false, "no")`],
    ["an instruction", `x = x.y.z`],
    ["arithmetic", `return x + 1`],
    ["a C function", `string.rep()`],
    [
      "a C function below a metamethod",
      `return setmetatable({}, { __index = function() local _ = "here" error("no") end }).x`,
    ],
  ])("stops where it is raised and goes on behind the pcall: %s", async (_, code) => {
    const vm = await makeVm();
    const body = `${drive} return finish(function()
      local results = { pcall(function()
        local _ = "here"
        ${code}
      end) }
      return results[1], #results
    end, always)`;
    const [stops, status, value, asked] = run(vm, body) as [unknown[], number, boolean, number];
    expect([status, value, asked]).toEqual([0, false, 1]);
    expect(stops).toEqual([5, "here"]);
  });

  test("goes on as it would alone: handlers, closed variables, pcalls in each other", async () => {
    const vm = await makeVm();
    const fn = `function()
      local log = {}
      local function add(text) log[#log + 1] = text end
      local ok, text = xpcall(function()
        local closed <close> = setmetatable({}, { __close = function() add("closed") end })
        local inner, why = pcall(error, "inner")
        add(tostring(inner) .. why)
        local t = nil
        return t.x
      end, function(message) add("handled") return message:match("nil value") end)
      add(text)
      for i = 1, 3 do
        local _, each = pcall(error, i)
        add(tostring(each))
      end
      local next = coroutine.wrap(function() coroutine.yield(1) error("in it", 0) end)
      next()
      add(select(2, pcall(next)))
      return table.concat(log, " ")
    end`;
    const expected = "falseinner handled closed nil value 1 2 3 in it";
    const [, status, text, asked] = run(vm, `${drive} return finish(${fn}, always)`) as unknown[];
    expect([status, text]).toEqual([0, expected]);
    expect(asked).toBe(6);
    const unasked = `${drive} return finish(${fn}, function() return false end)`;
    expect(run(vm, unasked)).toEqual([{}, 0, expected, 6]);
  });

  test("does not stop at what nothing catches, and where it cannot yield", async () => {
    const vm = await makeVm();
    expect(run(vm, `${drive} return finish(function() error("out", 0) end, always)`))
      .toEqual([{}, -1, "out", 0]);
    const sorted = `${drive} return finish(function()
      return pcall(table.sort, { 1, 2 }, function() error("out", 0) end)
    end, always)`;
    expect(run(vm, sorted)).toEqual([{}, 0, false, 0]);
  });

  test("survives overflows of its stack", async () => {
    const vm = await makeVm();
    const code = `${drive} return finish(function()
      local function deep() return deep() + 1 end
      local ok, text = pcall(deep)
      local again = string.rep("x", 3)
      return again .. tostring(text:find("stack overflow") ~= nil)
    end, always)`;
    const [, status, text] = run(vm, code) as unknown[];
    expect([status, text]).toEqual([0, "xxxtrue"]);
  });
});
