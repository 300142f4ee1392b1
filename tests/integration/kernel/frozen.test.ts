/** `table.freeze`: tables that a program has declared immutable. */
import { expect, test } from "bun:test";
import { main, runFunction, startApplication } from "../application.ts";

test("whatever writes to a frozen table raises and changes nothing", async () => {
  expect(
    await runFunction(`
      local t = table.freeze({ 1, 2, 3, a = 1 })
      local list = {}
      local function try(write, ...)
        local ok, err = pcall(write, ...)
        list[#list + 1] = ok or tostring(err):gsub("^[^ ]*:%d+: ", "")
      end
      try(function() t.a = 2 end)
      try(function() t.b = 2 end)
      try(function() t[1] = nil end)
      try(function() t[4] = 4 end)
      try(function() for _ = 1, 100000 do t.a = 2 end end)
      try(table.move, { 7, 8 }, 1, 2, 1, t)
      try(table.insert, t, 4)
      try(table.remove, t)
      try(table.sort, t)
      try(rawset, t, "a", 2)
      local keys = {}
      for key, value in next, t do keys[#keys + 1] = key .. "=" .. value end
      table.sort(keys)
      list[#list + 1] = table.concat(keys, " ")
      return list`),
  ).toEqual([
    ...new Array(6).fill("attempt to modify Immutable table"),
    "attempt to insert into Immutable table",
    "attempt to remove from Immutable table",
    "attempt to sort Immutable table",
    "bad argument #1 to 'rawset' (a plain table expected, got a read-only one)",
    "1=1 2=2 3=3 a=1",
  ]);
});

test("it is the same table, and everything reads it as before", async () => {
  const body = `
    local json = require("json")
    local before = { 1, 2, 3, a = 1 }
    local t = table.freeze(before)
    assert(t == before and table.freeze(t) == t and table.isfrozen(t) and not table.isfrozen({}))
    assert(table.isfrozen(string) and table.isfrozen(json) and type(t) == "table")
    assert(#t == 3 and t.a == 1 and rawget(t, 2) == 2 and t.nothing == nil)
    assert(select("#", table.unpack(t)) == 3 and table.concat(t, ",") == "1,2,3" and table.getn(t) == 3)
    local count = 0
    for _ in pairs(t) do count = count + 1 end
    for _ in ipairs(t) do count = count + 1 end
    assert(count == 7 and next(t) == 1 and next(t, "a") == nil)
    assert(Fields:is(t) == t and List:is(t) == t)
    local _, wrong = Texts:is(t)
    assert(wrong:details().field == ".a")
    local inside = table.freeze({ list = {} })
    inside.list[1] = 5
    local failed = errors.new(table.freeze({ message = "m", kind = "Invalid", details = t }))
    return { json.encode(table.freeze({ 1, { x = table.freeze({}) } })), payload.new(t):data().a, inside,
      failed:details().a, next(string) ~= nil, type(rawget(string, "rep")) }`;
  const types = `
    type Fields = { a: number }
    type List = {number} @min_len(3)
    type Texts = {[string]: string}`;
  const source = `${types}\n${main(body)}`;
  const application = await startApplication({
    functions: { main: { source, modules: ["funcs", "time", "json"] } },
  });
  expect(await application.call("main")).toEqual([
    '[1,{"x":[]}]',
    1,
    { list: [5] },
    1,
    true,
    "function",
  ]);
});

test("an object stays one, and a class that is frozen goes on to have instances", async () => {
  expect(
    await runFunction(`
      local meta = { __index = function(_, key) return "no " .. key end, __tostring = function() return "text" end,
        __newindex = function(self, key, value) rawset(self, key, value) end, __call = function(_, a) return a end,
        __len = function() return 7 end, __add = function() return "sum" end }
      local o = table.freeze(setmetatable({ v = 1 }, meta))
      assert(getmetatable(o) == meta and o.v == 1 and o.x == "no x" and #o == 7 and o + 1 == "sum" and o(5) == 5)
      local ok, err = pcall(function() o.x = 1 end)
      assert(not ok and err:find("Immutable"))
      local Class = {}
      Class.__index = Class
      function Class.get(self) return self.v end
      table.freeze(Class)
      local one = setmetatable({ v = 2 }, Class)
      one.v = 3
      assert(one:get() == 3 and getmetatable(one) == Class)
      setmetatable(o, { __index = { x = "other" } })
      assert(o.v == 1 and o.x == "other" and table.isfrozen(o))
      setmetatable(o, nil)
      local locked = table.freeze(setmetatable({}, { __metatable = "locked" }))
      return { tostring(one) ~= "text", o.x == nil, getmetatable(locked), (pcall(setmetatable, locked, {})) }`),
  ).toEqual([true, true, "locked", false]);
});

test("what has no content that could move stays as it is", async () => {
  expect(
    await runFunction(`
      table.freeze(_G)
      somewhere = 1
      local ok, err = pcall(table.freeze, errors.new("e"))
      return { somewhere, ok, err, table.isfrozen(errors.new("e")), table.isfrozen(nil) }`),
  ).toEqual([
    1,
    false,
    "bad argument #1 to 'freeze' (table expected, got userdata)",
    false,
    false,
  ]);
});

test("functions of the table library name themselves and their caller's line once a table is frozen", async () => {
  const [before, after] = await runFunction(`
    local function bad() return true end
    local list = { 3, 1, 2, 5, 4, 7, 6, 8, 1, 2, 3 }
    local calls = {
      function() table.insert({}) end,
      function() table.insert() end,
      function() table.insert({}, 1, 2, 3) end,
      function() table.insert({ 1 }, -1, 2) end,
      function() table.insert({ 1 }, "x", 2) end,
      function() table.remove({ 1 }, "x") end,
      function() table.remove({ 1 }, -1) end,
      function() table.remove() end,
      function() table.sort(list, bad) end,
      function() table.sort({ 3, 1 }, 5) end,
      function() table.sort("list") end,
    }
    local function texts()
      local found = {}
      for i, call in ipairs(calls) do found[i] = select(2, pcall(call)):gsub("^.-(%d+: )", "%1") end
      return found
    end
    local before = texts()
    table.freeze({})
    return { before, texts() }`) as [string[], string[]];
  expect(before[0]).toMatch(/^\d+: wrong number of arguments to 'insert'$/);
  expect(before[3]).toMatch(/^\d+: bad argument #2 to 'insert' \(position out of bounds\)$/);
  expect(before[8]).toMatch(/^\d+: invalid order function for sorting$/);
  expect(after).toEqual(before);
});

test("a frozen list refuses to be changed whatever its length is, and whoever tells that", async () => {
  expect(
    await runFunction(`
      local shared = { __metatable = false }
      local free = setmetatable({ 2, 1 }, shared)
      local of = {
        empty = {}, one = { 1 }, told = setmetatable({ 1 }, { __len = function() return 0 end }),
        marked = setmetatable({ 1 }, shared), environment = _G,
      }
      local list = {}
      for _, name in ipairs({ "empty", "one", "told", "marked", "environment" }) do
        local t = table.freeze(of[name])
        for _, change in ipairs({ table.insert, table.remove, table.sort }) do
          local ok, err = pcall(function() change(t, change == table.insert and 1 or nil) end)
          list[#list + 1] = ok or err:gsub("^.*:%d+: ", "")
        end
      end
      table.insert(free, 3)
      table.sort(free)
      return { list, table.concat(free, " "), #of.told, #of.marked, #_G }`),
  ).toEqual([
    Array.from(
      { length: 5 },
      () =>
        ["insert into", "remove from", "sort"].map((verb) => `attempt to ${verb} Immutable table`),
    )
      .flat(),
    "1 2 3",
    0,
    1,
    0,
  ]);
});
