import { describe, expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

const algorithms = ["gzip", "deflate", "zlib", "brotli", "zstd"];

describe.each(algorithms)("%s", (name) => {
  test("bytes come back, smaller on the way, at every level", async () => {
    const code = `
      local data = ("abc\\0\\xff"):rep(20000)
      local sizes = {}
      for _, level in ipairs({ ${name === "brotli" ? "0, 5, 11" : "1, 6, 9"} }) do
        local packed = assert(compress.${name}.encode(data, { level = level }))
        assert(compress.${name}.decode(packed) == data)
        sizes[#sizes + 1] = #packed < 5000
      end
      return sizes`;
    expect(await evaluate(code)).toEqual([true, true, true]);
  });

  test.each([
    ["encode", '""', "Invalid"],
    ["encode", "5", "Invalid"],
    ["encode", '"x", { level = 99 }', "Invalid"],
    ["encode", '"x", { level = 1.5 }', "Invalid"],
    ["encode", '"x", 5', "Invalid"],
    ["decode", '""', "Invalid"],
    ["decode", '"neither of these formats"', "Invalid"],
    ["decode", 'packed, { max_size = "x" }', "Invalid"],
    ["decode", "packed, { max_size = 999 }", "Internal"],
    ["decode", "packed:sub(1, -4)", "Invalid"],
    ["decode", "packed, { max_size = 1000 }", "ok"],
    // A limit out of range is ignored.
    ["decode", "packed, { max_size = 0 }", "ok"],
  ])("%s(%s): %s", async (call, args, outcome) => {
    const code = `
      local packed = assert(compress.${name}.encode(("0123456789"):rep(100)))
      local value, err = compress.${name}.${call}(${args})
      return value and "ok" or err:kind()`;
    expect(await evaluate(code)).toBe(outcome);
  });

  test("a bomb is not unpacked beyond the limit", async () => {
    const code = `
      local bomb = ("\\0"):rep(20 * 1024 * 1024)
      local packed = assert(compress.${name}.encode(bomb))
      local _, err = compress.${name}.decode(packed, { max_size = 1024 * 1024 })
      return { #packed < 100000, err:kind(), err:details().limit }`;
    expect(await evaluate(code)).toEqual([true, "Internal", 1024 * 1024]);
  });
});

test("a dictionary is used on both sides", async () => {
  const code = `
    local dict = ("the quick brown fox jumps over the lazy dog "):rep(20)
    local text = "the quick brown fox jumps"
    local with = assert(compress.zstd.encode(text, { dict = dict }))
    local without = assert(compress.zstd.encode(text))
    local _, err = compress.zstd.decode(with)
    return { #with < #without, compress.zstd.decode(with, { dict = dict }), err:kind(),
      select(2, compress.zstd.train_dict({ text })):kind(), select(2, compress.zstd.inspect_dict("x")):kind(),
      compress.zstd.inspect_dict("\\x37\\xa4\\x30\\xec\\1\\0\\0\\0content").id }`;
  expect(await evaluate(code)).toEqual([
    true,
    "the quick brown fox jumps",
    "Invalid",
    "Unavailable",
    "Invalid",
    1,
  ]);
});

test.each([
  ["", "Invalid: samples must be a list of strings, got nil"],
  ["{}", "Invalid: one of the samples must have at least 8 bytes"],
  ['{ "short" }', "Invalid: one of the samples must have at least 8 bytes"],
  ['{ "long enough", 5 }', "Invalid: sample 2 must be a string, got number"],
  ['{ "short", "long enough" }', "Unavailable: dictionaries cannot be trained here"],
])("train_dict(%s) says %s", async (samples, message) => {
  const code = `local _, err = compress.zstd.train_dict(${samples})
    return err:kind() .. ": " .. err:message()`;
  expect(await evaluate(code)).toStartWith(message);
});
