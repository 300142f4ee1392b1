import { describe, expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

/** Resumes `co` to its end and notes before which lines it stopped, what it answered and what of its statuses else. */
const drive = `
  local co, lines
  local function watch(fn, wanted)
    lines = {}
    local map = wanted.all and -1 or 0
    for line in pairs(wanted) do
      map = map | (1 << (tonumber(line) or 0))
    end
    host.mark_lines(function(line)
      return wanted[line] or wanted.all
    end, map)
    co = coroutine.create(fn)
    host.watch_lines(co, true)
  end
  local function finish()
    local others = 0
    while true do
      local status, value = host.resume(co)
      if status == 5 then
        host.settle(co, true)
        lines[#lines + 1] = debug.getinfo(co, 0, "l").currentline
        host.settle(co, false)
      elseif status == 3 then
        others = 3
      else
        return lines, status, value, others
      end
    end
  end
`.replaceAll("\n", " ");

describe("a coroutine whose lines are watched", () => {
  test("stops before each line that is wanted, and goes on with it", async () => {
    const vm = await makeVm();
    const code = `${drive} watch(function()
      local sum = 0
      for i = 1, 2 do
        sum = sum + i
      end
      return sum
    end, { [5] = true, [7] = true }) return finish()`;
    expect(run(vm, code)).toEqual([[5, 5, 7], 0, 3, 0]);
  });

  test("stops inside a generator with its caller", async () => {
    const vm = await makeVm();
    const code = `${drive} local inner watch(function()
      local next = coroutine.wrap(function()
        inner = coroutine.running()
        coroutine.yield(7)
      end)
      return next() + 1
    end, { [5] = true })
    local status = host.resume(co)
    host.settle(inner, true)
    local line = debug.getinfo(inner, 0, "l").currentline
    host.settle(inner, false)
    local result = select(2, host.resume(co))
    return status, line, result`;
    expect(run(vm, code)).toEqual([5, 5, 8]);
  });

  test("shows the variables that the line before it has made", async () => {
    const vm = await makeVm();
    const code = `${drive} watch(function()
      local a = 41
      return a + 1
    end, { [4] = true })
    host.resume(co)
    host.settle(co, true)
    local name, value = debug.getlocal(co, 0, 1)
    debug.setlocal(co, 0, 1, 1)
    host.settle(co, false)
    return name, value, select(2, host.resume(co))`;
    expect(run(vm, code)).toEqual(["a", 41, 2]);
  });

  test("does not stop where it cannot yield", async () => {
    const vm = await makeVm();
    const code = `${drive} watch(function()
      local t = { 3, 1, 2 }
      table.sort(t, function(a, b)
        return a < b
      end)
      return t[1]
    end, { [5] = true, [7] = true }) return finish()`;
    expect(run(vm, code)).toEqual([[7], 0, 1, 0]);
  });

  test("is preempted as others are, and watched after that", async () => {
    const vm = await makeVm();
    const code = `host.slice(1000) ${drive} watch(function()
      local n = 0
      for i = 1, 20000 do
        n = n + 1
      end
      return n
    end, { [7] = true }) return finish()`;
    expect(run(vm, code)).toEqual([[7], 0, 20000, 3]);
  });

  test("runs every line once when all are wanted and its fuel is spent all the time", async () => {
    const vm = await makeVm();
    const code = `host.slice(3) ${drive} watch(function()
      local n = 0
      for i = 1, 500 do
        n = n + 1
      end
      return n
    end, { all = true }) local seen, status, value = finish()
    return #seen, status, value`;
    // Each turn of the loop has two lines; with the one before it, the end of it and the result.
    expect(run(vm, code)).toEqual([2 + 2 * 500 + 1, 0, 500]);
  });

  test("is left alone when it is watched no more; others never are", async () => {
    const vm = await makeVm();
    const code = `${drive} watch(function()
      local a = 1
      a = a + 1
      return a
    end, { all = true })
    local first = host.resume(co)
    host.watch_lines(co, false)
    local _, value = host.resume(co)
    local other = coroutine.create(function()
      return 1
    end)
    return first, value, host.resume(other)`;
    expect(run(vm, code)).toEqual([5, 2, 0, 1]);
  });
});
