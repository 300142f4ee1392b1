import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readJson } from "../../../../src/operations/json/read.ts";
import { writeJson } from "../../../../src/operations/json/write.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import { valueLimits } from "../../../../src/vm/limits.ts";
import { loadLuaModule } from "../../../../src/vm/module.ts";
import { type LuaValue, Vm } from "../../../../src/vm/vm.ts";
import { fn, makeVm, run } from "../make_vm.ts";
import { alike, random } from "./lua_values.ts";

/** What the host says instead of text or a value. */
function failure(error: unknown): string {
  if (error instanceof WippyError) return error.message;
  throw error;
}

/**
 * A VM whose `host.write(v)` and `host.read(text)` do in JavaScript what the natives do: `true` and the text, or the
 * value and a list of its empty objects; else `false` and why not.
 */
async function makeComparing() {
  const vm = await makeVm();
  vm.registerRaw("write", (L) => {
    try {
      const text = writeJson(vm.read(L, 1), new Set());
      vm.push(L, true);
      vm.push(L, text);
    } catch (error) {
      vm.push(L, false);
      vm.push(L, failure(error));
    }
    return 2;
  });
  vm.registerRaw("read", (L) => {
    try {
      const { value, emptyObjects } = readJson(vm.read(L, 1) as string);
      vm.push(L, true);
      vm.push(L, [value, emptyObjects]);
    } catch (error) {
      vm.push(L, false);
      vm.push(L, failure(error));
    }
    return 2;
  });
  return vm;
}

/**
 * `writes(v)`: whether the native wrote it, and whether that is what the host writes. `reads(text)`: whether the native
 * read it, and whether all is as if the host had.
 */
const compare = `
  ${alike}
  local function writes(value)
    local native = host.json_encode(value, {})
    local ok, text = host.write(value)
    return native ~= nil, native == nil or ok and native == text, native, text
  end
  local function count(set) local n = 0 for _ in next, set do n = n + 1 end return n end
  local function reads(text)
    local set = {}
    local native, value = host.json_decode(text, set)
    if not native then return false, true end
    local ok, known = host.read(text)
    if not ok or not alike(value, known[1], true) then return true, false end
    -- The empty objects are where the host has them.
    local found = {}
    local function pair(a, b)
      if type(a) ~= "table" then return end
      found[b] = a
      for k, v in next, a do pair(v, b[k]) end
    end
    pair(value, known[1])
    local objects = known[2] or {}
    for _, object in ipairs(objects) do if not set[found[object]] then return true, false end end
    return true, count(set) == #objects
  end
`;

const written: [string, string][] = [
  ["nothing", "nil"],
  ["booleans", "{ true, false }"],
  [
    "integers",
    `(function()
      local t = {}
      for shift = 0, 63 do
        for d = -1, 1 do t[#t + 1] = (1 << shift) + d t[#t + 1] = -(1 << shift) + d end
      end
      for power = 0, 18 do t[#t + 1] = 10 ^ power // 1 | 0 t[#t + 1] = (10 ^ power // 1 | 0) - 1 end
      return t
    end)()`,
  ],
  [
    "floats of few digits",
    `(function()
      local t = { 0.0, -0.0, 1.0, -1.0, 2^53 - 1, -2^53 + 1, 0.5, 1.5, 1e-6, 0.000123, 123456.789012345, 999999999999.25 }
      for i = 1, 2000 do t[#t + 1] = i / 100 t[#t + 1] = -i / 1000 t[#t + 1] = (i * 37 % 1000) / 8 end
      return t
    end)()`,
  ],
  [
    "every byte of ASCII",
    `(function() local t = {} for b = 0, 127 do t[b + 1] = ("x"):rep(b % 17) .. string.char(b) .. "y" end return t end)()`,
  ],
  [
    "characters of every length",
    `{ "é", "ß\\u{7ff}\\u{800}", "\\u{d7ff}\\u{e000}\\u{ffff}", "\\u{10000}\\u{10ffff}", "\\u{2027}\\u{2028}\\u{2029}\\u{202a}", "aâ€b" }`,
  ],
  ["HTML", `"<a href=\\"x\\">&amp;</a>"`],
  [
    "texts of every length",
    `(function() local t = {} for n = 0, 50 do t[n + 1] = ("z"):rep(n) .. "\\"" .. ("é"):rep(n) end return t end)()`,
  ],
  ["empty tables", "{ {}, {} }"],
  [
    "a table that had names",
    "(function() local t = { a = 1 } t.a = nil return { t, { x = t } } end)()",
  ],
  [
    "functions and coroutines",
    "{ { print, 1 }, { f = print, co = coroutine.create(print), x = 1 } }",
  ],
  ["only what has no JSON", "{ f = print }"],
  ["a function alone", "print"],
  [
    "a list in nodes",
    "(function() local t = {} for i = 100, 1, -1 do t[i] = i end return t end)()",
  ],
  ["a list in array and nodes", "{ 1, 2, [3] = 3, [4] = 4 }"],
  [
    "a list with an end",
    "(function() local t = { 1, 2, 3, 4, 5 } t[5] = nil t[4] = nil return t end)()",
  ],
  [
    "keys of every order",
    `{ b = 1, a = 2, [""] = 3, ab = 4, aa = 5, a1 = 6, ["é"] = 7, Z = 8, ["a\\0"] = 9, ["a\\0b"] = 10,
      commonprefix1 = 1, commonprefix10 = 2, commonprefix = 3, ["\\u{d7ff}"] = 11 }`,
  ],
  [
    "many keys",
    "(function() local t = {} for i = 1, 3000 do t['k' .. i * 7919 % 3001] = { i } end return t end)()",
  ],
  ["keys with escapes", `{ ['a"b'] = 1, ["<"] = 2, ["\\n"] = 3 }`],
  ["names that JavaScript knows", "{ __proto__ = 1, constructor = 2, toString = {} }"],
  [
    "what is shared",
    "(function() local s = { 1 } return { a = s, b = s, c = { s, { s } } } end)()",
  ],
  ["128 levels", "(function() local t = {} for _ = 2, 128 do t = { t } end return t end)()"],
  ["much text", "('text'):rep(100000)"],
];

/** What the native leaves to the host, which refuses some of it. */
const leftUnwritten: [string, string][] = [
  ["an object", "setmetatable({}, host.mark({ true }))"],
  ["a plain metatable", "{ setmetatable({ 1 }, {}) }"],
  ["holes", "{ 1, nil, 3 }"],
  ["numbers from 2 on", "{ [2] = 1 }"],
  ["other keys", "{ [1.5] = 1 }"],
  ["a mixed table", "{ 1, a = 2 }"],
  ["bytes", `"a\\xff"`],
  ["a key of bytes", `{ ["\\xff"] = 1 }`],
  ["keys of digits", `{ b = 1, ["10"] = 2, ["2"] = 3 }`],
  ["keys beyond U+DFFF", `{ ["\\u{e000}"] = 1, ["\\u{10000}"] = 2 }`],
  ["a float of many digits", "0.1 + 0.2"],
  ["large and small floats", "{ 2.0^53, 1e21, 1e-7, 5e-324 }"],
  ["no numbers", "{ 0/0, 1/0, -1/0 }"],
  ["a cycle", "(function() local t = {} t[1] = t return t end)()"],
  ["129 levels", "(function() local t = {} for _ = 2, 129 do t = { t } end return t end)()"],
  [
    "a million values and one",
    "(function() local t = {} for i = 1, 1000001 do t[i] = 1 end return t end)()",
  ],
];

describe("the native writes what the host writes", () => {
  test.each(written)("of %s", async (_, code) => {
    const vm = await makeComparing();
    const [native, same, one, other] = run(vm, `${compare} return writes(${code})`);
    expect(one).toEqual(other);
    expect([native, same]).toEqual([true, true]);
  });

  test.each(leftUnwritten)("and leaves %s to it", async (_, code) => {
    const vm = await makeComparing();
    expect(run(vm, `${compare} return (writes(${code}))`)).toEqual([false]);
  });

  test("of random values", async () => {
    const vm = await makeComparing();
    const [native, differences] = run(
      vm,
      `${compare}
      ${random}
      local native, differences = 0, {}
      for seed = 1, 4000 do
        local done, same = writes(random_value(seed))
        if done then native = native + 1 end
        if not same then differences[#differences + 1] = seed end
      end
      return native, differences`,
    );
    expect(Object.values(differences!)).toEqual([]);
    expect(Number(native)).toBeGreaterThan(1000);
  }, 60_000);

  test("of any float, or leaves it", async () => {
    const vm = await makeComparing();
    const write = fn(vm, "value", `return host.json_encode(value, {}) or "left"`);
    let native = 0;
    const check = (value: number) => {
      const [text] = vm.call(write, value);
      if (text === "left") return;
      native++;
      expect(text).toBe(JSON.stringify(value));
    };
    fc.assert(fc.property(fc.double({ noNaN: true }), check), { numRuns: 3000 });
    const decimals = fc.tuple(
      fc.integer({ min: -(10 ** 9), max: 10 ** 9 }),
      fc.integer({ min: 0, max: 9 }),
    )
      .map(([digits, places]) => Number(`${digits}e-${places}`));
    fc.assert(fc.property(decimals, check), { numRuns: 3000 });
    expect(native).toBeGreaterThan(2000);
  });
});

/** Texts that the native reads. */
const read: [string, string][] = [
  ["words", "[true,false,null]"],
  ["space", ' \t\r\n{ "a" : [ 1 , 2 ] , "b" : { } } \n'],
  [
    "integers",
    "[0,-0,1,-1,127,128,-128,9007199254740993,9223372036854775807,-9223372036854775807]",
  ],
  [
    "floats",
    "[0.0,-0.0,1.0,1.5,12.50,1e5,1E+5,1e-5,0.1,123456789.123456789,9007199254740992.0,1e22,1e23,1.7976931348623157e308]",
  ],
  [
    "floats of many digits",
    "[3.141592653589793238462643383279,5e-324,2.2250738585072014e-308,0e999,1e-400]",
  ],
  ["texts", '["","a","abcdefg","abcdefgh","abcdefghi","é€😀"]'],
  [
    "escapes",
    String
      .raw`["\"\\\/\b\f\n\r\t","\u0041\u00e9\u20ac\ud83d\ude00\u0000","long enough text \n and \u0042"]`,
  ],
  ["empty ones", '[{},[],{"a":{}},{"a":null},{"a":[null]},[{"b":null,"c":null}]]'],
  ["holes", "[1,null,3,null]"],
  [
    "keys without values",
    '[{"a":null,"b":1,"c":null},{"a":1,"b":null,"c":{"a":null,"b":2}},{"a":null,"x":{"a":null},"b":3}]',
  ],
  ["128 levels", "[".repeat(128) + "]".repeat(128)],
  ["a word alone", "true"],
  ["a number alone", "12"],
  ["a text alone", '"x"'],
  ["null alone", "null"],
  ["names that JavaScript knows", '{"__proto__":1,"constructor":{"toString":2}}'],
  ["long texts", JSON.stringify(["x".repeat(300), "é".repeat(70_000), '"'.repeat(70_000)])],
];

/** Texts that the native leaves to the host, which refuses most. */
const leftUnread: [string, string][] = [
  ...[
    "",
    " ",
    "[",
    "]",
    "{",
    "[1,]",
    "[,1]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{1:2}",
    "tru",
    "nul",
    "truE",
  ],
  ...[
    "01",
    "-",
    "1.",
    ".5",
    "1e",
    "1e+",
    "+1",
    "0x10",
    "1e400",
    "NaN",
    "[1 2]",
    '"',
    '"a',
    '"a\n"',
  ],
  ...[
    '"\\x"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\u0041"',
    '"\\',
    "1 2",
    "[1][2]",
  ],
  ...[
    "9223372036854775808",
    "-9223372036854775808",
    "123456789012345678901",
    '{"a":1,"a":2}',
    '{"a":1,"a":null}',
  ],
  ...['{"a":null,"a":1}', '{"a":null,"b":{"a":null},"a":null}', `{"${"k".repeat(41)}":null}`],
  ...['{"b":1,"10":2,"2":3}', "[".repeat(129) + "]".repeat(129), '"\0"', "\uFEFF1"],
].map((text) => [text.slice(0, 40), text]);

describe("the native reads what the host reads", () => {
  test.each(read)("of %s", async (_, text) => {
    const vm = await makeComparing();
    expect(run(vm, `${compare} return reads((...))`, text)).toEqual([true, true]);
  });

  test.each(leftUnread)("and leaves %j to it", async (_, text) => {
    const vm = await makeComparing();
    expect(run(vm, `${compare} return reads((...))`, text)).toEqual([false, true]);
  });

  test("and leaves bytes that are not text, and what is too much, to it", async () => {
    const vm = await makeVm();
    const decode = fn(vm, "text", "return (host.json_decode(text, {}))");
    expect(vm.call(decode, Uint8Array.of(0x22, 0xff, 0x22))).toEqual([]);
    const list = (values: number) => `[${"1,".repeat(values - 1)}1]`;
    expect(vm.call(decode, list(valueLimits.values))).toEqual([true]);
    expect(vm.call(decode, list(valueLimits.values + 1))).toEqual([]);
    expect(
      run(vm, `return host.json_decode('"' .. ("x"):rep((...)) .. '"', {})`, valueLimits.bytes),
    ).toEqual([]);
    expect(vm.call(decode, 5)).toEqual([]);
  }, 30_000);

  test("of random texts, whole and damaged", async () => {
    const vm = await makeComparing();
    const check = fn(vm, "text", `${compare} return reads(text)`);
    let whole = 0;
    let damaged = 0;
    const same = (text: string) => {
      const [native, equal] = vm.call(check, text);
      expect([text, equal]).toEqual([text, true]);
      return native === true;
    };
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (text) => {
        if (same(text)) whole++;
      }),
      { numRuns: 1500 },
    );
    const cut = fc.tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom("", ",", "]", '"', "\\", "1", "e", " ", "{", "é"),
    );
    fc.assert(
      fc.property(cut, ([text, at, put]) => {
        const index = at % text.length;
        if (same(text.slice(0, index) + put + text.slice(index + 1))) damaged++;
      }),
      { numRuns: 3000 },
    );
    expect(whole).toBeGreaterThan(700);
    expect(damaged).toBeGreaterThan(100);
  }, 60_000);

  test("of any decimal number", async () => {
    const vm = await makeVm();
    const decode = fn(vm, "text", "local _, v = host.json_decode(text, {}) return v");
    const number = fc.tuple(
      fc.constantFrom("", "-"),
      fc.bigInt({ min: 0n, max: 10n ** 25n }),
      fc.bigInt({ min: 0n, max: 10n ** 25n }),
      fc.integer({ min: -330, max: 280 }),
    ).map(([sign, whole, part, exponent]) => `${sign}${whole}.${part}e${exponent}`);
    const equals = (text: string) => {
      const [value] = vm.call(decode, text) as [LuaValue];
      const expected = Number(text);
      expect(Number(value)).toBe(expected === 0 ? 0 : expected);
    };
    fc.assert(fc.property(number, equals), { numRuns: 3000 });
    // Those of which most are read without C's `strtod`: few digits and a small exponent.
    const usual = fc.tuple(
      fc.constantFrom("", "-"),
      fc.bigInt({ min: 0n, max: 10n ** 19n - 1n }),
      fc.integer({ min: -23, max: 23 }),
    ).map(([sign, digits, exponent]) => `${sign}${digits}e${exponent}`);
    fc.assert(fc.property(usual, equals), { numRuns: 5000 });
    const shown = fc.double({ min: 1e-6, max: 2 ** 53, noNaN: true }).map(String);
    fc.assert(fc.property(shown, equals), { numRuns: 3000 });
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (value) => equals(value.toExponential()),
      ),
    );
  });
});

test("a decimal number in or near the middle of two floats is read as JavaScript does", async () => {
  const vm = await makeVm();
  const decode = fn(vm, "text", "local _, v = host.json_decode(text, {}) return v");
  const equals = (text: string) => {
    const [value] = vm.call(decode, text) as [LuaValue];
    expect([text, Number(value)]).toEqual([text, Number(text)]);
  };
  // A mantissa of 53 bits with a bit behind it, times a power of two from 2 ** -3 on, and the neighbors of its digits.
  const middle = fc.tuple(
    fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n }),
    fc.integer({ min: 0, max: 2 }),
    fc.constantFrom(-1n, 0n, 1n),
    fc.constantFrom(0, 0, 1, 7),
  ).map(([mantissa, power, near, smaller]) => {
    const thousandths = (mantissa * 2n + 1n) * 2n ** BigInt(power) * 125n;
    return `${thousandths + near}e-${3 + smaller}`;
  });
  fc.assert(fc.property(middle, equals), { numRuns: 5000 });
});

test.each(["incremental", "generational"])(
  "all or nothing where memory is short, %s",
  async (mode) => {
    const vm = await Vm.create({
      module: await loadLuaModule(),
      clock: () => 0,
      memoryLimit: 6 * 2 ** 20,
    });
    const [done, failed] = run(
      vm,
      `collectgarbage((...))
    local value = {}
    for i = 1, 400 do value[i] = { id = i, name = "name " .. i, price = i / 4, empty = {}, list = { i, "x" } } end
    local text = host.json_encode(value, {})
    local set = setmetatable({}, { __mode = "k" })
    local ballast
    local function take() while true do ballast = { ballast } end end
    local done, failed = 0, 0
    for round = 1, 60 do
      pcall(take)
      for _ = 1, round * 97 do ballast = ballast and ballast[1] end
      local ok, made, again = pcall(function()
        local read, copy = host.json_decode(text, set)
        return read, copy and host.json_encode(copy, {})
      end)
      if not ok then
        failed = failed + 1
        assert(made == "not enough memory", made)
      elseif made and again then
        done = done + 1
        assert(again == text, "another text")
      end
      ballast = nil
    end
    collectgarbage()
    assert(host.json_encode(value, {}) == text)
    return done, failed`,
      mode,
    );
    expect(Number(done)).toBeGreaterThan(5);
    expect(Number(failed)).toBeGreaterThan(5);
  },
);
