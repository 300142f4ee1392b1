import { describe, expect, test } from "bun:test";
import { runFunction } from "../application.ts";

describe("payload", () => {
  test("formats", async () => {
    expect(await runFunction("return payload.format.JSON .. ' ' .. payload.format.LUA")).toBe(
      "json/plain lua/any",
    );
  });

  test("of a value and of an error", async () => {
    expect(
      await runFunction(`local p, e = payload.new({ a = 1 }), payload.new(errors.new("m"))
        return { p:get_format(), p:data().a, p:unmarshal().a, tostring(p), e:get_format(),
          e:data():message(), type(p) }`),
    ).toEqual([
      "lua/any",
      1,
      1,
      "payload{format=lua/any}",
      "golang/error",
      "m",
      "userdata",
    ]);
  });

  test("transcodes to JSON and back", async () => {
    expect(
      await runFunction(`local p = payload.new({ a = { 1, 2 } })
        local text = p:transcode(payload.format.JSON)
        local back = text:transcode(payload.format.LUA)
        return { text:get_format(), text:data().a[2], back:data().a[1] }`),
    ).toEqual(["json/plain", 2, 1]);
  });

  test("transcodes to YAML and MessagePack and back, and from one to the other", async () => {
    expect(
      await runFunction(`local format = payload.format
        local p = payload.new({ a = { 1, 2.5 }, b = "x" })
        local yaml, packed = p:transcode(format.YAML), p:transcode(format.MSGPACK)
        local between = yaml:transcode(format.MSGPACK)
        return { yaml:get_format(), yaml:transcode(format.BYTES):data(), packed:get_format(), #packed:transcode(format.STRING):data(),
          yaml:data(), packed:unmarshal(), between:transcode(format.LUA):data() }`),
    ).toEqual([
      "yaml/plain",
      "a:\n    - 1\n    - 2.5\nb: x\n",
      "application/msgpack",
      18,
      { a: [1, 2.5], b: "x" },
      { a: [1, 2.5], b: "x" },
      { a: [1, 2.5], b: "x" },
    ]);
  });

  test("a table with a positive integer among its keys is a list for others, else a map", async () => {
    expect(
      await runFunction(
        `local function json(v) return payload.new(v):transcode(payload.format.JSON):transcode(payload.format.BYTES):data() end
        return { json({ 1, 2, a = 3 }), json({ a = 1, [0] = 2, b = { 4, x = 5 } }), json({ [2] = 1 }), json({}) }`,
      ),
    ).toEqual(["[1,2]", '{"a":1,"b":[4]}', "[]", "[]"]);
  });

  test("an empty table is a map for others than JSON, which has its own rule", async () => {
    expect(
      await runFunction(
        `local format = payload.format
        local p = payload.new({ a = {}, b = { {} } })
        local function as(name, through)
          local q = through and p:transcode(through) or p
          return q:transcode(name):transcode(format.BYTES):data()
        end
        return { as(format.YAML), as(format.YAML, format.GOLANG),
          payload.new({ a = {} }):transcode(format.MSGPACK):transcode(format.BYTES):data(),
          payload.new({}):transcode(format.YAML):transcode(format.STRING):data(),
          payload.new({ {} }):transcode(format.JSON):transcode(format.STRING):data() }`,
      ),
    ).toEqual([
      "a: {}\nb:\n    - {}\n",
      "a: {}\nb:\n    - {}\n",
      new Uint8Array([0x81, 0xa1, 0x61, 0x80]),
      "{}\n",
      "[[]]",
    ]);
  });

  test("of the format golang/any has lists and maps alone", async () => {
    expect(
      await runFunction(
        `local function host(v) return payload.new(v):transcode(payload.format.GOLANG):data() end
        local given = { 1, "x", print, 4, a = 2 }
        local list, map = host(given), host({ a = given, [0] = 1, f = print, o = payload.new(1) })
        given[1] = 2
        local cyclic = {}
        cyclic.a = cyclic
        local _, deep = payload.new(cyclic):transcode(payload.format.GOLANG)
        local err = payload.new(errors.new("m")):transcode(payload.format.GOLANG):data()
        return { list[1], list[2], list[3] == nil, list[4], list.a == nil, map.a[1], map[0] == nil, map.f == nil,
          map.o == nil, deep:kind(), deep:message(), err:message(),
          host(5), host(nil) == nil, host(print) == nil }`,
      ),
    ).toEqual([
      ...[1, "x", true, 4, true, 1, true, true, true],
      ...["Internal", "tables nest deeper than 128 levels", "m", 5, true, true],
    ]);
  });

  test("scalars are text", async () => {
    expect(
      await runFunction(
        `local function text(v) return payload.new(v):transcode(payload.format.STRING):data() end
        return { text(5), text(true), text("x"), payload.new(5):transcode(payload.format.JSON):data() }`,
      ),
    ).toEqual(["5", "true", "x", 5]);
  });

  test("what has no way is an Internal error", async () => {
    expect(
      await runFunction(`local value, err = payload.new({}):transcode("x/y")
        local second, why = payload.new({}):transcode(payload.format.STRING)
        local cyclic = {}
        cyclic.a = cyclic
        local _, deep = payload.new(cyclic):transcode(payload.format.YAML)
        return { value == nil, err:kind(), second == nil, why:kind(), deep:kind() }`),
    ).toEqual([true, "Internal", true, "Internal", "Internal"]);
  });
});
