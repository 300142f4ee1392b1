import { expect, test } from "bun:test";
import { memoryLimit } from "../../../../src/cli/run/memory-limit.ts";

/** The limit, and what was warned of. */
function limit(flag: string | undefined, system: Record<string, string> = {}): [number, string] {
  let warned = "";
  const bytes = memoryLimit(flag, { system, err: (text) => warned += text });
  return [bytes, warned];
}

test("sizes, from the flag first", () => {
  const sizes = ["1048576", "64K", "512M", "1G", "2TB", "1GiB", "3m"];
  expect(sizes.map((size) => limit(size))).toEqual([
    [1_048_576, ""],
    [65_536, ""],
    [536_870_912, ""],
    [1_073_741_824, ""],
    [2_199_023_255_552, ""],
    [1_073_741_824, ""],
    [3_145_728, ""],
  ]);
  expect(limit("1M", { GOMEMLIMIT: "2M" })).toEqual([1_048_576, ""]);
  expect(limit(undefined, { GOMEMLIMIT: "off" })).toEqual([1_073_741_824, ""]);
});

test("what is not a size is ignored, with a warning that names it", () => {
  const warning = (name: string, text: string) =>
    `warning: ${name} "${text}" is not a size and is ignored\n    hint: write 512M or 2G\n`;
  expect(limit("lots", { GOMEMLIMIT: "2M" })).toEqual([
    2_097_152,
    warning("--memory-limit", "lots"),
  ]);
  expect(limit("0")).toEqual([1_073_741_824, warning("--memory-limit", "0")]);
  expect(limit(undefined, { GOMEMLIMIT: "much" })).toEqual([
    1_073_741_824,
    warning("GOMEMLIMIT", "much"),
  ]);
});
