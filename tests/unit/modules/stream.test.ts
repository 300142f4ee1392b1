import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test("the module is there for entries that list it, and holds nothing", async () => {
  expect(
    await evaluate(
      `local stream, n = require("stream"), 0 for _ in pairs(stream) do n = n + 1 end return { type(stream), n }`,
    ),
  )
    .toEqual(["table", 0]);
});
