import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { evaluate } from "./lua-unit.ts";

/** What `json.encode` of a Lua expression gives: the text, or `kind: message`. */
function encode(expression: string) {
  return evaluate(`
    local text, err = json.encode(${expression})
    return text or err:kind() .. ": " .. err:message()`);
}

/** A description of what `json.decode` gives for a text, with the subtypes of numbers. */
function decode(text: string) {
  return evaluate(
    `local function show(v)
      if type(v) == "table" then
        local keys, out = {}, {}
        for k in pairs(v) do keys[#keys + 1] = k end
        table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
        for i, k in ipairs(keys) do out[i] = tostring(k) .. "=" .. show(v[k]) end
        return "{" .. table.concat(out, ",") .. "}"
      end
      return math.type(v) and math.type(v):sub(1, 1) .. tostring(v) or tostring(v)
    end
    local value, err = json.decode((...))
    return err and err:kind() .. ": " .. err:message() or show(value)`,
    { args: [text] },
  );
}

describe("encode", () => {
  test.each([
    ["nil", "null"],
    ["{}", "[]"],
    ["{1, 2, 3}", "[1,2,3]"],
    ["{b = 1, a = {c = true}}", '{"a":{"c":true},"b":1}'],
    ["1.0", "1"],
    ["1.5", "1.5"],
    ["1e15", "1000000000000000"],
    ["2.0 ^ 53", "9007199254740992"],
    ["{2.0 ^ 62, -2.0 ^ 63, a = nil}", "[4611686018427387904,-9223372036854775808]"],
    ["{n = 1e20}", '{"n":100000000000000000000}'],
    ["1e21", "1e+21"],
    ["math.maxinteger", "9223372036854775807"],
    ["math.mininteger", "-9223372036854775808"],
    ["0/0", "null"],
    ["-1 / 0", "null"],
    ["print", "null"],
    ["{print, 1}", "[null,1]"],
    ["{a = print, b = 1}", '{"a":null,"b":1}'],
    ["{channel.new(1)}", "[null]"],
    ['errors.new("boom")', '"boom"'],
    ['{["__proto__"] = 1}', '{"__proto__":1}'],
    [
      '"<a href=\\"x\\">&\\n\\1\\u{2028}"',
      '"\\u003ca href=\\"x\\"\\u003e\\u0026\\n\\u0001\\u2028"',
    ],
    ['"a\\xffb\\u{20ac}"', '"a\ufffdb\u20ac"'],
    ["{1, nil, 3}", "Internal: cannot encode a sparse array: the keys must be 1..n without holes"],
    ["{[2] = 1}", "Internal: cannot encode a sparse array: the keys must be 1..n without holes"],
    [
      "{1, a = 2}",
      "Internal: cannot encode a table with mixed keys: use either 1..n or strings, not both",
    ],
    [
      "{[true] = 2}",
      "Internal: cannot encode a table with mixed keys: use either 1..n or strings, not both",
    ],
  ])("%s", async (expression, expected) => {
    expect(await encode(expression)).toBe(expected);
  });

  test("a table that holds itself fails", async () => {
    const code = `local t = {} t.t = t local _, err = json.encode(t) return err:kind()`;
    expect(await evaluate(code)).toBe("Internal");
  });

  test("128 levels pass, 129 do not", async () => {
    const nested = (depth: number) =>
      evaluate(`
        local t = {}
        for _ = 2, ${depth} do t = {t} end
        local text, err = json.encode(t)
        return text and #text or err:kind()`);
    expect(await nested(128)).toBe(256);
    expect(await nested(129)).toBe("Internal");
  });
});

describe("decode", () => {
  test.each([
    ["[1, 2.0, 2.5, 1e3, -7]", "{1=i1,2=i2,3=f2.5,4=i1000,5=i-7}"],
    ["9223372036854775807", "i9223372036854775807"],
    ["-9223372036854775808", "i-9223372036854775808"],
    ["9223372036854775808", "f9223372036854776000"],
    ["[-123456789012345678901234567890]", "{1=f-1.2345678901234568e+29}"],
    ["1e400", "Internal: the number 1e400 is larger than any that can be held"],
    ["9223372036854775808.0", "f9223372036854776000"],
    ["9007199254740993", "i9007199254740993"],
    ['{"a":null,"b":[1,null,3]}', "{b={1=i1,3=i3}}"],
    ['"a\\u20ac\\ud83d\\ude00\\n"', "a\u20ac\u{1f600}\n"],
    ["null", "nil"],
    [' {"a" : true } trailing', "{a=true}"],
    ["[1][2]", "{1=i1}"],
    ["", "Invalid: cannot decode an empty string; give JSON text"],
    ['{"a":1,}', 'Internal: line 1 column 8: a key in double quotes expected, found "}"'],
    ["[1,\n 2 3]", 'Internal: line 2 column 4: "," or "]" expected, found "3"'],
    ['"abc', 'Internal: line 1 column 5: a closing " expected, found the end of the text'],
    ['"a\\q"', /^Internal: line 1 column 3: a valid escape/],
    ['{"a"}', 'Internal: line 1 column 5: ":" expected, found "}"'],
    ["tru", 'Internal: line 1 column 1: a value expected, found "t"'],
    [" ", "Internal: line 1 column 2: a value expected, found the end of the text"],
    ["[".repeat(200), "Internal: cannot decode values nested deeper than 128 levels"],
  ])("%s", async (text, expected) => {
    const shown = await decode(text);
    if (typeof expected === "string") expect(shown).toBe(expected);
    else expect(shown).toMatch(expected);
  });

  test("128 levels pass, 129 do not", async () => {
    expect(await decode("[".repeat(128) + "]".repeat(128))).toStartWith("{1={1=");
    expect(await decode("[".repeat(129) + "]".repeat(129))).toStartWith("Internal: ");
  });

  test("what is not a string fails", async () => {
    expect(await evaluate("local v, err = json.decode(5) return err:kind()")).toBe("Invalid");
  });
});

describe("there and back", () => {
  test("a table that had names is an empty object, before and after its keys are collected", async () => {
    const code = `
      local function emptied(t) for k in pairs(t) do t[k] = nil end return t end
      local all = {
        emptied({ a = 1 }), emptied({ [("long"):rep(20)] = 1 }), emptied({ 1, 2 }), emptied({ [7] = 1 }),
        emptied({ 1, a = 2 }), { a = nil }, {},
      }
      local before = json.encode(all)
      for i = 1, 300000 do all.dummy = { i } end all.dummy = nil
      assert(json.encode(all) == before, json.encode(all))
      all[1].b = 1 all[1].b = nil
      all[3][1] = 1
      return before .. json.encode(all[1]) .. json.encode(all[3]) .. json.encode({ x = emptied({ y = 1 }) })`;
    expect(await evaluate(code)).toBe('[{},{},[],[],{},[],[]]{}[1]{"x":{}}');
  });

  test("empty objects stay objects, as plain tables", async () => {
    const code = `
      local value = json.decode((...))
      setmetatable(value.a, {__index = {x = 1}})
      assert(getmetatable(value.c[1]) == nil and value.a.x == 1)
      local before = json.encode(value)
      value.c[1].now = "filled"
      return before .. " " .. json.encode(value)`;
    const text = '{"a":{},"b":[],"c":[{},{"n":null}]}';
    expect(await evaluate(code, { args: [text] })).toBe(
      '{"a":{},"b":[],"c":[{},{}]} {"a":{},"b":[],"c":[{"now":"filled"},{}]}',
    );
  });

  test("any JSON value comes back the same", async () => {
    const values = fc.sample(fc.jsonValue({ depthSize: "medium" }), 200)
      .map((value) => JSON.stringify(value))
      // nil leaves no trace in a table.
      .filter((text) => !text.includes("null"))
      // JavaScript writes floats from 2^63 to 10^21 as integers, which are refused.
      .filter((text) => !/(?<![\d.])\d{19,21}(?![\d.e])/.test(text));
    const code = `
      local out = {}
      for i, text in ipairs((...)) do out[i] = json.encode(json.decode(text)) end
      return out`;
    const results = await evaluate(code, { args: [values] }) as string[];
    expect(results.map((text) => JSON.parse(text))).toEqual(values.map((text) => JSON.parse(text)));
  });
});

test("a table that is in very many places is refused, and not written for ever", async () => {
  const code = `local t = {} for _ = 1, 60 do t = { t, t } end
    local _, err = json.encode(t)
    return err:kind() .. ": " .. err:message()`;
  expect(await evaluate(code)).toBe("Internal: cannot encode more than 1000000 values");
});

test("corners: what has no JSON, keys that are no text, halves of numbers, too large ones", async () => {
  const result = await evaluate(`
    local json = require("json")
    local function message(_, err) return err and err:message() or "no error" end
    return {
      json.encode({ on_click = print }),
      message(json.encode({ ["\\233"] = 1 })),
      message(json.decode("0123")),
      message(json.decode("1e")),
      message(json.decode("1e400")),
      json.decode("12 monkeys"),
    }`);
  expect(result).toEqual([
    '{"on_click":null}',
    "cannot encode a key that is not UTF-8 text",
    expect.stringContaining("the end of a number expected"),
    expect.stringContaining("the end of a number expected"),
    expect.stringContaining("larger than any that can be held"),
    12,
  ]);
});
