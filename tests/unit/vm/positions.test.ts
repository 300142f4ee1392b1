import { expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

// Lua's C code has 32 bits for a position: beyond them it must be behind the text, as it is with 64.
test.each([
  ["sub", `("text"):sub(1 << 62)`, [""]],
  ["sub, which would be 2", `("text"):sub((1 << 32) + 2)`, [""]],
  ["sub, to there", `("text"):sub(2, (1 << 32) + 2)`, ["ext"]],
  ["sub, from the end", `("text"):sub(-(1 << 32) - 2)`, ["text"]],
  ["byte", `("text"):byte(1 << 32)`, []],
  ["byte, which would be 2", `("text"):byte((1 << 32) + 2)`, []],
  ["byte, of several", `("text"):byte(1 << 32, -1)`, []],
  ["find", `("text"):find("t", (1 << 32) + 2)`, [undefined]],
  ["find of a plain text", `("text"):find("t", (1 << 32) + 2, true)`, [undefined]],
  ["match", `("text"):match("t", (1 << 32) + 2)`, [undefined]],
  ["gmatch", `("text"):gmatch("t", (1 << 32) + 2)()`, [undefined]],
  ["unpack", `pcall(string.unpack, "b", "abc", (1 << 32) + 2)`, [
    false,
    "bad argument #3 to 'string.unpack' (initial position out of string)",
  ]],
])("a position beyond 32 bits is behind the text: %s", async (_what, code, expected) => {
  expect(run(await makeVm(), `return ${code}`) as unknown[]).toEqual(expected);
});
