import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkLayout, layoutConstants } from "../../../../src/vm/transform/layout_check.ts";

const root = join(import.meta.dir, "../../../..");
const text = readFileSync(join(root, "src/vm/natives/layout.as.ts"), "utf8");
const wasm = new Uint8Array(readFileSync(join(root, "build/lua.wasm")));
const constants = [...layoutConstants(text)];

describe("the layout that natives take for granted", () => {
  test("is Lua's", async () => {
    expect(constants.length).toBeGreaterThan(35);
    await checkLayout(wasm, text);
  });

  test.each(constants)("is checked: %s", async (name, value) => {
    const other = text.replace(new RegExp(`(${name}: \\w+ = )\\d+`), `$1${value + 1}`);
    await expect(checkLayout(wasm, other)).rejects.toThrow(`${name} is ${value}, not ${value + 1}`);
  });

  test("has no constant that nothing checks", async () => {
    const other = `${text}\nexport const OTHER: usize = 4;\n`;
    await expect(checkLayout(wasm, other)).rejects.toThrow("OTHER is undefined, not 4");
  });
});
