import { expect, test } from "bun:test";
import { makeVm, run } from "../make_vm.ts";

/** Each pattern is tried at every place by itself: anchored patterns pass over none. */
const COMPARE = `
  local function find(s, p, init)
    for at = init, #s + 1 do
      local found = table.pack(s:find("^" .. p, at))
      if found[1] then return found end
    end
    return { n = 0 }
  end
  local function same(a, b)
    if a.n ~= b.n then return false end
    for i = 1, a.n do
      if a[i] ~= b[i] then return false end
    end
    return true
  end
  local function differences(s, p)
    local all, copied, at, last = {}, {}, 1, nil
    while at <= #s + 1 do
      local found = find(s, p, at)
      if not found[1] then break end
      if found[2] + 1 == last and found[2] < found[1] then
        copied[#copied + 1] = s:sub(at, at)
        at = at + 1
      else
        copied[#copied + 1] = s:sub(at, found[1] - 1) .. "<" .. s:sub(found[1], found[2]) .. ">"
        all[#all + 1] = s:sub(found[1], found[2])
        last = found[2] + 1
        at = found[2] >= found[1] and found[2] + 1 or found[1]
        if found[2] < found[1] then
          copied[#copied + 1] = s:sub(at, at)
          at = at + 1
        end
      end
    end
    local found = find(s, p, 1)
    local wrong = {}
    if not same(table.pack(s:find(p)), found[1] and found or { n = 1 }) then wrong[1] = "find" end
    local plain, n = s:gsub(p, "<%0>")
    local expected = table.concat(copied) .. s:sub(at)
    if plain ~= expected or n ~= #all then wrong[#wrong + 1] = "gsub " .. plain .. " is not " .. expected end
    local matched = s:match(p)
    local wanted = found[1] and (found[3] or s:sub(found[1], found[2])) or nil
    if matched ~= wanted then wrong[#wrong + 1] = "match" end
    local i = 0
    -- Captures come in the place of the whole.
    if not p:find("(", 1, true) then
      for word in s:gmatch(p) do
        i = i + 1
        if word ~= all[i] then wrong[#wrong + 1] = "gmatch" end
      end
      if i ~= #all then wrong[#wrong + 1] = "gmatch ends" end
    end
    if #wrong > 0 then return ("%q in %q: "):format(p, s) .. table.concat(wrong, ", ") end
  end
`;

test("each class and set accepts the bytes that it accepts when it is anchored", async () => {
  const vm = await makeVm();
  const wrong = run(
    vm,
    `local wrong = {}
    local items = { "a", "]", "[%]]", "[]]", "[^]]", "[%%]", "[a-]", "[-a]", "[%a-z]", "[a-c-e]", "[b-a]", "[\\0-\\31]",
      "[^\\128-\\200]",
      "[\\200-\\255%d]", "[%w_]", "[^%s,]", "[%W%D]", "[%-]", "[^%c\\"\\\\]", "\\0", "[\\0]", "[%z]", "%%" }
    for letter in ("acdglpsuwxzACDGLPSUWXZ.,-"):gmatch(".") do items[#items + 1] = "%" .. letter end
    for _, item in ipairs(items) do
      for byte = 0, 255 do
        local s = string.char(byte)
        local expected = s:find("^" .. item) ~= nil
        if (s:find(item) ~= nil) ~= expected then wrong[#wrong + 1] = ("%q %d"):format(item, byte) end
      end
    end
    return table.unpack(wrong, 1, 10)`,
  );
  expect(wrong).toEqual([]);
});

test("searches pass over no place at which a pattern matches", async () => {
  const vm = await makeVm();
  const wrong = run(
    vm,
    `${COMPARE}
    local wrong = {}
    local patterns = { "%d", "%d+", "%d*",
      "%d-x", "%d?x", "(%d+)", "()%d", "(%a)(%d)", "[ab]c", "[ab]+c", "[^ab]", "a$",
      "$", "$a", "x$", "%bab",
      "%f[%w]%w+", ".", ".x", "b", "ab", "(b)", "((b))", "[%d]x", "%x%x", "%s*$", "c%d", "ab?c" }
    local texts = { "", "a", "abc", "x1", "1x", "ab12cd", "aab  x9", "$a$", "  ",
      "a b c d 1 2 3", "abcabcabc", "12345", "xx" }
    for _, s in ipairs(texts) do
      for _, p in ipairs(patterns) do wrong[#wrong + 1] = differences(s, p) end
    end
    math.randomseed(7)
    local atoms = { "a", "b", "1", "%d", "%a", "%s", "[ab]", "[^a]", "[1-9]", "%D", ".", "[%w]" }
    local ends = { "", "", "", "+", "*", "-", "?" }
    for _ = 1, 4000 do
      local s, p = {}, {}
      for i = 1, math.random(0, 12) do s[i] = ({ "a", "b", "1", " ", "9" })[math.random(5)] end
      for i = 1, math.random(3) do p[i] = atoms[math.random(#atoms)] .. ends[math.random(#ends)] end
      wrong[#wrong + 1] = differences(table.concat(s), table.concat(p))
    end
    return table.unpack(wrong, 1, 10)`,
  );
  expect(wrong).toEqual([]);
});

test("a pattern that is not well formed is refused where C looks at it", async () => {
  const vm = await makeVm();
  const messages = run(
    vm,
    `local seen = {}
    for i, p in ipairs({ "[a", "%", "[^", "[]", "[%", "a%", "[a%]", "(a", "%a)", "b(" }) do
      local ok, message = pcall(string.find, "xa", p)
      seen[i] = ok and tostring(message) or message
    end
    return table.unpack(seen)`,
  );
  expect(messages).toEqual([
    "malformed pattern (missing ']')",
    "malformed pattern (ends with '%')",
    "malformed pattern (missing ']')",
    "malformed pattern (missing ']')",
    "malformed pattern (missing ']')",
    "malformed pattern (ends with '%')",
    "malformed pattern (missing ']')",
    "unfinished capture",
    "invalid pattern capture",
    "nil",
  ]);
});
