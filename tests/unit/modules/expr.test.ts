import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

/** Expression, what Lua must find it equal to (a Lua expression), and the environment. */
const results: [string, string, string?][] = [
  // Numbers: integers stay integers, `/` and powers are floats.
  ["1 + 2 * 3", "7"],
  ["(1 + 2) * 3", "9"],
  ["7 / 2", "3.5"],
  ["6 / 2", "3.0"],
  ["7 % 3", "1"],
  ["-7 % 3", "-1"],
  ["2 ** 3", "8.0"],
  ["2 ^ 3", "8.0"],
  ["2 ** 3 ** 2", "512.0"],
  ["-2 ** 2", "-4.0"],
  ["0x2A + 0o52 + 0b101010", "126"],
  ["1_000", "1000"],
  [".5 + 1e3", "1000.5"],
  ["1 + 1.0", "2.0"],
  ["9223372036854775807", "math.maxinteger"],
  ["9223372036854775807 + 1", "math.mininteger"],
  ["n * 3", "math.maxinteger * 3", "{ n = math.maxinteger }"],
  ["n == 9007199254740993", "true", "{ n = 9007199254740993 }"],
  // Comparison and logic.
  ["1 == 1.0", "true"],
  ["1 < 2 and 2 <= 2 && 3 > 2 && 3 >= 3", "true"],
  ["1 < 2 < 3", "true"],
  ["3 > 2 > 2", "false"],
  ['"a" < "b"', "true"],
  ["not true or !false", "true"],
  ["false || true and false", "false"],
  ["[1, [2]] == [1, [2.0]]", "true"],
  ["{a: 1} != {a: 2}", "true"],
  ["nil == x", "true", "{}"],
  ["x > 1 ? 'big' : 'small'", '"small"', "{ x = 1 }"],
  ["x ?: 'none'", "true", "{ x = true }"],
  ["if x == 1 { 'one' } else if x == 2 { 'two' } else { 'many' }", '"two"', "{ x = 2 }"],
  ["x ?? y ?? 5", "5", "{}"],
  ["(x ?? 1) + 1", "2", "{}"],
  // Members.
  ["user.name", '"Ann"', '{ user = { name = "Ann" } }'],
  ['user["name"]', '"Ann"', '{ user = { name = "Ann" } }'],
  ["user.missing", "nil", '{ user = { name = "Ann" } }'],
  ["user?.address?.street", "nil", "{ user = {} }"],
  ["user?.address.street.name", "nil", "{}"],
  ["user?.tags?.[0]", '"a"', '{ user = { tags = { "a" } } }'],
  ["list[0] + list[-1]", "4", "{ list = { 1, 2, 3 } }"],
  ["list[1:]", "{ 2, 3 }", "{ list = { 1, 2, 3 } }"],
  ["list[:-1]", "{ 1, 2 }", "{ list = { 1, 2, 3 } }"],
  ["list[1:2]", "{ 2 }", "{ list = { 1, 2, 3 } }"],
  ["list[:]", "{ 1, 2, 3 }", "{ list = { 1, 2, 3 } }"],
  ['"hello"[1:3]', '"el"'],
  ['$env["two words"]', "5", '{ ["two words"] = 5 }'],
  ['"x" in $env', "false", "{ y = 1 }"],
  // Texts.
  ["\"a\" + 'b' + `c\\n`", '"abc\\\\n"'],
  ['"\\u00e9\\n\\x41\\t"', '"é\\nA\\t"'],
  ['"hello" contains "ell" and "hello" startsWith "he" and "hello" endsWith "lo"', "true"],
  ['"hello" not contains "z"', "true"],
  ['"foobar" matches "^foo.*r$"', "true"],
  ['"foobar" not matches "^o"', "true"],
  ["2 in [1, 2] and 'a' in {a: 1} and 3 not in [1, 2]", "true"],
  ["1 in nil", "false"],
  // Collections.
  ["[1, 2, 3]", "{ 1, 2, 3 }"],
  ["{a: 1, 'b c': [2], (1 + 1): 3}", '{ a = 1, ["b c"] = { 2 }, [2] = 3 }'],
  ["1..4", "{ 1, 2, 3, 4 }"],
  ["3..1", "{}"],
  ["let x = 2; let y = x * 2; x + y", "6"],
  ["1; 2; 3", "3"],
  ["/* none */ 1 // one", "1"],
  // Predicates.
  ["filter(1..5, # > 3)", "{ 4, 5 }"],
  ["filter(1..5, {# > 3})", "{ 4, 5 }"],
  ["map(users, .name)", '{ "a", "b" }', '{ users = { { name = "a" }, { name = "b" } } }'],
  ["map(1..3, # * #index)", "{ 0, 2, 6 }"],
  [
    "filter(users, {.age > 20})[0].name",
    '"b"',
    '{ users = { { name = "a", age = 9 }, { name = "b", age = 30 } } }',
  ],
  ["all([1, 2], # > 0) and any([1, 2], # > 1) and one([1, 2], # > 1) and none([1], # > 1)", "true"],
  ["all([], # > 0)", "true"],
  ["find(1..5, # > 2)", "3"],
  ["find(1..5, # > 9)", "nil"],
  ["[findIndex(1..5, # > 2), findLast(1..5, # < 4), findLastIndex(1..5, # < 4)]", "{ 2, 3, 2 }"],
  ["count(1..5, # % 2 == 1)", "3"],
  ["count([true, false, true])", "2"],
  ["sum([1, 2, 3])", "6"],
  ["sum([1, 2], # * 10)", "30"],
  ["reduce(1..5, #acc + #)", "15"],
  ["reduce(1..5, #acc + #, 100)", "115"],
  ["groupBy(['a', 'bb', 'c'], len(#))", '{ { "a", "c" }, { "bb" } }'],
  ["sortBy([{n: 2}, {n: 1}], .n)", "{ { n = 1 }, { n = 2 } }"],
  ["sortBy([{n: 1}, {n: 2}], .n, 'desc')", "{ { n = 2 }, { n = 1 } }"],
  ["filter([[1, 2], [3]], any(#, # > 2))", "{ { 3 } }"],
  ["1..3 | map(# * 2) | sum()", "12"],
  // Numbers by function.
  ["[mean([1, 2, 3]), median([3, 1, 2]), median(1, 2)]", "{ 2.0, 2.0, 1.5 }"],
  ["[min(3, 1), max([3, 1], 5)]", "{ 1, 5 }"],
  [
    "[abs(-5), abs(-1.5), ceil(1.2), floor(1.8), round(1.5), round(-1.5)]",
    "{ 5, 1.5, 2.0, 1.0, 2.0, -2.0 }",
  ],
  ["[int('12'), int(1.9), float('1.5'), float(1)]", "{ 12, 1, 1.5, 1.0 }"],
  [
    "[bitand(10, 12), bitor(10, 12), bitxor(10, 12), bitnand(10, 12), bitnot(10)]",
    "{ 8, 14, 6, 2, -11 }",
  ],
  ["[bitshl(45, 2), bitshr(45, 2), bitushr(-5, 2)]", "{ 180, 11, 4611686018427387902 }"],
  // Texts by function.
  ["[len('héy'), len([1, 2]), len({a: 1})]", "{ 3, 2, 1 }"],
  ["[upper('aé'), lower('AÉ'), trim('  a '), trim('__a__', '_')]", '{ "AÉ", "aé", "a", "a" }'],
  [
    "[trimPrefix('HelloWorld', 'Hello'), trimSuffix('HelloWorld', 'World')]",
    '{ "World", "Hello" }',
  ],
  ["split('a,b,c', ',')", '{ "a", "b", "c" }'],
  ["split('a,b,c', ',', 2)", '{ "a", "b,c" }'],
  ["splitAfter('a,b,c', ',', 2)", '{ "a,", "b,c" }'],
  ["join(['a', 'b'], '-') + join(['c', 'd'])", '"a-bcd"'],
  ["replace('aXbX', 'X', '$&')", '"a$&b$&"'],
  ["replace('aXbX', 'X', '', 1)", '"abX"'],
  ["repeat('Hi', 3)", '"HiHiHi"'],
  ["[indexOf('apple pie', 'pie'), indexOf('a', 'b'), lastIndexOf('aXaX', 'X')]", "{ 6, -1, 3 }"],
  ["hasPrefix('ab', 'a') and hasSuffix('ab', 'b')", "true"],
  // Lists and maps by function.
  ["[first([1, 2]), last([1, 2]), get([1, 2], 1), get({a: 3}, 'a')]", "{ 1, 2, 2, 3 }"],
  ["first([]) ?? get([1], 7) ?? get(nil, 1)", "nil"],
  ["take([1, 2, 3], 2)", "{ 1, 2 }"],
  ["take([1], 5)", "{ 1 }"],
  ["[keys({b: 1, a: 2}), values({b: 1, a: 2})]", '{ { "a", "b" }, { 2, 1 } }'],
  ["toPairs({b: 1, a: 2})", '{ { "a", 2 }, { "b", 1 } }'],
  ["fromPairs([['a', 1], ['b', 2]])", "{ a = 1, b = 2 }"],
  ["sort([3, 1, 2])", "{ 1, 2, 3 }"],
  ["sort(['b', 'a'], 'desc')", '{ "b", "a" }'],
  [
    "[reverse([1, 2]), uniq([1, 1.0, 'a', 'a', [1], [1]]), concat([1], [2, 3])]",
    '{ { 2, 1 }, { 1, "a", { 1 } }, { 1, 2, 3 } }',
  ],
  ["flatten([1, [2, [3]]])", "{ 1, 2, 3 }"],
  // Conversions.
  [
    "map([nil, true, 1, 1.0, 'a', [], {}, now(), duration('1s')], type(#))",
    '{ "nil", "bool", "int", "float", "string", "array", "map", "time.Time", "time.Duration" }',
  ],
  ["string([1, 1.5, nil, {b: true, a: 'x'}])", '"[1 1.5 <nil> map[a:x b:true]]"'],
  [
    "toJSON({b: [1, 1.5], a: '<'})",
    '\'{\\n  "a": "\\\\u003c",\\n  "b": [\\n    1,\\n    1.5\\n  ]\\n}\'',
  ],
  [`fromJSON('{"a": [1, null, 9007199254740993]}').a[2]`, "9007199254740993"],
  ["toBase64('Hello') + fromBase64('SGk=')", '"SGVsbG8=Hi"'],
  // Times. The clock of the test stands.
  ["now().Year()", "2024"],
  ["now()", '"2024-06-15T14:30:45Z"'],
  ["now() - duration('1h30m') < now()", "true"],
  ["duration('1h30m').Minutes()", "90.0"],
  ["string(duration('90s') + duration('1.5ms'))", '"1m30.0015s"'],
  ["duration('2s')", "2000000000"],
  ["(date('2024-03-01') - date('2024-02-01')).Hours()", "696.0"],
  [
    "date('2023-08-14 12:00:00', '2006-01-02 15:04:05', 'Europe/Zurich')",
    '"2023-08-14T12:00:00+02:00"',
  ],
  ["date('Mon, 14 Aug 2023 00:00:01 GMT').Unix()", "1691971201"],
  ["date('2023-08-14').Format('Jan 2, 2006 at 3:04pm (MST)')", '"Aug 14, 2023 at 12:00am (UTC)"'],
];

const same = `
  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
  end`;

describe("eval", () => {
  test("gives the value of every expression of the table, with its subtype", async () => {
    // Lua reads the sources from arguments, so that their escapes stay as they are.
    const code = `${same}
      local sources, wrong = ..., {}
      local function try(i, env, wanted)
        local value, err = expr.eval(sources[i], env)
        if err or not same(value, wanted) then
          wrong[#wrong + 1] = sources[i] .. " => " .. tostring(err or (type(value) == "table" and json.encode(value)) or value)
        end
      end
      ${results.map(([, wanted, env = "{}"], i) => `try(${i + 1}, ${env}, ${wanted})`).join("\n")}
      return { #sources, wrong }`;
    expect(await evaluate(code, { args: [results.map(([source]) => source)] }))
      .toEqual([results.length, Object.create(null)]);
  });

  const refused: [string, string][] = [
    ["1 +", "unexpected end of the expression (1:4)"],
    ["1 2", 'unexpected token "2" (1:3)'],
    ["a ?? b + 1", "cannot be mixed"],
    ["'a", "literal not terminated"],
    ['"\\q"', "invalid escape"],
    ["1a", "bad number syntax"],
    ["a § b", "unrecognized character"],
    ["9223372036854775808", "too large"],
    ["nothing()", "unknown name nothing (1:1)"],
    ["len()", "not enough arguments to call len"],
    ["len([], [])", "too many arguments to call len"],
    ["# > 1", "outside of a predicate"],
    ["'a' + 1", "mismatched types string and int"],
    ["1 == 'a'", "mismatched types int and string"],
    ["1 and true", "mismatched types int and bool"],
    ["filter([1], 5)", "a predicate must be bool"],
    ["len(5)", "invalid argument for len (type int)"],
    ["'a' matches '('", "missing closing )"],
    ["let len = 1; len", "cannot redeclare builtin len"],
    ["let a = 1; let a = 2; a", "cannot redeclare variable a"],
    ["a.b.c", "cannot fetch c from <nil> (1:5)\n | a.b.c\n | ....^"],
    ["nothing.x", "cannot fetch x from <nil>"],
    ["list[7]", "index out of range: 7 (array length is 2)"],
    ["nothing < 1", "invalid operation: nil < int"],
    ["list + 1", "invalid operation: array + int"],
    ["1 % zero", "integer divide by zero"],
    ["int('x')", "int(x)"],
    ["filter(list, nothing)", "a predicate must yield a boolean, not nil"],
    ["duration('7d')", "invalid duration"],
    ["date('soon')", "invalid date"],
    ["fromJSON('{')", "invalid JSON"],
    ["1..10000000", "memory budget exceeded"],
    ["repeat('abcdefgh', 10000000)", "memory budget exceeded"],
    ["reduce(1..60, #acc + #acc, 'a')", "memory budget exceeded"],
    ["let l = 1..3000; count(l, count(l, true) > 0)", "takes more than 5000000 steps"],
    ["(".repeat(300) + "1" + ")".repeat(300), "nests deeper than 200 levels"],
    ["[1" + ", 1".repeat(20_000) + "]", "more than 10000 parts"],
    [" ".repeat(100_001), "longer than 100000 characters"],
  ];
  test.each(refused)("%j is refused", async (source, message) => {
    const code = `local v, err = expr.eval((...), { a = {}, list = { 1, 2 }, zero = 0 })
      return { v == nil, err:kind(), err:retryable(), err:message() }`;
    expect(await evaluate(code, { args: [source] }))
      .toEqual([true, "Internal", false, expect.stringContaining(message)]);
  });

  test("a chain of thousands of operators fits the stack", async () => {
    expect(await evaluate("return assert(expr.eval((...)))", { args: ["1+".repeat(4000) + "1"] }))
      .toBe(4001);
  });

  test("an empty expression is Invalid, another type raises", async () => {
    const code = `local v, err = expr.eval("")
      local w, compile = expr.compile("")
      return { v == nil, err:kind(), w == nil, compile:kind(), pcall(expr.eval, 5), pcall(expr.eval, "1", 5) }`;
    expect(await evaluate(code)).toEqual([
      true,
      "Invalid",
      true,
      "Invalid",
      false,
      false,
      expect.stringContaining("bad argument #2"),
    ]);
  });

  test("bytes that are not UTF-8 pass through, and tables with holes are lists", async () => {
    const code = `
      return { assert(expr.eval("x", { x = "\\xff" })) == "\\xff", assert(expr.eval("len(x)", { x = { [1] = 1, [3] = 3, a = 2 } })) }`;
    expect(await evaluate(code)).toEqual([true, 3]);
  });
});

describe("compile", () => {
  test("a program runs with several environments", async () => {
    const code = `local p = assert(expr.compile("price * count"))
      return { assert(p:run({ price = 2, count = 3 })), assert(p:run({ price = 1.5, count = 2 })),
        select(2, p:run({})):kind(), select(2, p:run()):kind() }`;
    expect(await evaluate(code)).toEqual([
      6,
      expect.objectContaining({ value: 3 }),
      "Internal",
      "Internal",
    ]);
  });

  test.each([
    ["x + 1", "{ x = 1 }", ""],
    ["x.deep.er", "{ x = { deep = 1 } }", ""],
    ["y + 1", "{ x = 1 }", "unknown name y (1:1)"],
    ["filter(x, # > y)", "{ x = {} }", "unknown name y"],
    ["x + 1", '{ x = "text" }', "mismatched types string and int"],
    ["x.y", "{ x = 5 }", "type int has no field y"],
    ["let x = 1; x", "{ x = 5 }", "cannot redeclare x"],
    ["let z = 1; z", "{ x = 5 }", ""],
    ["y", "nil", ""],
  ])("%s with %s", async (source, env, message) => {
    const code = `local p, err = expr.compile((...), ${env}) return err and err:message() or ""`;
    const found = await evaluate(code, { args: [source] });
    expect(found).toEqual(message === "" ? "" : expect.stringContaining(message));
  });
});
