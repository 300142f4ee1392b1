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
    [
      "[!!float 3, !!float '0x10', !!float 1_0.5, !!float .inf, !!int '7', 0b11, -0b1_0]",
      `math.type(value[1]) == "float" and value[1] == 3 and value[2] == 16 and value[3] == 10.5
        and value[4] == 1 / 0 and value[5] == 7 and value[6] == 3 and value[7] == -2`,
    ],
    [
      "[!!str 5, !!str true, !!bool 'true', !!null '', !!binary 'aGV sbG8=', !own x]",
      `value[1] == "5" and value[2] == "true" and value[3] == true and value[4] == nil
        and value[5] == "hello" and value[6] == "x"`,
    ],
    [
      "set: !!set {a, b}\nordered: !!omap [b: 1, a: 2]\npairs: !!pairs [x: 1, x: 2]",
      `value.set.a == true and value.set.b == true and value.ordered[1].b == 1
        and value.ordered[2].a == 2 and value.pairs[2].x == 2`,
    ],
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
    ["a: !!float abc", "Internal"],
    ["a: !!int 3.5", "Internal"],
    ["a: !!bool yes", "Internal"],
    ["a: !!null x", "Internal"],
    ["a: !!binary '%%%'", "Internal"],
    ["a: !!timestamp x", "Internal"],
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
      "0b11",
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
