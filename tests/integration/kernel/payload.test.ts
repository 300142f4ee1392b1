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

  test("what has no way is an Internal error", async () => {
    expect(
      await runFunction(`local value, err = payload.new({}):transcode("x/y")
        local second, why = payload.new({}):transcode(payload.format.STRING)
        return { value == nil, err:kind(), second == nil, why:kind() }`),
    ).toEqual([true, "Internal", true, "Internal"]);
  });
});
