import { expect, test } from "bun:test";
import fc from "fast-check";
import { packAny, unpackAny } from "../../../src/vm/msgpack.ts";
import { packShort, unpackShort } from "../../../src/vm/short-lists.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";
import { luaValues } from "./lua_values.ts";

const plain = fc.array(
  fc.oneof(
    fc.string({ unit: "binary-ascii", maxLength: 80 }),
    fc.nat(300),
    fc.nat(0xffff_ffff),
    fc.boolean(),
    fc.constant(undefined),
  ),
  { maxLength: 17 },
);

test("what is packed is what msgpackr packs, and is what it was", () => {
  fc.assert(
    fc.property(plain, fc.boolean(), (list, object) => {
      const value: LuaValue[] = object ? [...list, {}] : list;
      const packed = packShort(value);
      const isShort = value.length <= 15 &&
        list.every((item) => typeof item !== "string" || item.length <= 64);
      expect(packed !== undefined).toBe(isShort);
      if (packed === undefined) return;
      expect(packed).toEqual(new Uint8Array(packAny(value)));
      expect(unpackShort(packed)).toEqual(unpackAny(packed) as LuaValue[]);
      expect(unpackShort(packed)).toEqual(value);
    }),
    { numRuns: 2000 },
  );
});

test("of any list, what is packed and read is what msgpackr makes of it", () => {
  fc.assert(
    fc.property(fc.array(luaValues(), { maxLength: 4 }), (list) => {
      const packed = packShort(list);
      if (packed) expect(packed).toEqual(new Uint8Array(packAny(list)));
      const bytes = packAny(list);
      const read = unpackShort(bytes);
      if (read) expect(read).toEqual(unpackAny(bytes) as LuaValue[]);
    }),
    { numRuns: 2000 },
  );
});

test("what bytes it reads, it reads as msgpackr does", () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 0x90, max: 0x9f }), bytes, (first, rest) => {
      const all = Uint8Array.of(first, ...rest);
      const read = unpackShort(all);
      if (read) expect(read).toEqual(unpackAny(all) as LuaValue[]);
    }),
    { numRuns: 5000 },
  );
});

test("null is nil", () => {
  expect(packShort([null])).toBeUndefined();
  expect(unpackShort(packAny([null]))).toEqual([undefined]);
});

test("what is not plain is left to msgpackr", () => {
  const again = {};
  const others: LuaValue[][] = [
    [-1],
    [-0],
    [1.5],
    [2 ** 32],
    [1n],
    ["é"],
    ["\ud800"],
    [[]],
    [{ a: 1 }],
    [again, again],
    [new Map()],
    [new Uint8Array(1)],
    [new LuaFloat(1)],
  ];
  for (const list of others) expect(packShort(list)).toBeUndefined();
});
