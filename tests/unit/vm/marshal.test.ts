import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { WippyError } from "../../../src/vm/error.ts";
import { DEFAULT_LIMITS } from "../../../src/vm/read.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";
import { luaValues } from "./lua_values.ts";
import { makeVm, run } from "./make_vm.ts";

describe("from Lua to JavaScript", () => {
  const cases: [string, LuaValue][] = [
    ["nil", undefined],
    ["true", true],
    ["false", false],
    ["0", 0],
    ["-1", -1],
    ["2147483648", 2147483648],
    ["-2147483649", -2147483649],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9007199254740992", -9007199254740992n],
    ["math.maxinteger", 9223372036854775807n],
    ["math.mininteger", -9223372036854775808n],
    ["1.5", 1.5],
    ["1.0", new LuaFloat(1)],
    ["-0.0", new LuaFloat(-0)],
    ["2^53", 9007199254740992],
    ["1e300", 1e300],
    ["1/0", Infinity],
    ["0/0", NaN],
    ["''", ""],
    ["'héllo'", "héllo"],
    ["('ab'):rep(50)", "ab".repeat(50)],
    ["('é'):rep(50)", "é".repeat(50)],
    ["'a\\0b'", "a\0b"],
    ["'\\xff'", new Uint8Array([255])],
    ["('\\xff'):rep(60)", new Uint8Array(60).fill(255)],
    ["{}", {}],
    ["{ 1, 2, 3 }", [1, 2, 3]],
    ["{ [1] = 1, [2] = 2, [3] = 3 }", [1, 2, 3]],
    ["{ 1, 2, [3] = 3, [4] = 4 }", [1, 2, 3, 4]],
    ["{ 'a', nil, 'c' }", new Map<LuaValue, LuaValue>([[1, "a"], [3, "c"]])],
    ["{ nil, 'b' }", new Map([[2, "b"]])],
    ["{ [0] = 0, 1 }", new Map([[1, 1], [0, 0]])],
    ["{ [2] = 2, [3] = 3 }", new Map([[2, 2], [3, 3]])],
    ["{ a = 1, b = { c = true } }", { a: 1, b: { c: true } }],
    ["{ ['1'] = 'x' }", { "1": "x" }],
    ["{ 1, a = 2 }", new Map<LuaValue, LuaValue>([[1, 1], ["a", 2]])],
    ["{ [true] = 1 }", new Map([[true, 1]])],
    ["{ [1.5] = 1 }", new Map([[1.5, 1]])],
    ["{ [1 << 60] = 1 }", new Map([[1n << 60n, 1]])],
    ["{ [{ 1 }] = 1 }", new Map([[[1], 1]])],
    ["{ ['\\xff'] = 1 }", new Map([[new Uint8Array([255]), 1]])],
    ["{ f = print, a = 1 }", { a: 1 }],
    ["{ print }", [undefined]],
    ["print", undefined],
    ["coroutine.create(print)", undefined],
    ["io.stdout", undefined],
    ["setmetatable({ 1 }, host.mark({ true }))", undefined],
    ["setmetatable({ 1 }, host.mark({ [1] = true, __index = 1 }))", undefined],
    ["setmetatable({ 1 }, host.mark({ 'type' }))", undefined],
    ["setmetatable({ 1 }, host.mark({ { 2 } }))", [2]],
    ["setmetatable({ 1 }, { true })", [1]],
    ["setmetatable({ 1 }, { 'type' })", [1]],
    ["setmetatable({ 1 }, { { 2 } })", [1]],
    ["setmetatable({ 1 }, { [1] = false })", [1]],
    ["setmetatable({ 1 }, {})", [1]],
    ["{ setmetatable({}, host.mark({ true })), 2 }", [undefined, 2]],
  ];
  test.each(cases)("%s", async (code, expected) => {
    const vm = await makeVm();
    expect(run(vm, `return ${code}`)).toEqual([expected]);
    expect(run(vm, `return 1, ${code}`)).toEqual([1, expected]);
  });

  test("tables that grew and shrank", async () => {
    const vm = await makeVm();
    const grown = `local t = {} for i = 1, 100 do t[i] = i end`;
    expect(run(vm, `${grown} for i = 51, 100 do t[i] = nil end return t`)[0]).toHaveLength(50);
    expect(run(vm, `${grown} for i = 4, 100 do t[i] = nil end local n = #t return t, n`)).toEqual([
      [1, 2, 3],
      3,
    ]);
    expect(run(vm, `${grown} t[1] = nil return t`)[0]).toBeInstanceOf(Map);
    expect(run(vm, `local t = { a = 1, b = 2, c = 3 } t.a = nil t.b = nil return t`)).toEqual([
      { c: 3 },
    ]);
    expect(run(vm, `local t = {} for i = 100, 1, -1 do t[i] = i end return t`)[0]).toHaveLength(
      100,
    );
  });

  test("objects have no prototype, so that any key is only a key", async () => {
    const vm = await makeVm();
    const [value] = run(vm, `return { __proto__ = 1, constructor = 2, toString = 3 }`);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.entries(value as object).toSorted()).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
      ["toString", 3],
    ]);
  });

  test("cycles and shared tables stay one", async () => {
    const vm = await makeVm();
    const [value] = run(
      vm,
      `local shared = {} local t = { a = shared, b = shared, list = { shared } } t.self = t return t`,
    ) as [Record<string, LuaValue>];
    expect(value.self).toBe(value);
    expect(value.a).toBe(value.b);
    expect((value.list as LuaValue[])[0]).toBe(value.a);
  });
});

describe("from JavaScript to Lua", () => {
  test("kinds of numbers", async () => {
    const vm = await makeVm();
    const values = [1, 2 ** 31, -(2 ** 33), 5n, 2n ** 62n, 1.5, new LuaFloat(2), 1e300, -0];
    const kinds =
      `local r = {} for i, v in ipairs({ ... }) do r[i] = math.type(v) .. " " .. v end return r`;
    expect(run(vm, kinds, ...values)).toEqual([[
      "integer 1",
      "integer 2147483648",
      "integer -8589934592",
      "integer 5",
      "integer 4611686018427387904",
      "float 1.5",
      "float 2.0",
      "float 1e+300",
      "integer 0",
    ]]);
  });

  test("null, undefined and holes are nil", async () => {
    const vm = await makeVm();
    const body = "local a, b, c, d = ... return a, b, c[1], c[2], d.x, next(d)";
    expect(run(vm, body, null, undefined, [null, 2], { x: null }))
      .toEqual([undefined, undefined, undefined, 2, undefined, undefined]);
  });

  test("cycles and shared objects stay one", async () => {
    const vm = await makeVm();
    const shared = { x: 1 };
    const value: Record<string, LuaValue> = { a: shared, b: shared, m: new Map([[shared, 1]]) };
    value.self = value;
    expect(run(vm, "local v = ... return v.self == v, v.a == v.b, v.m[v.a]", value)).toEqual([
      true,
      true,
      1,
    ]);
  });

  test("a key that Lua cannot have is refused", async () => {
    const vm = await makeVm();
    expect(() => run(vm, "", new Map([[NaN, 1]]))).toThrow("NaN cannot be a key of a Lua table");
    expect(() => run(vm, "", new Map([[undefined, 1]]))).toThrow("cannot be a key");
  });
});

describe("there and back", () => {
  test("any value is what it was", async () => {
    const vm = await makeVm();
    fc.assert(
      fc.property(fc.array(luaValues(), { maxLength: 4 }), (values) => {
        expect(run(vm, "return ...", ...values)).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });
});

describe("bounds", () => {
  const limitOf = (action: () => unknown) => {
    try {
      action();
    } catch (error) {
      if (error instanceof WippyError) return [error.kind, error.details?.limit, error.message];
    }
    return undefined;
  };
  const nested = (depth: number) => {
    let value: LuaValue = {};
    for (let i = 1; i < depth; i++) value = [value];
    return value;
  };
  const nest = `local n = ... local t = {} for i = 2, n do t = { t } end return t`;

  test("depth", async () => {
    const vm = await makeVm();
    expect(run(vm, "return ...", nested(DEFAULT_LIMITS.depth))).toEqual([
      nested(DEFAULT_LIMITS.depth),
    ]);
    expect(limitOf(() => run(vm, "return 1", nested(DEFAULT_LIMITS.depth + 1)))).toEqual([
      "Invalid",
      "depth",
      `value too large to pass on: tables nest deeper than ${DEFAULT_LIMITS.depth} levels`,
    ]);
    expect(run(vm, nest, DEFAULT_LIMITS.depth)).toEqual([nested(DEFAULT_LIMITS.depth)]);
    expect(limitOf(() => run(vm, nest, DEFAULT_LIMITS.depth + 1))?.[1]).toBe("depth");
  });

  test("number of values", async () => {
    const vm = await makeVm({ limits: { nodes: 1000 } });
    const list = (n: number) => Array.from({ length: n }, () => 1);
    expect(run(vm, "return #...", list(1000))).toEqual([1000]);
    expect(limitOf(() => run(vm, "", list(1001)))?.[1]).toBe("nodes");
    const make = "local t = {} for i = 1, ... do t[i] = { x = i } end return t";
    expect(run(vm, make, 500)[0]).toHaveLength(500);
    expect(limitOf(() => run(vm, make, 501))?.[1]).toBe("nodes");
  });

  test("bytes of strings", async () => {
    const vm = await makeVm({ limits: { bytes: 10_000 } });
    expect(run(vm, "return #...", "x".repeat(10_000))).toEqual([10_000]);
    expect(limitOf(() => run(vm, "", "x".repeat(10_001)))?.[1]).toBe("bytes");
    expect(limitOf(() => run(vm, "", ["x".repeat(6000), "y".repeat(6000)]))?.[1]).toBe("bytes");
    expect(limitOf(() => run(vm, "return ('x'):rep(10001)"))?.[1]).toBe("bytes");
    expect(limitOf(() => run(vm, "return { ('x'):rep(6000), ('y'):rep(6000) }"))?.[1]).toBe(
      "bytes",
    );
  });
});
