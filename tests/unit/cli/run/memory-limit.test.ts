import { expect, test } from "bun:test";
import { memoryLimit } from "../../../../src/cli/run/memory-limit.ts";

test("sizes, from the flag first", () => {
  const sizes = ["1048576", "64K", "512M", "1G", "2TB", "1GiB", "3m"];
  expect(sizes.map((size) => memoryLimit(size, {}))).toEqual([
    1_048_576,
    65_536,
    536_870_912,
    1_073_741_824,
    2_199_023_255_552,
    1_073_741_824,
    3_145_728,
  ]);
  expect(memoryLimit("1M", { GOMEMLIMIT: "2M" })).toBe(1_048_576);
});

test("what is no size is passed over", () => {
  expect(memoryLimit("lots", { GOMEMLIMIT: "2M" })).toBe(2_097_152);
  expect(memoryLimit(undefined, { GOMEMLIMIT: "off" })).toBe(1_073_741_824);
  expect(memoryLimit("0", {})).toBe(1_073_741_824);
});
