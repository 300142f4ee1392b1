import { describe, expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

// A model in Lua beside the native queue: what is taken out must be the same, wherever the ring begins and however often
// it grows.
const model = `
  local model, native = { first = 1, last = 0 }, {}
  host.queue(native, 0, 0)
  local function co() return coroutine.create(print) end
  local function add(value)
    local c = co()
    host.ready(c, value)
    model.last = model.last + 1
    model[model.last] = c
  end
  local function add_first()
    local c = co()
    host.ready_first(c)
    model.first = model.first - 1
    model[model.first] = c
  end
  local function length() return model.last - model.first + 1 end
  local function exchange(i)
    host.exchange(i)
    local a, b = model.first, model.first + i
    model[a], model[b] = model[b], model[a]
  end
  local function check()
    assert(host.waiting() == length(), "another length")
    for i = 0, length() - 1 do assert(host.entry_at(i) == model[model.first + i], "another entry") end
    assert(host.entry_at(length()) == nil)
  end`;

describe("the native run queue", () => {
  test("is a queue, whatever is added at both ends, exchanged and taken over", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `${model}
      local state = 1
      local function random(n)
        state = (state * 1103515245 + 12345) & 0xffffffff
        return (state >> 8) % n
      end
      for round = 1, 6000 do
        local kind = random(10)
        if kind < 6 then add(round)
        elseif kind < 8 then add_first()
        elseif length() > 0 then exchange(random(length())) end
        if round % 500 == 0 then
          collectgarbage(round % 1000 == 0 and "generational" or "incremental")
          check()
        end
        -- Another table in its place, and back.
        if round % 700 == 0 then
          local other = {}
          local head, count = host.queue(other, 0, 0)
          assert(host.waiting() == 0 and count == length())
          host.ready(co())
          assert(host.waiting() == 1)
          host.queue(native, head, count)
        end
      end
      check()
      return length() > 4096`,
    )).toEqual([true]);
  }, 30_000);

  test("keeps what waits in it alive, and nothing else", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local native = {}
      host.queue(native, 0, 0)
      local seen = setmetatable({}, { __mode = "k" })
      for i = 1, 3000 do
        local c, v = coroutine.create(print), { i }
        seen[c], seen[v] = true, true
        host.ready(c, v)
      end
      collectgarbage()
      local n = 0
      for _ in pairs(seen) do n = n + 1 end
      host.queue({}, 0, 0)
      native = nil
      collectgarbage()
      return n, next(seen)`,
    )).toEqual([6000, undefined]);
  });

  test("is not added to when there is no memory for it", async () => {
    const vm = await makeVm({ memoryLimit: 6 * 2 ** 20 });
    expect(run(
      vm,
      `${model}
      local ballast
      local function take() while true do ballast = { ballast } end end
      local grown = true
      local c = co()
      for i = 1, 1024 do host.ready(c, i) end
      pcall(take)
      for _ = 1, 150 do ballast = ballast[1] end
      local ok, message = pcall(host.ready, c, "one more")
      local waiting, last = host.waiting(), host.entry_at(1023)
      ballast = nil
      host.ready(c, "one more")
      return ok, message, waiting, last == c, host.waiting()`,
    )).toEqual([false, "not enough memory", 1024, true, 1025]);
  });
});

describe("a native with a function for what it does not do", () => {
  // host.receive leaves to the function whatever is no channel.
  const bound = `local fn = host.bind(host.receive, function(...) return ... end)`;

  test.each([
    ["a plain call", "return fn(1, nil, 3)", [1, undefined, 3]],
    ["fewer results", "local a, b = fn(1, 2, 3) return b, a", [2, 1]],
    ["a tail call", "local function f(...) return fn(...) end return (select('#', f(1, nil)))", [
      2,
    ]],
    ["pcall", "return pcall(fn, 1, 2)", [true, 1, 2]],
    ["pcall of pcall", "return pcall(pcall, fn, 1, 2)", [true, true, 1, 2]],
    [
      "a comparator",
      "local t = { 3, 1, 2 } table.sort(t, function(a, b) return fn(a < b) end) return t[1], t[3]",
      [1, 3],
    ],
    ["a metamethod", "return setmetatable({}, { __index = fn }).x ~= nil", [true]],
    [
      "an iterator",
      "local s = 0 for v in function(_, k) return fn((k or 0) < 3 and (k or 0) + 1 or nil) end do s = s + v end return s",
      [6],
    ],
    ["a coroutine of its own", "return coroutine.wrap(fn)(1, 2)", [1, 2]],
  ])("is called by %s", async (_, code, results) => {
    const vm = await makeVm();
    const unit = `${bound}
      local co = coroutine.create(function() ${code} end)
      return select(2, host.resume(co))`;
    expect(run(vm, unit)).toEqual(results);
    expect(run(vm, `${bound} ${code}`)).toEqual(results);
  });

  test("parks without an exception, and its errors are at the caller's line", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local fn = host.bind(host.receive, function(mode)
        if mode == "park" then return host.park() end
        error("raised", 2)
      end)
      local co = coroutine.create(function()
        local a, b = fn("park")
        return a, b, select(2, pcall(function() fn("raise") end))
      end)
      local parked = host.resume(co)
      return parked, host.resume(co, 1, 2)`,
    )).toEqual([2, 0, 1, 2, "test:code:8: raised"]);
  });
});
