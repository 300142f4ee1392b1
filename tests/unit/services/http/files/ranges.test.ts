import { expect, test } from "bun:test";
import { rangesOf } from "../../../../../src/services/http/files/ranges.ts";

const range = (from: number, length: number) => ({ from, length });

test.each([
  [null, "whole"],
  ["items=0-1", "whole"],
  ["bytes=", "whole"],
  ["bytes=0-3", [range(0, 4)]],
  ["bytes=4-", [range(4, 6)]],
  ["bytes=-3", [range(7, 3)]],
  ["bytes=-30", [range(0, 10)]],
  ["bytes=8-99", [range(8, 2)]],
  ["bytes= 0-0 , 9-9", [range(0, 1), range(9, 1)]],
  ["bytes=20-30,0-0", [range(0, 1)]],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=3-1", "unsatisfiable"],
  ["bytes=a-b", "unsatisfiable"],
  ["bytes=1", "unsatisfiable"],
  ["bytes=-", "unsatisfiable"],
  ["bytes=--1", "unsatisfiable"],
  // More than the file is worth: a small request that would make a large response.
  ["bytes=0-9,0-9", "whole"],
  [`bytes=${Array.from({ length: 200 }, () => "0-0").join(",")}`, "whole"],
])("%p of ten bytes", (header, expected) => {
  expect(rangesOf(header, 10)).toEqual(expected as never);
});

test("nothing of an empty file can be had", () => {
  expect(rangesOf("bytes=0-", 0)).toBe("unsatisfiable");
  expect(rangesOf("bytes=-1", 0)).toBe("unsatisfiable");
});
