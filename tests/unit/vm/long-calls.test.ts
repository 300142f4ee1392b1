import { describe, expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

/**
 * For each function of Lua's libraries, calls that take long: what must be there before, the call, and the fuel
 * that it must cost at least, as it goes through so many bytes or slots. `false`: the call takes longer than its
 * input is long, and an error ends it.
 */
type Long = readonly [prepare: string, call: string, costs: number | false];

const text = `local s = ("a"):rep(4000000)`;
const emptied =
  `local t = {} for i = 1, 1000000 do t[-i] = true end for i = 1, 1000000 do t[-i] = nil end`;
const list = `local t = {} for i = 1, 200000 do t[i] = i end`;
const endless =
  `local t = setmetatable({}, { __len = function() return 1 << 60 end, __index = function(_, i) return i end, __newindex = function() end })`;

const long: Readonly<Record<string, readonly Long[]>> = {
  "string.find": [
    [
      `local n = 200000 local s, p = ("a"):rep(2 * n), ("a"):rep(n) .. "b"`,
      "s:find(p, 1, true)",
      200000 / 16,
    ],
    [
      `local n = 200000 local s, p = ("ab"):rep(n), "b" .. ("ab"):rep(n // 2) .. "b"`,
      "s:find(p, 1, true)",
      200000 / 16,
    ],
    [text, `s:find("b", 1, true)`, 4000000 / 64],
    [text, `s:find("b")`, 4000000 / 64],
    [text, `s:find(s .. "b.")`, false],
    [text, `s:find("[" .. ("b"):rep(2000000) .. "a]*c")`, false],
    [`local s, p = ("a"):rep(40), ("a-"):rep(20) .. "b"`, "s:find(p)", false],
    [`local s = ("("):rep(1000000)`, `s:find("%b()")`, false],
  ],
  "string.match": [[text, `s:match(".-b")`, false]],
  "string.gmatch": [[text, `for _ in s:gmatch(".-b") do end`, false]],
  "string.gsub": [
    [text, `s:gsub("b", "")`, 4000000 / 16],
    [text, `s:gsub(".-b", "")`, false],
    [`local s = ("a"):rep(20000)`, `s:gsub("a", function() for _ = 1, 1e5 do end end)`, false],
  ],
  "string.upper": [[text, "s:upper()", 4000000 / 16]],
  "string.lower": [[text, "s:lower()", 4000000 / 16]],
  "string.reverse": [[text, "s:reverse()", 4000000 / 16]],
  "string.sub": [[text, "s:sub(2)", 4000000 / 64]],
  "string.byte": [[`local s = ("a"):rep(200000)`, "s:byte(1, -1)", 200000 / 16]],
  "string.char": [[
    `local t = table.pack(("a"):rep(200000):byte(1, -1))`,
    "string.char(table.unpack(t))",
    200000 / 16,
  ]],
  "string.rep": [
    ["", `("a"):rep(4000000)`, 4000000 / 64],
    ["", `("a"):rep(4000000, "b")`, 8000000 / 64],
    ["", `(""):rep(1 << 62)`, 0],
  ],
  "string.format": [
    [text, `("%s%s"):format(s, s)`, 8000000 / 64],
    [text, `("%q"):format(s)`, 4000000 / 16],
    [text, `s:format()`, 4000000 / 16],
  ],
  "string.pack": [
    [`local f = ("x"):rep(1000000)`, "string.pack(f)", 1000000 / 16],
    ["", `string.pack("c4000000", "")`, 4000000 / 64],
  ],
  "string.packsize": [[`local f = ("b"):rep(1000000)`, "string.packsize(f)", 1000000 / 16]],
  "string.unpack": [[`local f = (" "):rep(1000000)`, `string.unpack(f, "")`, 1000000 / 16]],
  "string.dump": [[
    `local f = load("return " .. ("{"):rep(100) .. ("1,"):rep(100000) .. ("}"):rep(100))`,
    "string.dump(f)",
    100000 / 64,
  ]],
  "table.concat": [
    [list, `table.concat(t)`, 200000],
    [
      endless,
      `table.concat(setmetatable({}, { __index = function() return "" end }), "", 1, 1 << 60)`,
      false,
    ],
  ],
  "table.insert": [
    [list, "table.insert(t, 1, 0)", 200000],
    [endless, "table.insert(t, 1, 0)", false],
  ],
  "table.remove": [
    [list, "table.remove(t, 1)", 200000],
    [endless, "table.remove(t, 1)", false],
  ],
  "table.move": [
    [list, "table.move(t, 1, #t, 2)", 200000],
    [
      endless,
      "table.move(t, 1, 1 << 60, 2, setmetatable({}, { __newindex = function() end }))",
      false,
    ],
    ["", "table.move({}, 1, 1 << 60, 2)", false],
  ],
  "table.sort": [
    [list, "table.sort(t)", 200000 * 17],
    [list, "table.sort(t, function(a, b) return a > b end)", 200000 * 17],
    [
      `local t, s = {}, ("a"):rep(200000) for i = 1, 300 do t[i] = s .. i end`,
      "table.sort(t)",
      300 * 8 * 200000 / 64,
    ],
  ],
  "table.pack": [[
    `local t = table.pack(("a"):rep(200000):byte(1, -1))`,
    "table.pack(table.unpack(t))",
    200000 / 16,
  ]],
  "table.unpack": [[list, "table.unpack(t)", 200000]],
  "utf8.char": [[
    `local t = table.pack(("a"):rep(200000):byte(1, -1))`,
    "utf8.char(table.unpack(t))",
    200000 / 16,
  ]],
  "utf8.len": [[text, "utf8.len(s)", 4000000 / 16]],
  "utf8.codepoint": [[`local s = ("a"):rep(200000)`, "utf8.codepoint(s, 1, -1)", 200000 / 16]],
  "utf8.offset": [[text, "utf8.offset(s, -4000000)", 4000000 / 16]],
  "utf8.codes": [
    [`local s = ("a"):rep(200000)`, "for _ in utf8.codes(s) do end", 200000],
  ],
  "coroutine.resume": [[
    `local t = table.pack(("a"):rep(100000):byte(1, -1))`,
    "coroutine.resume(coroutine.create(function(...) return ... end), table.unpack(t))",
    100000 / 16,
  ]],
  "coroutine.wrap": [[
    `local t = table.pack(("a"):rep(100000):byte(1, -1))`,
    "coroutine.wrap(function(...) return ... end)(table.unpack(t))",
    100000 / 16,
  ]],
  "coroutine.yield": [[
    `local t = table.pack(("a"):rep(100000):byte(1, -1))`,
    "coroutine.wrap(function() coroutine.yield(table.unpack(t)) end)()",
    100000 / 16,
  ]],
  "coroutine.close": [[
    `local co = coroutine.create(function()
      local c <close> = setmetatable({}, { __close = function() for _ = 1, 100000 do end end })
      coroutine.yield()
    end) coroutine.resume(co)`,
    "coroutine.close(co)",
    100000,
  ]],
  next: [[emptied, "next(t)", 1000000 / 16]],
  pairs: [[emptied, "for _ in pairs(t) do end", 1000000 / 16]],
  ipairs: [[list, "for _ in ipairs(t) do end", 200000]],
  rawset: [[
    // Each of the keys that come and go has the table count all others.
    `local t = {} for i = 1, 1000000 do t[i] = true end for i = 1, 3 do t["k" .. i] = i end`,
    `for i = 1, 10 do rawset(t, "x" .. i, 1) rawset(t, "x" .. i, nil) end`,
    1000000 / 16,
  ]],
  rawget: [[`local t, s = {}, ("a"):rep(4000000)`, "rawget(t, s .. 1)", 4000000 / 64]],
  rawequal: [[
    `local s = ("a"):rep(4000000) local a, b = s .. "c", s .. "c"`,
    "rawequal(a, b)",
    4000000 / 4 / 16,
  ]],
  tonumber: [
    [`local s = ("1"):rep(2000000)`, "tonumber(s)", 2000000 / 16],
    [`local s = ("1"):rep(2000000)`, "tonumber(s, 36)", 2000000 / 16],
  ],
  select: [[
    `local t = table.pack(("a"):rep(200000):byte(1, -1))`,
    "select(2, table.unpack(t))",
    200000 / 16,
  ]],
  load: [
    [`local s = "return {" .. ("1,"):rep(200000) .. "}"`, "load(s)", 200000 / 16],
    // Each jump is appended to a list that is walked to its end.
    [`local s = "return x" .. (" and x"):rep(20000)`, "load(s)", 20000 ** 2 / 36],
  ],
  collectgarbage: [[
    "local t = {} for i = 1, 200000 do t[i] = {} end",
    "collectgarbage()",
    200000 / 16,
  ]],
  "os.date": [[`local s = ("%Y"):rep(100000)`, "os.date(s)", 100000 / 16]],
};

/** Functions that take the same short time whatever they are given, or call Lua code, which is metered. */
const short = new Set([
  ..."assert error getmetatable setmetatable pcall xpcall print tostring type rawlen require warn"
    .split(" "),
  ..."coroutine.create coroutine.isyieldable coroutine.running coroutine.status".split(" "),
  "string.len",
]);

/** Libraries that reach nothing (there is no file system, no process) or that applications do not see. */
const elsewhere = /^(?:io|debug|package|os|host)\.|^math\.|^(?:dofile|loadfile)$/;

const names = run(
  await makeVm(),
  `local names = {}
  for name, value in pairs(_G) do
    if type(value) == "function" then
      names[#names + 1] = name
    elseif type(value) == "table" and name ~= "_G" then
      for key, f in pairs(value) do
        if type(f) == "function" then names[#names + 1] = name .. "." .. key end
      end
    end
  end
  return names`,
)[0] as string[];

test("every function of Lua's libraries is known as long or short", () => {
  expect(names.length).toBeGreaterThan(100);
  expect(names.filter((name) => !elsewhere.test(name) && !short.has(name) && !(name in long)))
    .toEqual([]);
  expect(Object.keys(long).filter((name) => !names.includes(name))).toEqual([]);
});

const calls = Object.entries(long).flatMap(([name, cases]) =>
  cases.map(([prepare, call, costs]) => ({ name, prepare, call, costs }))
);

describe("a call that takes long", () => {
  test.each(calls.filter(({ costs }) => costs !== false))(
    "pays for what it goes through: $name: $call",
    async ({ prepare, call, costs }) => {
      const vm = await makeVm();
      const [status, burnt] = run(
        vm,
        `host.slice(2000000000)
        local co = coroutine.create(function()
          ${prepare}
          coroutine.yield()
          pcall(function() ${
          /^(?:for|table\.sort|coroutine)/.test(call) ? call : `_ = ${call}`
        } end)
        end)
        host.resume(co)
        host.burnt(co)
        return host.resume(co), host.burnt(co)`,
      );
      expect(status).toBe(0);
      // Rounds are counted by the thousand.
      expect(burnt).toBeGreaterThanOrEqual(Math.floor(Number(costs) * 0.95));
      // Less than what has an error raised, so that whatever it is given it ends by itself.
      expect(burnt).toBeLessThan(90_000_000);
    },
    60_000,
  );

  test.each(calls.filter(({ costs }) => costs === false))(
    "is ended by an error, and its unit stopped between: $name: $call",
    async ({ prepare, call }) => {
      const vm = await makeVm();
      const [message, turns, ended] = run(
        vm,
        `host.slice(1000)
        local message
        local long = coroutine.create(function()
          ${prepare}
          while true do
            local ok, raised = pcall(function() ${
          /^(?:for|table)/.test(call) ? call : `_ = ${call}`
        } end)
            message = raised
          end
        end)
        local turns = 0
        local neighbour = coroutine.create(function() while true do turns = turns + 1 host.park() end end)
        repeat
          local status = host.resume(long)
          if status ~= 3 then return status end
          host.resume(neighbour)
        until message
        return message, turns, host.close(long)`,
      );
      expect(message).toContain("ran too long where it cannot yield");
      expect(turns).toBeGreaterThan(0);
      expect(ended).toBe(true);
    },
    60_000,
  );
});
