import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
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
      select(2, compress.zstd.inspect_dict("x")):kind() }`;
  expect(await evaluate(code)).toEqual([
    true,
    "the quick brown fox jumps",
    "Invalid",
    "Invalid",
  ]);
});

/** Lua: texts that resemble one another, as a program may send them. */
const messages = `
  local samples = {}
  for i = 1, 300 do
    samples[i] = ('{"id":%d,"mail":"user%d@example.com","roles":["reader","%s"],"city":"Zürich"}')
      :format(i * 7919 % 1000, i, i % 3 == 0 and "writer" or "admin")
  end`;

test("a trained dictionary is one, and packs what resembles the samples", async () => {
  const code = `${messages}
    local dict = assert(compress.zstd.train_dict(samples, { size = 2000, id = 77 }))
    local own = assert(compress.zstd.train_dict(samples))
    local text = '{"id":5,"mail":"user5000@example.com","roles":["reader","admin"],"city":"Zürich"}'
    local plain, with = compress.zstd.encode(text), assert(compress.zstd.encode(text, { dict = dict }))
    local _, err = compress.zstd.decode(with, { dict = own })
    local facts, id = compress.zstd.inspect_dict(dict), compress.zstd.inspect_dict(own).id
    return { #dict <= 2000, #with * 2 < #plain, compress.zstd.decode(with, { dict = dict }) == text, err:kind(),
      facts.id, #dict - facts.content_size, id >= 32768 and id < 2 ^ 31,
      assert(compress.zstd.train_dict(samples)) == own }`;
  expect(await evaluate(code)).toEqual([true, true, true, "Invalid", 77, 151, true, true]);
});

test("the second example of the page runs", async () => {
  const page = readFileSync(join(root, "docs/reference/modules/compress.md"), "utf8");
  const [, example] = page.match(/^```lua\n(.*?)^```/gms)!.map((block) => block.slice(7, -3));
  expect(await evaluate(`${example} return { #dict <= 4096, #packed < #samples[7] / 2 }`)).toEqual([
    true,
    true,
  ]);
});

test.skipIf(Bun.which("zstd") === null)(
  "the program zstd and this runtime use each other's dictionaries (skipped without the program)",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "wippy-zstd-"));
    cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
    const own = await evaluate(`${messages}
      return assert(compress.zstd.train_dict(samples, { size = 1000 }))`);
    const at = (name: string) => join(folder, name);
    await Bun.write(at("own"), own as Uint8Array);
    const text = '{"id":5,"mail":"user5000@example.com"}';
    await Bun.write(at("text"), text);
    await Bun.$`zstd -q -D ${at("own")} ${at("text")} -o ${at("packed")}`;
    expect(await Bun.$`zstd -q -d -c -D ${at("own")} ${at("packed")}`.text()).toBe(text);

    const samples = Array.from({ length: 200 }, (_, i) => at(`sample-${i}`));
    for (const [i, file] of samples.entries()) {
      await Bun.write(file, `{"id":${i},"mail":"user${i * 31}@example.com","city":"Zürich"}`);
    }
    await Bun.$`zstd -q --train ${samples} --maxdict=2000 --dictID=5 -o ${at("theirs")}`.quiet();
    const theirs = Buffer.from(await Bun.file(at("theirs")).arrayBuffer()).toString("base64");
    const code = `
      local dict = assert(require("base64").decode("${theirs}"))
      local packed = assert(compress.zstd.encode("user5@example.com", { dict = dict }))
      local facts = assert(compress.zstd.inspect_dict(dict))
      return { compress.zstd.decode(packed, { dict = dict }), facts.id, facts.content_size > 100,
        facts.content_size < #dict - 20, select(2, compress.zstd.inspect_dict(dict:sub(1, 60))):kind() }`;
    expect(await evaluate(code)).toEqual(["user5@example.com", 5, true, true, "Invalid"]);
  },
);

test.each([
  ["", "Invalid: samples must be a list of strings, got nil"],
  ["{}", "Invalid: one of the samples must have at least 8 bytes"],
  ['{ "short" }', "Invalid: one of the samples must have at least 8 bytes"],
  ['{ "long enough", 5 }', "Invalid: sample 2 must be a string, got number"],
  ['{ "long enough" }, 5', "Invalid: options must be a table, got number"],
  ['{ "long enough" }, { size = 255 }', "Invalid: size must be from 256 to 1048576, got 255"],
  ['{ "long enough" }, { size = 1048577 }', "Invalid: size must be from 256 to 1048576"],
  ['{ "long enough" }, { id = -1 }', "Invalid: id must be from 0 to 4294967295, got -1"],
  ['{ "long enough" }, { id = "a" }', "Invalid: id must be an integer, got string"],
  ['{ "long enough" }, { level = 23 }', "Invalid: level must be from 1 to 22, got 23"],
])("train_dict(%s) says %s", async (samples, message) => {
  const code = `local _, err = compress.zstd.train_dict(${samples})
    return err:kind() .. ": " .. err:message()`;
  expect(await evaluate(code)).toStartWith(message);
});

test.each([
  ['{ "short", "long enough" }, { size = 256 }', 11],
  ['{ "12345678" }, { size = 256 }', 8],
  ['{ ("x"):rep(300000) }, { size = 256, level = 22 }', 200],
  ['{ ("\\0"):rep(8), "short" }, { size = 1048576, id = 4294967295 }', 8],
])("a dictionary of few different bytes has no more: train_dict(%s)", async (samples, most) => {
  const code = `local dict = assert(compress.zstd.train_dict(${samples}))
    local text = "some text, and long enough"
    local packed = assert(compress.zstd.encode(text, { dict = dict }))
    assert(compress.zstd.decode(packed, { dict = dict }) == text)
    return compress.zstd.inspect_dict(dict).content_size`;
  const size = await evaluate(code) as number;
  expect(size).toBeGreaterThanOrEqual(8);
  expect(size).toBeLessThanOrEqual(most);
});
