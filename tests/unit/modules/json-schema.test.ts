import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

/** What a call of the module gives: `true`, or `false Kind: message`. */
function validate(call: string, args: string[] = []) {
  return evaluate(
    `local ok, err = json.${call}
    return err and tostring(ok) .. " " .. err:kind() .. ": " .. err:message() or tostring(ok)`,
    { args },
  );
}

/** Validates JSON text against a schema of JSON text. */
function check(schema: unknown, data: unknown) {
  const text = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
  return validate("validate_string(...)", [text(schema), text(data)]);
}

const mismatch = "false Invalid: the data does not match the schema: ";
const bad = "false Invalid: invalid schema: ";

describe("validate", () => {
  const schema = '{ type = "object", properties = { n = { minimum = 1 } }, required = { "n" } }';

  test.each([
    [`validate(${schema}, { n = 2 })`, "true"],
    [`validate(${schema}, { n = 0 })`, `${mismatch}/n: must be >= 1`],
    [`validate(${schema}, {})`, `${mismatch}must be object`],
    [`validate(${schema}, json.decode("{}"))`, `${mismatch}must have required property 'n'`],
    [`validate('{"type": "integer"}', 1.0)`, "true"],
    [`validate('{"type": "integer"}', 1.5)`, `${mismatch}must be integer`],
    [`validate({ type = "boolean" }, false)`, "true"],
    [`validate({}, { 1 })`, "true"],
    [`validate({ properties = { a = {} }, required = {} }, { a = 1 })`, "true"],
    [`validate({ const = {} }, {})`, "true"],
    [`validate("false", 1)`, `${mismatch}boolean schema is false`],
    [`validate(nil, 1)`, "false Invalid: schema is required"],
    [`validate({})`, "false Invalid: data is required"],
    [`validate(1, 1)`, "false Invalid: schema must be a table or JSON text, not a number"],
    [
      `validate({ 1, a = 2 }, 1)`,
      `${bad}cannot encode a table with mixed keys: use either 1..n or strings, not both`,
    ],
    [`validate({ 1 }, 1)`, `${bad}it must be an object, true or false`],
    [`validate("null", 1)`, `${bad}it must be an object, true or false`],
    [
      `validate("{", 1)`,
      `${bad}line 1 column 2: a key in double quotes expected, found the end of the text`,
    ],
    [
      `validate({ type = "objct" }, 1)`,
      `${bad}/type: must be equal to one of the allowed values: ["array","boolean","integer","null","number","object","string"]`,
    ],
    [
      `validate({}, { 1, a = 2 })`,
      "false Invalid: the data is no JSON: cannot encode a table with mixed keys: use either 1..n or strings, not both",
    ],
    [`validate_string({})`, "false Invalid: data is required"],
    [`validate_string({}, {})`, "false Invalid: data must be a JSON string"],
    [
      `validate_string({}, "1 2")`,
      "false Invalid: the data is no JSON: there is text behind the value",
    ],
    [`validate_string({}, "\\xff")`, "false Invalid: the data is no JSON: it is not UTF-8 text"],
  ])("%s", async (call, expected) => {
    expect(await validate(call)).toBe(expected);
  });

  test("lists the mismatches in its details, with their paths", async () => {
    const listed = await evaluate(`
      local _, err = json.validate({ properties = { a = { items = { type = "string" } } } }, { a = { "x", 1 } })
      local first = err:details().errors[1]
      return first.path .. " " .. first.keyword .. " " .. first.message`);
    expect(listed).toBe("/a/1 type must be string");
  });
});

describe("draft 2020-12", () => {
  test.each([
    ["prefixItems", { prefixItems: [{ type: "string" }], items: false }, ["a"], ["a", 1]],
    ["dependentRequired", { dependentRequired: { a: ["b"] } }, { a: 1, b: 2 }, { a: 1 }],
    ["unevaluatedProperties", { properties: { a: {} }, unevaluatedProperties: false }, { a: 1 }, {
      b: 1,
    }],
    ["contains", { contains: { const: 1 }, minContains: 2 }, [1, 1], [1, 2]],
    ["$defs and $ref", { $ref: "#/$defs/x", $defs: { x: { type: "null" } } }, null, 1],
    ["a recursive $ref", { properties: { next: { $ref: "#" } }, required: ["v"] }, {
      v: 1,
      next: { v: 2 },
    }, { v: 1, next: {} }],
    [
      "$id",
      { $id: "https://example.com/a", $ref: "#x", $defs: { x: { $anchor: "x", type: "string" } } },
      '"s"',
      1,
    ],
    [
      "if, then, else",
      { if: { type: "string" }, then: { minLength: 2 }, else: { minimum: 2 } },
      3,
      '"a"',
    ],
    ["uniqueItems", { uniqueItems: true }, [{ a: 1, b: 2 }, { a: 1 }], [{ a: 1, b: 2 }, {
      b: 2,
      a: 1,
    }]],
    ["pattern", { pattern: "^[a-z]+$" }, '"abc"', '"ab1"'],
    ["patternProperties", { patternProperties: { "^a": false, "^b": true } }, { b: 1 }, { a: 1 }],
    ["enum of objects", { enum: [{ a: [1] }] }, { a: [1] }, { a: [2] }],
  ])("%s", async (_name, schema, good, wrong) => {
    expect(await check(schema, good)).toBe("true");
    expect(await check(schema, wrong)).toStartWith(mismatch);
  });

  test("two schemas may have the same $id", async () => {
    const id = "https://example.com/same";
    expect(await check({ $id: id, type: "string" }, '"s"')).toBe("true");
    expect(await check({ $id: id, type: "integer" }, '"s"')).toStartWith(mismatch);
    const metaId = "https://json-schema.org/draft/2020-12/schema";
    await check({ $id: metaId, type: "integer" }, 1);
    expect(await check({ type: "nonsense" }, 1)).toStartWith(bad);
  });

  test("a format is an annotation", async () => {
    expect(await check({ format: "email" }, '"no address"')).toBe("true");
  });
});

describe("a hostile schema", () => {
  const evil = '"]; globalThis.hacked = true; //';
  test.each([
    ["$async", { $async: true, type: "string" }, `${bad}$async is not a keyword of JSON Schema`],
    [
      "a remote $ref",
      { $ref: "https://example.com/other" },
      `${bad}can't resolve reference https://example.com/other from id #`,
    ],
    [
      "another draft",
      { $schema: "http://json-schema.org/draft-04/schema#" },
      `${bad}no schema with key or ref "http://json-schema.org/draft-04/schema#"`,
    ],
    [
      "a pattern that RE2 does not know",
      { pattern: "(a)\\1" },
      `${bad}error parsing regexp: invalid escape sequence: \`\\1\``,
    ],
    [
      "an integer beyond 2^53",
      '{"const": 9007199254740993}',
      `${bad}the integer 9007199254740993 is beyond 2^53`,
    ],
    [
      "a key that is special to JavaScript",
      '{"properties": {"\\u005f_proto__": {"type": "string"}}}',
      `${bad}__proto__ cannot be validated`,
    ],
    ["endless reference", { $ref: "#" }, `${bad}it refers to itself without end`],
    [
      "too long",
      { description: "x".repeat(70_000) },
      `${bad}its text is longer than 65536 characters`,
    ],
  ])("%s is refused", async (_name, schema, expected) => {
    expect(await check(schema, 1)).toBe(expected);
  });

  test("runs no code, whatever its names and values are", async () => {
    for (
      const schema of [
        { properties: { [evil]: { type: "string", const: evil } }, required: [evil, "'", "`${1}"] },
        { patternProperties: { [evil.replace("]", "")]: {} }, enum: [evil, "\\", "\u2028"] },
        { $defs: { [evil]: { $anchor: "a", title: evil } }, $ref: "#a", $comment: evil },
        { dependentRequired: { [evil]: [evil] }, unknown: { [evil]: evil }, multipleOf: 1 },
      ]
    ) await check(schema, { [evil]: 1 });
    expect("hacked" in globalThis).toBe(false);
  });

  test.each([
    ["references that double at each level", () => {
      const $defs: Record<string, unknown> = { d30: {} };
      for (let i = 0; i < 30; i++) {
        $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] };
      }
      return [{ $ref: "#/$defs/d0", $defs }, 1];
    }],
    ["a large enum against many items", () => [
      { items: { not: { enum: Array.from({ length: 5000 }, (_, index) => `v${index}`) } } },
      Array.from({ length: 20_000 }, () => "x"),
    ]],
    ["patterns over a long text", () => [
      {
        allOf: Array.from({ length: 100 }, (_, index) => ({ pattern: `(a+a+)+${index}$` })),
        minLength: 1,
      },
      JSON.stringify("a".repeat(100_000)),
    ]],
  ])("%s end", async (_name, make) => {
    const [schema, data] = make();
    const started = performance.now();
    const said = await check(schema, data);
    expect(said).toMatch(/takes more than 5000000 steps|does not match/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("many equal items are found in linear time", async () => {
    const items = Array.from({ length: 50_000 }, (_, index) => ({ index }));
    expect(await check({ uniqueItems: true }, items)).toBe("true");
  });

  test("a schema nested as deep as a value may be", async () => {
    const nested = (levels: number) => `${'{"not":'.repeat(levels)}{}${"}".repeat(levels)}`;
    expect(await check(nested(127), 1)).toStartWith(mismatch);
    expect(await check(nested(129), 1)).toStartWith(bad);
  });
});

describe("integers beyond 2^53", () => {
  test.each([
    [{ type: "integer" }, "true"],
    [{ maximum: 9007199254740991 }, `${mismatch}must be <= 9007199254740991`],
    [
      { multipleOf: 2 },
      "false Invalid: multipleOf cannot judge the integer 9007199254740993, which is beyond 2^53",
    ],
  ])("%o", async (schema, expected) => {
    expect(await check(schema, "9007199254740993")).toBe(expected);
  });
});

test("compiled schemas are kept by their content", async () => {
  /** Milliseconds that 200 validations take; the schemas are equal, or differ. */
  const time = async (title: string) => {
    const started = performance.now();
    const results = await evaluate(`
      local matched = 0
      for round = 1, 200 do
        local schema = { title = ${title}, properties = {} }
        for i = 1, 10 do schema.properties["k" .. i] = { type = "integer", minimum = i } end
        if json.validate(schema, { k1 = round }) then matched = matched + 1 end
      end
      return matched`);
    expect(results).toBe(200);
    return performance.now() - started;
  };
  await time('"warm"');
  expect(await time('"same"') * 2).toBeLessThan(await time("tostring(round)"));
});
