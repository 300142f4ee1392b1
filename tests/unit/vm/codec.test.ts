import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { pack, unpack } from "../../../src/vm/codec.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";
import { luaValues } from "./lua_values.ts";

describe("pack and unpack", () => {
  test("any value is what it was", () => {
    fc.assert(
      fc.property(luaValues(), (value) => {
        expect(unpack(pack(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });

  test("equal values give equal bytes", () => {
    fc.assert(
      fc.property(luaValues(), (value) => {
        expect(pack(unpack(pack(value)))).toEqual(pack(value));
      }),
      { numRuns: 200 },
    );
  });

  test("the values that formats like to confuse", () => {
    const values: LuaValue[] = [
      undefined,
      new LuaFloat(-0),
      new LuaFloat(1),
      -(2n ** 63n),
      2n ** 63n - 1n,
      5n,
      NaN,
      -Infinity,
      2 ** 53 - 1,
      -(2 ** 31) - 1,
      new Uint8Array(0),
      new Uint8Array([0, 255]),
      "",
      "\u0000é😀",
      {},
      [],
      [undefined, 1, undefined],
      new Map(),
      new Map<LuaValue, LuaValue>([[1.5, "x"], [true, {}], [[1], [2]]]),
    ];
    for (const value of values) {
      const back = unpack(pack(value));
      if (typeof value === "object") expect(back).toEqual(value);
      else expect(Object.is(back, value)).toBe(true);
    }
  });

  test("null is undefined, as in Lua", () => {
    expect(unpack(pack(null))).toBeUndefined();
    expect(unpack(pack({ a: undefined, b: 1 }))).toEqual({ b: 1 });
  });

  test("cycles and shared tables stay one", () => {
    const shared: LuaValue = { x: 1 };
    const map = new Map<LuaValue, LuaValue>([[shared, shared]]);
    const list: LuaValue[] = [shared, map];
    const value: Record<string, LuaValue> = { shared, list };
    value.self = value;
    map.set("root", value);
    const back = unpack(pack(value)) as typeof value;
    const backList = back.list as LuaValue[];
    const backMap = backList[1] as typeof map;
    expect(back.self).toBe(back);
    expect(backList[0]).toBe(back.shared);
    expect(backMap.get("root")).toBe(back);
    expect(backMap.get(back.shared)).toBe(back.shared);
  });

  test("errors keep all that is known", () => {
    const details = { list: [1, 2] };
    const error = new WippyError("Timeout", "too late", {
      retryable: true,
      details,
      position: "app:x:1",
      luaStack: "stack",
    });
    const [back, again, of] = unpack(pack([error, error, details])) as [
      WippyError,
      WippyError,
      LuaValue,
    ];
    expect(back).toBeInstanceOf(WippyError);
    expect(back.toJSON()).toEqual(error.toJSON());
    expect(again).toBe(back);
    expect(of).toBe(back.details as LuaValue);
  });

  test("the bytes are their own, not a view of something larger", () => {
    const bytes = pack({ a: 1 });
    expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
    const copy = unpack(pack(new Uint8Array([200, 201]))) as Uint8Array;
    expect(copy.constructor).toBe(Uint8Array);
  });

  test("what is no Lua value is refused", () => {
    expect(() => pack((() => 1) as never)).toThrow("a function cannot be packed");
  });

  test("damaged bytes are an error", () => {
    const whole = pack({ key: "a long enough text", list: [1, 2, 3] });
    for (const bytes of [whole.slice(0, -3), new Uint8Array([0xc1]), new Uint8Array(0)]) {
      expect(() => unpack(bytes)).toThrow(WippyError);
    }
  });
});

test("texts of every length, beside each other and in any alphabet, come back as they were", () => {
  const alphabets = ["abcdefghij", "aäöüß", "日本語のテキスト", "🦊🐻a", "\u0000\n"];
  const texts = alphabets.flatMap((letters) =>
    [0, 1, 15, 16, 31, 32, 63, 64, 65, 255, 256, 70_000].map((length) =>
      letters.repeat(length).slice(0, length).toWellFormed()
    )
  );
  for (const text of texts) expect(unpack(pack(text))).toBe(text);
  expect(unpack(pack(texts))).toEqual(texts);
  const keyed = Object.fromEntries(texts.map((text) => [text, text]));
  expect({ ...unpack(pack(keyed)) as object }).toEqual(keyed);
  const packed = pack(["a text of some thirty characters", "and another one that is as long"]);
  expect(() => unpack(packed.subarray(0, packed.length - 4))).toThrow("packed value is damaged");
});
