import { expect, test } from "bun:test";
import { statusOf } from "../../../src/admin/problem.ts";

test("each kind of error has its status; what is nobody's mistake is the server's", () => {
  expect(statusOf("NotFound")).toBe(404);
  expect(statusOf("AlreadyExists")).toBe(409);
  // What a caller waited for was canceled: an update whose run ended first.
  expect(statusOf("Canceled")).toBe(409);
  expect(statusOf("Internal")).toBe(500);
});
