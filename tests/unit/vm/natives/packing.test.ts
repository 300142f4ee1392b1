import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pack, unpack } from "../../../../src/vm/codec.ts";
import type { LuaExports } from "../../../../src/vm/exports.ts";
import type { VmOptions } from "../../../../src/vm/options.ts";
import { LuaFloat, LuaRef, type LuaValue, Packed, PackedList } from "../../../../src/vm/vm.ts";
import { luaValues } from "../lua_values.ts";
import { fn, makeVm, run } from "../make_vm.ts";
import { alike, random } from "./lua_values.ts";

/** Code of values that the natives leave to JavaScript, at least in part. */
const left: [string, string][] = [
  ["an Error", "fail('e')"],
  ["an Error inside", "{ 1, { e = fail('e') } }"],
  ["a table as key", "{ [{}] = 1 }"],
  ["a metatable of a metatable", "setmetatable({}, setmetatable({ x = 1 }, { y = 2 }))"],
  ["texts of digits as keys", "{ b = 1, ['10'] = 2, ['2'] = 3, a = 4 }"],
];

/** Code of values that are packed in JavaScript, at least in part. */
const leftWhenPacked: [string, string][] = [
  ["a weak table", "setmetatable({ 1 }, { __mode = 'k', x = 1 })"],
  ["what is its own metatable", "(function() local t = { 1 } return setmetatable(t, t) end)()"],
  ["a type", "{ setmetatable({}, host.mark({ 'type' })) }"],
  ["a metatable that is an object", "setmetatable({ 1 }, setmetatable({}, host.mark({ true })))"],
];

/** Code of values that the natives do. */
const done: [string, string][] = [
  ["nil", "nil"],
  ["booleans", "{ true, false }"],
  [
    "integers",
    `(function()
      local t = {}
      for shift = 0, 63 do
        for d = -1, 1 do t[#t + 1] = (1 << shift) + d t[#t + 1] = -(1 << shift) + d end
      end
      return t
    end)()`,
  ],
  [
    "floats",
    `{ 0.5, -0.0, 0.0, 1.0, -1.0, 2^31, 2^53, -2^53, 2^53 - 1, 2^63, 1e300, 1/0, -1/0, 0/0, -(0/0), 5e-324 }`,
  ],
  [
    "texts of every length",
    `(function()
      local t = {}
      for _, n in ipairs({ 0, 1, 31, 32, 40, 41, 255, 256, 65535, 65536 }) do
        t[#t + 1] = ("x"):rep(n)
        t[#t + 1] = ("é"):rep(n)
        t[#t + 1] = ("\\xff"):rep(n)
      end
      return t
    end)()`,
  ],
  [
    "bytes that look like UTF-8",
    `{ "\\xc0\\x80", "\\xc1\\xbf", "\\xe0\\x80\\x80", "\\xe0\\x9f\\xbf", "\\xed\\xa0\\x80", "\\xed\\xbf\\xbf",
      "\\xf0\\x8f\\xbf\\xbf", "\\xf4\\x90\\x80\\x80", "\\xf5\\x80\\x80\\x80", "\\xf8\\x88\\x80\\x80\\x80", "a\\xc3", "\\x80",
      "\\xef\\xbb\\xbfbom", "\\xef\\xbf\\xbe", "\\xf4\\x8f\\xbf\\xbf", "\\xe2\\x82", "ascii ascii \\xe2\\x82\\xac" }`,
  ],
  ["an empty table", "{}"],
  ["functions and coroutines", "{ print, f = print, 1, co = coroutine.create(print) }"],
  [
    "objects",
    "{ setmetatable({}, host.mark({ true })), o = setmetatable({}, host.mark({ true })), x = 1 }",
  ],
  ["only what is absent", "{ f = print }"],
  ["an object alone", "setmetatable({}, host.mark({ true }))"],
  [
    "tables that look like objects, types and views",
    "{ setmetatable({ 1 }, { true }), setmetatable({ 2 }, { 'type' }), setmetatable({ 3 }, { { 4 } }) }",
  ],
  ["tables with plain metatables", "setmetatable({ 1, x = 2 }, { __index = { true } })"],
  ["a metatable alone", "setmetatable({}, {})"],
  [
    "a metatable with something at 1",
    "{ setmetatable({}, { 5 }), setmetatable({}, { false, 2 }) }",
  ],
  [
    "instances of a class",
    `(function()
      local class = { name = "class", method = print }
      class.__index, class.all = class, { setmetatable({ 1 }, class), setmetatable({ 2 }, class) }
      return { class.all[1], setmetatable({ 3 }, class), class }
    end)()`,
  ],
  ["a list with holes", "{ 1, nil, 3 }"],
  [
    "a list with an end",
    "(function() local t = { 1, 2, 3, 4, 5 } t[5] = nil t[4] = nil return t end)()",
  ],
  [
    "a list in nodes",
    "(function() local t = {} for i = 100, 1, -1 do t[i] = i end return t end)()",
  ],
  ["a list in array and nodes", "{ 1, 2, [3] = 3, [4] = 4 }"],
  ["numbers from 2 on", "{ [2] = 2, [3] = 3 }"],
  [
    "other numbers",
    "{ [0] = 1, [-1] = 2, [1.5] = 3, [2^60] = 4, [math.maxinteger] = 5, [true] = 6, [false] = 7 }",
  ],
  ["a mixed table", "{ 1, 2, x = 3, [10] = 4 }"],
  ["a key that is no text", "{ ['\\xff'] = 1, x = 2, f = print }"],
  ["a function as key", "{ [print] = 1, x = 2 }"],
  ["long keys", "{ [('k'):rep(41)] = 1, [('k'):rep(300)] = 2 }"],
  ["names that JavaScript knows", "{ __proto__ = 1, constructor = 2, toString = {} }"],
  [
    "numbers that are almost indices",
    "{ ['1a'] = 1, ['-1'] = 2, ['1.5'] = 3, ['12345678901'] = 4 }",
  ],
  ["a cycle", "(function() local t = { 1 } t.self = t t.list = { t, { t } } return t end)()"],
  [
    "what is shared",
    "(function() local s = { 1 } return { a = s, b = s, c = { s, { s } }, [9] = s } end)()",
  ],
  [
    "much that is shared",
    `(function()
      local t = {}
      for i = 1, 200 do t[i] = { i } end
      for i = 1, 200 do t[200 + i] = t[i] end
      return t
    end)()`,
  ],
  ["many values", "(function() local t = {} for i = 1, 70000 do t[i] = i end return t end)()"],
  ["many keys", "(function() local t = {} for i = 1, 70000 do t['k' .. i] = i end return t end)()"],
  ["much text", "('text'):rep(100000)"],
  ["many levels", "nested(144)"],
];

/** A VM with Error objects, which counts what the natives do: `host.native(v)` and others, below. */
async function makeCounting(options: Partial<VmOptions> = {}) {
  const vm = await makeVm(options);
  const [construct, metatable] = vm.load(
    `local meta = host.mark({ true })
    function nested(n) local t = {} for _ = 2, n do t = { t } end return t end
    function fail(message, details)
      return setmetatable({ _kind = "Invalid", _message = message, _details = details }, meta)
    end
    return function(kind, message, retryable, details, stack)
      return setmetatable({ _kind = kind, _message = message, _details = details, _stack = stack }, meta)
    end, meta`,
    "=test",
  );
  let errorMetatable = 0;
  vm.registerRaw("note", (L, lua) => {
    errorMetatable = lua.lua_topointer(L, 1);
    return 0;
  });
  vm.call(fn(vm, "meta", "host.note(meta)"), metatable as LuaRef);
  vm.setErrorType({ construct: construct!, metatable: metatable! });
  const heapOf = (lua: LuaExports) => new Uint8Array(lua.memory.buffer);
  const [levels, values, bytes] = [144, 1_200_000, 2 ** 26];
  /** The first argument as the native packs it; undefined: it does not. */
  const native = (L: number, lua: LuaExports, first: number, count: number) => {
    const size = 64;
    const block = lua.malloc(size);
    const at = lua.pack_values(L, first, count, errorMetatable, levels, values, bytes, block, size);
    if (at === 0) {
      lua.free(block);
      return undefined;
    }
    const length = new Uint32Array(lua.memory.buffer)[672 / 4]!;
    const packed = heapOf(lua).slice(at, at + length);
    if (at !== block) lua.free(at);
    lua.free(block);
    return packed;
  };
  // packs(v) -> whether the native packs it, whether all ways give the same bytes.
  vm.registerRaw("packs", (L, lua) => {
    const packed = native(L, lua, 1, -1);
    const expected = pack(vm.read(L, 1, true));
    vm.push(L, packed !== undefined);
    vm.push(
      L,
      (packed === undefined || Buffer.compare(packed, expected) === 0) &&
        Buffer.compare(vm.pack(L, 1), expected) === 0,
    );
    return 2;
  });
  // unpacks(v) -> whether the native unpacks it, v unpacked, v unpacked as JavaScript does.
  vm.registerRaw("unpacks", (L, lua) => {
    const packed = pack(vm.read(L, 1, true));
    const block = lua.malloc(packed.length + 8);
    heapOf(lua).set(packed, block);
    const count = lua.unpack_values(L, block, packed.length, 0, levels, values, bytes);
    lua.free(block);
    if (count === 1) lua.lua_settop(L, -2);
    vm.push(L, count === 1);
    vm.push(L, new Packed(packed));
    vm.push(L, unpack(packed));
    return 3;
  });
  return vm;
}

describe("the natives do what pack and unpack do", () => {
  for (
    const [list, native, nativeUnpack] of [
      [done, true, true],
      [leftWhenPacked, false, true],
      [left, false, false],
    ] as const
  ) {
    test.each([...list])(`of %s (native: ${native}, ${nativeUnpack})`, async (_, code) => {
      const vm = await makeCounting();
      const [packs, sameBytes, unpacks, equal] = run(
        vm,
        `${alike}
        local value = ${code}
        local packs, same_bytes = host.packs(value)
        local unpacks, one, other = host.unpacks(value)
        return packs, same_bytes, unpacks, alike(one, other, unpacks)`,
      );
      expect([sameBytes, equal]).toEqual([true, true]);
      expect(packs).toBe(native);
      // JavaScript puts texts of digits in order; only their meeting with others is left to it.
      expect(unpacks).toBe(nativeUnpack);
    });
  }

  test("of random values that Lua makes", async () => {
    const vm = await makeCounting();
    const [packed, unpacked, differences] = run(
      vm,
      `${alike}
      ${random}
      local packed, unpacked, differences = 0, 0, {}
      for seed = 1, 4000 do
        local value = random_value(seed, {
          function() return function() end end,
          function() return coroutine.create(print) end,
          function() return setmetatable({}, host.mark({ true })) end,
          function() return fail("e", { 1, { field = "\\xff" } }) end,
        })
        local packs, same_bytes = host.packs(value)
        local unpacks, one, other = host.unpacks(value)
        if packs then packed = packed + 1 end
        if unpacks then unpacked = unpacked + 1 end
        if not (same_bytes and alike(one, other, unpacks)) then differences[#differences + 1] = seed end
        if type(one) == "table" then
          -- It is a table like any other: it grows, shrinks and is collected.
          for i = 1, 40 do one["k" .. i] = i end
          for i = 1, 40 do assert(one["k" .. i] == i) one["k" .. i] = nil end
        end
        if seed % 200 == 0 then
          collectgarbage(seed % 400 == 0 and "generational" or "incremental")
          collectgarbage()
        end
      end
      return packed, unpacked, differences`,
    );
    expect(Object.values(differences!)).toEqual([]);
    expect(Number(packed)).toBeGreaterThan(2500);
    expect(Number(unpacked)).toBeGreaterThan(2500);
  }, 60_000);

  test("of random values that JavaScript makes", async () => {
    const vm = await makeCounting();
    const check = fn(
      vm,
      "value",
      `${alike}
      local _, same_bytes = host.packs(value)
      local unpacks, one, other = host.unpacks(value)
      return same_bytes, alike(one, other, unpacks), alike(one, value)`,
    );
    fc.assert(
      fc.property(luaValues(), (value) => {
        expect(vm.call(check, value)).toEqual([true, true, true]);
      }),
      { numRuns: 1500 },
    );
  }, 60_000);
});

describe("lists", () => {
  test("are packed from any argument on, each by itself", async () => {
    const vm = await makeCounting();
    const lists: [Uint8Array, Uint8Array][] = [];
    vm.registerRaw("list", (L) => {
      const args = Array.from({ length: vm.top(L) - 1 }, (_, i) => vm.read(L, i + 2));
      lists.push([vm.packList(L, 2), pack(args)]);
      return 0;
    });
    run(
      vm,
      `local shared = { 1, { 2 } }
      shared.self = shared
      host.list("skipped")
      host.list("skipped", nil, 1, nil)
      host.list("skipped", shared, { shared }, { shared, shared })
      host.list("skipped", { 1 }, fail("e"), shared)
      host.list("skipped", table.unpack({}, 1, 100))`,
    );
    expect(lists).toHaveLength(5);
    for (const [packed, expected] of lists) expect(packed).toEqual(expected);
  });

  test("become arguments", async () => {
    const vm = await makeCounting();
    const count = fn(vm, "...", `return select("#", ...), ...`);
    const of = (...values: LuaValue[]) => vm.call(count, new PackedList(pack(values)));
    expect(of()).toEqual([0]);
    expect(of(1, undefined, "x")).toEqual([3, 1, undefined, "x"]);
    expect(of({ a: 1 }, [1, [2]], undefined)).toEqual([3, { a: 1 }, [1, [2]], undefined]);
    expect(vm.call(count, "first", new PackedList(pack([2, 3])))).toEqual([3, "first", 2, 3]);
    const many = Array.from({ length: 10_000 }, (_, i) => i);
    expect(of(...many)).toEqual([10_000, ...many]);
    expect(() => vm.call(count, new PackedList(pack(Array.from({ length: 2_000_000 }, () => 1)))))
      .toThrow("2000000 values are too many for Lua's stack");
    expect(() => vm.call(count, new PackedList(pack("x")))).toThrow("packed value is not a list");
  });

  test("keep what is shared within an argument, and not between two, as arguments that are read", async () => {
    const vm = await makeCounting();
    const shared = [1];
    const compare = fn(vm, "a, b", "return a[1] == a[2], a[1] == b[1], b[1] == b[2], b[1][1]");
    expect(vm.call(compare, new PackedList(pack([[shared, shared], [shared, shared]]))))
      .toEqual(vm.call(compare, [shared, shared], [shared, shared]));
  });
});

test("what is packed lies within what is pushed", async () => {
  const vm = await makeVm();
  const value = { rows: new Packed(pack([[1, "x"], [2, "y"]])), count: 2 };
  expect(run(vm, "local v = ... return v.rows[2][2], v.count", value)).toEqual(["y", 2]);
});

test("limits are those of values that are read and pushed", async () => {
  const limits = { depth: 10, nodes: 100, bytes: 1000 };
  const vm = await makeVm({ limits });
  const plain = await makeVm({ limits });
  vm.registerRaw("pack", (L) => {
    vm.push(L, new Packed(vm.pack(L, 1)));
    return 1;
  });
  const outcome = (body: () => LuaValue[]) => {
    try {
      return body();
    } catch (error) {
      return String(error);
    }
  };
  const nested = (n: number) => {
    let value: LuaValue = [];
    for (let i = 1; i < n; i++) value = [value];
    return value;
  };
  const list = (n: number) => Array.from({ length: n }, () => 1);
  const object = (n: number) => Object.fromEntries(list(n).map((_, i) => [`k${i}`, i]));
  const values: LuaValue[] = [
    ...[9, 10, 11, 12].map(nested),
    ...[99, 100, 101].map(list),
    ...[99, 100, 101].map(object),
    ...[999, 1000, 1001].map((n) => "x".repeat(n)),
    ...[499, 500, 501].map((n) => ["x".repeat(n), "y".repeat(n)]),
    ...[499, 500, 501].map((n) => ({ ["x".repeat(n)]: "y".repeat(n) })),
    [nested(9)],
    [list(60), list(39)],
    [list(60), list(38)],
  ];
  for (const value of values) {
    for (const wrap of [(v: LuaValue | Packed) => v, (v: LuaValue | Packed) => [v]]) {
      expect(outcome(() => run(vm, "return 1", wrap(new Packed(pack(value))))))
        .toEqual(outcome(() => run(plain, "return 1", wrap(value))));
    }
  }
  const made = [
    "nested(10)",
    "nested(11)",
    "list(100)",
    "list(101)",
    "('x'):rep(1000)",
    "('x'):rep(1001)",
    "{ ('x'):rep(500), ('y'):rep(500) }",
    "{ ('x'):rep(500), ('y'):rep(501) }",
    "{ list(60), list(38) }",
    "{ list(60), list(39) }",
  ];
  for (const code of made) {
    const body = `
      local function nested(n) local t = {} for _ = 2, n do t = { t } end return t end
      local function list(n) local t = {} for i = 1, n do t[i] = 1 end return t end
      return NAME(${code})`;
    const [packed, read] = [body.replace("NAME", "host.pack"), body.replace("NAME", "")];
    expect(outcome(() => run(vm, packed))).toEqual(outcome(() => run(plain, read)));
  }
});

test("damaged bytes are what they are to JavaScript, wherever the damage is", async () => {
  const vm = await makeVm();
  const whole = pack({
    key: "a text of some length",
    list: [1, 2 ** 20, -(2 ** 20), 1.5, new LuaFloat(1), 2n ** 62n],
    map: new Map<LuaValue, LuaValue>([[1, 2], [true, "x"]]),
    bytes: Uint8Array.of(255, 254),
  });
  const outcome = (value: () => Packed | LuaValue) => {
    try {
      return run(vm, "return ...", value());
    } catch (error) {
      return String(error);
    }
  };
  for (let length = 0; length < whole.length; length++) {
    const bytes = whole.subarray(0, length);
    expect(outcome(() => new Packed(bytes))).toEqual(outcome(() => unpack(bytes)));
  }
  // Texts that are no UTF-8 lose bytes in JavaScript, and keep them here.
  let compared = 0;
  for (let at = 0; at < whole.length; at++) {
    for (const byte of [0, 0x7f, 0x81, 0x91, 0xa1, 0xc0, 0xc4, 0xcb, 0xd4, 0xdd, 0xdf, 0xff]) {
      const bytes = whole.slice();
      bytes[at] = byte;
      const expected = outcome(() => unpack(bytes));
      if (Bun.inspect(expected).includes("\ufffd")) continue;
      compared++;
      expect(outcome(() => new Packed(bytes))).toEqual(expected);
    }
  }
  expect(compared).toBeGreaterThan(700);
});

test("packing and unpacking burn fuel", async () => {
  const vm = await makeCounting();
  const [small, list, text] = run(
    vm,
    `local function burnt(v)
      local co = coroutine.create(function() for _ = 1, 10 do host.packs(v) end end)
      host.slice(1000000000)
      host.resume(co)
      return host.burnt(co) // 10
    end
    local list = {} for i = 1, 100000 do list[i] = i end
    return burnt({}), burnt(list), burnt(("x"):rep(1000000))`,
  );
  expect(Number(small)).toBeLessThan(1000);
  expect(Number(list)).toBeGreaterThan(5_000);
  expect(Number(text)).toBeGreaterThan(15_000);
});

test("a large value leaves no memory behind", async () => {
  const vm = await makeCounting();
  const value = "x".repeat(3_000_000);
  vm.registerRaw("memory", (L, lua) => {
    vm.push(L, lua.memory.buffer.byteLength);
    return 1;
  });
  const cycle = fn(vm, "v", "host.packs(v) v = nil collectgarbage() return host.memory()");
  const packed = new Packed(pack([value]));
  const [before] = vm.call(cycle, packed);
  for (let i = 0; i < 15; i++) vm.call(cycle, packed);
  expect(Number(vm.call(cycle, packed)[0])).toBeLessThan(Number(before) + 2 * value.length);
});
