/** From the options of a call to the request that is sent. */
import { expect, test } from "bun:test";
import { isPlain, options, requestOf } from "../../../../src/operations/http_client/request.ts";
import { LuaFloat, type LuaValue } from "../../../../src/vm/value.ts";

test.each<[LuaValue, boolean]>([
  [{}, true],
  [{ timeout: 5, stream: true, inherited_network: "app:net" }, true],
  [{ timeout: "1s" }, true],
  [{ timeout: new LuaFloat(2) }, false],
  [{ timeout: true }, false],
  [{ stream: 1 }, false],
  [{ inherited_network: 1 }, false],
  [{ headers: {} }, false],
  [{ unknown: 1 }, false],
  [[1], false],
  ["", false],
  [undefined, false],
])("options at first sight: %p", (given, plain) => {
  expect(isPlain(given)).toBe(plain);
  if (plain) expect<unknown>(options().parse(given)).toEqual(given);
});

test("an address that comes again makes the same request", () => {
  const address = "http://example.test/a?b=1#c";
  const query = { d: "2" };
  const whole = { url: "http://example.test/a?b=1", resource: "http://example.test/a?b=1" };
  for (let i = 0; i < 2; i += 1) {
    expect(requestOf("GET", address, {})).toMatchObject({ ...whole, headers: [] });
    expect(requestOf("GET", address, { query })).toMatchObject({
      ...whole,
      url: `${whole.url}&d=2`,
    });
    expect(requestOf("GET", "http://example.test", {})).toMatchObject({
      url: "http://example.test/",
      resource: "http://example.test",
    });
    expect(() => requestOf("GET", "ftp://example.test", {})).toThrow("is not supported");
  }
});

test("user and password of an address become a header, each time", () => {
  const made = () => requestOf("GET", "http://me:se%20cret@example.test/", {});
  expect(made()).toMatchObject({
    url: "http://example.test/",
    headers: [["Authorization", `Basic ${btoa("me:se cret")}`]],
  });
  expect(made()).toEqual(made());
});
