import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DEFAULT_LIMITS } from "../../../src/vm/read.ts";
import { checkValue, envelope, valueLimits } from "../../../src/vm/limits.ts";
import { maxRecordSize } from "../../../src/workflows/history/limits.ts";
import { maxDepth } from "../../../src/operations/json/write.ts";

test("the kernel has the same table, and every layer has this one", () => {
  const lua = readFileSync(new URL("../../../lua/kernel/core/limits.lua", import.meta.url), "utf8");
  const read = (name: string) =>
    new RegExp(`${name} = ([\\d *]+),`).exec(lua)?.[1]?.split("*").map(Number)
      .reduce((product, factor) => product * factor);
  expect(read("DEPTH")).toBe(valueLimits.depth);
  expect(read("VALUES")).toBe(valueLimits.values);
  expect(read("RECORD")).toBe(valueLimits.record);
  expect(DEFAULT_LIMITS).toEqual({
    depth: valueLimits.depth + envelope.depth,
    nodes: valueLimits.values + envelope.values,
    bytes: valueLimits.bytes,
  });
  expect([maxRecordSize, maxDepth]).toEqual([valueLimits.record, valueLimits.depth]);
});

test("a value with more values than allowed is refused", () => {
  const list = Array.from({ length: valueLimits.values }, () => 1);
  expect(checkValue(list, "it")).toBe(list);
  expect(() => checkValue([...list, 1], "it")).toThrow(
    `it: it holds more than ${valueLimits.values} values`,
  );
});
