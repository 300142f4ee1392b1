import fc from "fast-check";
import { LuaFloat, type LuaValue } from "../../../src/vm/value.ts";

/** Values in the form in which Lua gives them back: what marshalling and packing must keep. */
export function luaValues(): fc.Arbitrary<LuaValue> {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toJSON", "a", "1"));
  const scalar: fc.Arbitrary<LuaValue> = fc.oneof(
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) =>
      Number.isSafeInteger(Number(n)) ? Number(n) : n
    ),
    fc.double().map((n) => Number.isSafeInteger(n) ? new LuaFloat(n) : n),
    text,
    fc.uint8Array({ maxLength: 40 }).map((bytes) => {
      // Bytes that are text come back as text.
      bytes = new Uint8Array([255, ...bytes]);
      return bytes;
    }),
  );
  const { value } = fc.letrec<{ value: LuaValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      { weight: 3, arbitrary: scalar },
      { weight: 1, arbitrary: fc.array(tie("value"), { minLength: 1, maxLength: 6 }) },
      {
        weight: 1,
        arbitrary: fc.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: false })
          .map((object) => Object.assign(Object.create(null), object) as LuaValue),
      },
      {
        weight: 1,
        // A Map has a key that is no string, and lacks 1, so it is neither object nor array.
        arbitrary: fc.array(fc.tuple(fc.integer({ min: 2 }), tie("value")), {
          minLength: 1,
          maxLength: 5,
        }).map((pairs) => new Map<LuaValue, LuaValue>([...pairs, [true, "x"]])),
      },
    ),
  }));
  return value;
}
