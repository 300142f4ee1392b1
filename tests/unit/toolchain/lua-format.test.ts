import { expect, test } from "bun:test";
import { formatLua } from "../../../scripts/lua-format.ts";

test("formats with the settings of stylua.toml", () => {
  expect(formatLua("local a='x'\nif a then\n    f 'y'\nend\n")).toBe(
    'local a = "x"\nif a then\n  f("y")\nend\n',
  );
});

test("breaks lines at 100 columns", () => {
  const call = `call(${Array.from({ length: 20 }, (_, i) => `"argument${i}"`).join(", ")})`;
  const widths = formatLua(call).split("\n").map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(100);
});

test("keeps the first line of a script", () => {
  expect(formatLua("#!/usr/bin/env wippy\nlocal a=1\n")).toBe(
    "#!/usr/bin/env wippy\nlocal a = 1\n",
  );
});

test("reads Lua 5.4: attributes, integer division, hexadecimal floats", () => {
  const source = "local a <close> = b // 2\nlocal c <const> = 0x1p63\n";
  expect(formatLua(source)).toBe(source);
});

test("throws where the source is no Lua", () => {
  expect(() => formatLua("x = = 2")).toThrow("unexpected token `=`");
});
