import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

const values = { tenant: "t1", limits: { max: 3, names: ["a", "b"] }, off: false };

test("values are those of the frame", async () => {
  const code =
    `return { ctx.get("tenant"), ctx.get("limits").names[2], ctx.get("off"), ctx.all().limits.max }`;
  expect(await evaluate(code, { values })).toEqual(["t1", "b", false, 3]);
});

test("tables are fresh copies", async () => {
  const code = `
    ctx.get("limits").max = 9
    ctx.all().limits.names[1] = "z"
    return { ctx.get("limits").max, ctx.get("limits").names[1] }`;
  expect(await evaluate(code, { values })).toEqual([3, "a"]);
});

test("what is missing is told", async () => {
  const code = `
    local _, missing = ctx.get("nope")
    local _, empty = ctx.get("")
    return { missing:kind(), missing:message(), empty:kind(), empty:message(), next(ctx.all()) == nil }`;
  expect(await evaluate(code)).toEqual(
    ["NotFound", "key not found: nope", "Invalid", "empty key", true],
  );
});

test("a key that is no string raises", async () => {
  expect(await evaluate(`return (pcall(ctx.get, 5))`)).toBe(false);
});
