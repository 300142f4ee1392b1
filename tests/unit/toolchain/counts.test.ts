import { expect, test } from "bun:test";
import { countsOf } from "../../../scripts/test.ts";

test("reads the counts at the end of bun test's output", () => {
  const output = "x.test.ts:\n(pass) a\n\n 12 pass\n 1 skip\n 2 fail\n 30 expect() calls\n";
  expect(countsOf(output)).toEqual({ passed: 12, failed: 2, skipped: 1 });
});

test("an error outside of a test is a failure", () => {
  expect(countsOf(" 3 pass\n 0 fail\n 1 error\n")).toEqual({ passed: 3, failed: 1, skipped: 0 });
});

test("an output without counts counts nothing", () => {
  expect(countsOf("error: no tests")).toEqual({ passed: 0, failed: 0, skipped: 0 });
});

test("numbers that tests print themselves do not count", () => {
  expect(countsOf("all 7 pass\n5 passengers\n 1 pass\n 0 fail\n")).toEqual({
    passed: 1,
    failed: 0,
    skipped: 0,
  });
});
