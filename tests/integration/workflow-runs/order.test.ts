import { describe, expect, test } from "bun:test";
import { runWorkflow, startDurable } from "./durable-application.ts";

const several =
  "a table has several keys that are tables, functions or coroutines, whose order differs in a replay; " +
  "give it numbers or texts as keys, or keep the objects in a list beside it";

describe("the order of keys in a workflow", () => {
  test("is that of pairs for next, also while keys are taken away", async () => {
    const body = `local t, all, taken, inner = {}, {}, {}, 0
      for i = 1, 20 do t["k" .. 21 - i] = i t[i * 3] = i t[-i / 2] = i end
      for key in pairs(t) do all[#all + 1] = key end
      local at = 0
      for key, value in next, t do
        at = at + 1
        assert(key == all[at] and value == t[key])
        for other in next, t do inner = inner + 1 end
      end
      assert(at == #all)
      local key = next(t)
      while key ~= nil do
        local following = next(t, key)
        t[key] = nil
        taken[#taken + 1] = key
        key = following
      end
      for i, key in ipairs(all) do assert(taken[i] == key) end
      assert(next({}) == nil and next({ 1 }, 1) == nil and next(t) == nil)
      t = { a = 1, b = 2, c = 3 }
      local first = next(t)
      t[first] = nil
      return { #all, inner, first, next(t, first) }`;
    expect(await runWorkflow(body)).toEqual([60, 3600, "a", "b", 2]);
  });

  test("knows objects that a serial was given, and refuses others", async () => {
    const body = `local a, b, c = channel.new(), channel.new(), channel.new()
      local names, order = { [c] = "c", [a] = "a", [b] = "b", [{}] = "one more", x = "x" }, {}
      for _, name in pairs(names) do order[#order + 1] = name end
      local _, err = pcall(function() for _ in pairs({ [{}] = 1, [print] = 2 }) do end end)
      local _, same = pcall(function() return next({ [{}] = 1, [{}] = 2 }) end)
      local one, two = {}, {}
      local first, second = tostring(two), tostring(one)
      for key in pairs({ [one] = 1, [two] = 2 }) do order[#order + 1] = tostring(key) end
      return { order, err:message(), err:kind(), same:message(), first, second }`;
    const [order, message, kind, same, first, second] = await runWorkflow(body) as unknown[];
    expect(order).toEqual(["x", "a", "b", "c", "one more", first, second]);
    expect([message, kind, same]).toEqual([several, "Invalid", several]);
  });
});

test("objects are texts without addresses, in messages too", async () => {
  const body = `local t = {}
    local named = setmetatable({}, { __name = "Account" })
    local own = setmetatable({}, { __tostring = function() return "own" end })
    local _, percent = pcall(string.format, "%p", t)
    local _, wrong = pcall(function() return #("%d"):format(t) end)
    local _, raised = process.set_options({ [t] = true })
    return { tostring(t), ("%s|%10s|%-18s|%s %%"):format(t, own, named, t), tostring(named),
      tostring(print), errors.wrap(t, "in"):message(), raised:message(), percent, wrong }`;
  expect(await runWorkflow(body)).toEqual([
    "table: 0x00000001",
    "table: 0x00000001|       own|Account: 0x00000002|table: 0x00000001 %",
    "Account: 0x00000002",
    "function: 0x00000003",
    "table: 0x00000001",
    "option table: 0x00000001 is not supported",
    expect.stringContaining("%p is not available in a workflow"),
    expect.stringMatching(
      /^app:main:\d+: bad argument #2 to 'format' \(number expected, got table\)$/,
    ),
  ]);
});

test("elsewhere Lua's own addresses and orders stay", async () => {
  const application = await startDurable({
    functions: {
      look: `local t = {}
        local seen = {}
        for key in pairs({ [{}] = 1, [{}] = 2 }) do seen[#seen + 1] = key end
        local _, wrong = pcall(function() return #string.format("%d", t) end)
        return { ("%p"):format(t) == tostring(t):match("0x%x+"), #seen,
          getmetatable(setmetatable({}, { __mode = "k" })).__mode, wrong, pcall(tostring) }`,
    },
  });
  expect(await application.call("look")).toEqual([
    true,
    2,
    "k",
    expect.stringMatching(
      /^app:look:\d+: bad argument #2 to 'format' \(number expected, got table\)$/,
    ),
    false,
    "bad argument #1 to 'tostring' (value expected)",
  ]);
});

test("a weak table holds what is in it, whenever memory is collected", async () => {
  const body = `local weak = setmetatable({}, { __mode = "v" })
    for i = 1, 100 do weak[i] = { i } end
    local garbage
    for i = 1, 200000 do garbage = { garbage and i } end
    local count = 0
    for _ in pairs(weak) do count = count + 1 end
    return count`;
  expect(await runWorkflow(body)).toBe(100);
});

test("what a query asks of objects changes nothing for their run", async () => {
  const main = `local list = {}
    workflow.set_query_handler("look", function()
      local texts = {}
      for i = 1, 5 do texts[i] = tostring({}) end
      return texts
    end)
    process.listen("go"):receive()
    return tostring(list)`;
  const application = await startDurable({
    workflows: { main },
    functions: {
      start: 'return process.with_options{ ["workflow.id"] = "w" }:exec("app:main", "app:durable")',
      go: 'return process.send("{app:durable|w}", "go")',
      look: 'return workflow.query("{app:durable|w}", "look")',
    },
  });
  const result = application.call("start");
  let texts: unknown;
  while (!texts) texts = await application.call("look").catch(() => undefined);
  expect(texts).toContain("table: 0x80000001");
  await application.call("go");
  // The channel of the listener is the first object of the run, its list the second that was asked.
  expect(await result).toBe("table: 0x00000002");
});
