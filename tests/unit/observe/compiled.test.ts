import { expect, test } from "bun:test";
import { compiledText } from "../../../src/observe/compiled.ts";

test.each([
  ["nothing", [{}], undefined],
  [
    "no function yet",
    [{ compiled: { functions: 0, bytes: 0, milliseconds: 0, drops: 0 } }],
    undefined,
  ],
  [
    "two workers",
    [
      { compiled: { functions: 3, bytes: 2048, milliseconds: 4.4, drops: 0 } },
      { compiled: { functions: 1, bytes: 1024, milliseconds: 1, drops: 0 } },
    ],
    "4 functions, 3.0 KiB, in 5ms",
  ],
  [
    "all was dropped",
    [{ compiled: { functions: 0, bytes: 0, milliseconds: 1200, drops: 1 } }],
    "0 functions, 0 B, in 1.2s, dropped once",
  ],
  [
    "dropped often",
    [{ compiled: { functions: 2, bytes: 10, milliseconds: 80, drops: 7 } }],
    "2 functions, 10 B, in 80ms, dropped 7 times",
  ],
])("what is compiled, as it is read: %s", (_, workers, text) => {
  expect(compiledText(workers)).toBe(text);
});
