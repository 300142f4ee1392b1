import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

describe("decode", () => {
  test.each([
    ["a: 1\nb: [x, 2.0, true, null]", 'value.a == 1 and value.b[1] == "x" and value.b[3] == true'],
    ["n: 9223372036854775807", "value.n == math.maxinteger"],
    ["f: 1.0\ni: 1", 'math.type(value.f) == "float" and math.type(value.i) == "integer"'],
    ["t: 2024-01-02T03:04:05Z", "value.t == 1704164645"],
    ["1: one\n2: two", 'value[1] == "one" and value[2] == "two"'],
    ["a: &x {k: v}\nb: *x", 'value.b.k == "v"'],
    ["a: |\n  two\n  lines\n", 'value.a == "two\\nlines\\n"'],
    ["first: 1\n---\nsecond: 2", "value.first == 1 and value.second == nil"],
    ["a: &x {k: v, l: w}\nb:\n  <<: *x\n  k: z", 'value.b.k == "z" and value.b.l == "w"'],
    [
      "mode: 0644\nbig: 1_000\nless: -1_0",
      "value.mode == 420 and value.big == 1000 and value.less == -10",
    ],
    ["just text", 'value == "just text"'],
  ])("%j", async (text, check) => {
    const code = `local value = assert(yaml.decode((...))) return ${check}`;
    expect(await evaluate(code, { args: [text] })).toBe(true);
  });

  test.each([
    ["", "Invalid"],
    [5, "Invalid"],
    ["a: [1", "Internal"],
    ["a: 1\n b: 2", "Internal"],
    ["a: *nowhere", "Internal"],
    [`a: ${"[".repeat(200)}${"]".repeat(200)}`, "Internal"],
    // Aliases that would unfold to a billion values.
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n` +
      "bcdefghi".split("").map((name, i) => {
        const before = "abcdefgh"[i];
        return `${name}: &${name} [${Array(9).fill(`*${before}`).join(",")}]`;
      }).join("\n"),
      "Internal",
    ],
  ])("%j is refused", async (text, kind) => {
    const code = "local v, err = yaml.decode((...)) return { v == nil, err:kind() }";
    expect(await evaluate(code, { args: [text] })).toEqual([true, kind]);
  });
});

describe("encode", () => {
  test("a text that would be read as something else has quotes, and comes back as text", async () => {
    const texts = [
      "2024-01-02",
      "2024-01-02T03:04:05Z",
      "yes",
      "off",
      "y",
      "1_000",
      "017",
      "0o17",
      "12:30",
    ];
    texts.push("true", "null", "~", "1.5", "1e3", "0x1F", ".inf", "<<", "", "a: b", "# no", "- x");
    const code = `
      local text = yaml.encode({ list = ... })
      for i, value in ipairs(assert(yaml.decode(text)).list) do
        assert(value == (...)[i], tostring(value))
      end
      return yaml.encode({ a = "yes", b = "2024-01-02", c = "plain", d = true })`;
    expect(await evaluate(code, { args: [texts] }))
      .toBe('a: "yes"\nb: "2024-01-02"\nc: plain\nd: true\n');
  });

  test("keys are sorted, the listed ones first at every level", async () => {
    const code = `
      local value = { b = { z = 1, name = "x" }, name = "n", a = { 1, 2.0, "two" } }
      return { yaml.encode(value), yaml.encode(value, { field_order = { "name" } }) }`;
    expect(await evaluate(code)).toEqual([
      'a:\n    - 1\n    - 2.0\n    - two\nb:\n    name: x\n    z: 1\nname: "n"\n',
      'name: "n"\na:\n  - 1\n  - 2.0\n  - two\nb:\n  name: x\n  z: 1\n',
    ]);
  });

  test("what is written is read back the same", async () => {
    const code = `
      local value = { s = "a: b # c", n = "123", t = "true", i = math.mininteger, f = 0.5, list = { { k = 1 }, {} },
        lines = "one\\ntwo\\n", empty = "", [1] = "mixed", [true] = 2 }
      local back = assert(yaml.decode(assert(yaml.encode(value))))
      for k, v in pairs(value) do
        if type(v) ~= "table" then assert(back[k] == v and math.type(back[k]) == math.type(v), tostring(k)) end
      end
      return back.list[1].k`;
    expect(await evaluate(code)).toBe(1);
  });

  test.each([
    '"text"',
    "nil",
    "{}, 5",
    '{}, { field_order = "x" }',
    "{}, { field_order = { 1 } }",
    '{ "\\xff" }',
    "{ [{}] = 1 }",
    "(function() local t = {} t.t = t return t end)()",
  ])("encode(%s) is Invalid", async (args) => {
    const code = `local v, err = yaml.encode(${args}) return { v == nil, err:kind() }`;
    expect(await evaluate(code)).toEqual([true, "Invalid"]);
  });
});
