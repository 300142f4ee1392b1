import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test.each([["", ""], ["f", "Zg=="], ["fo", "Zm8="], ["foo", "Zm9v"], ["foobar", "Zm9vYmFy"]])(
  "%j is %j (RFC 4648)",
  async (text, encoded) => {
    const code = "return { base64.encode((...)), base64.decode(select(2, ...)) }";
    expect(await evaluate(code, { args: [text, encoded] })).toEqual([encoded, text]);
  },
);

test("any bytes come back", async () => {
  const code = `
    local all = {}
    for i = 0, 255 do all[#all + 1] = string.char(i) end
    local bytes = table.concat(all)
    return base64.decode(base64.encode(bytes)) == bytes`;
  expect(await evaluate(code)).toBe(true);
});

test.each(["Zg=", "Zg", "Z===", "Zm9v!", "Zm-_", "====", 5, {}])("%j is refused", async (given) => {
  const code = "local v, err = base64.decode((...)) return { v == nil, err:kind(), err:message() }";
  expect(await evaluate(code, { args: [given] })).toEqual([true, "Invalid", expect.any(String)]);
});

test("lines of MIME are read", async () => {
  expect(await evaluate('return base64.decode("Zm9v\\r\\nYmFy")')).toBe("foobar");
});
