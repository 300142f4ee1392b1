import { expect, test } from "bun:test";
import { parsePid, workerOf } from "../../../src/node/pid.ts";

test("parsePid", () => {
  expect(parsePid("{app:processes|0x00041}")).toEqual({ host: "app:processes", uid: "0x00041" });
  expect(parsePid("{node@app:host|my|id}")).toEqual({ host: "app:host", uid: "my|id" });
  for (const text of ["", "{}", "{a}", "a|b", "{a|}"]) expect(() => parsePid(text)).toThrow(text);
});

test("workerOf takes the low six bits of a unit's number", () => {
  expect(workerOf("{a:b|0x00041}")).toBe(1);
  expect(workerOf("{a:b|0x0003f}")).toBe(63);
  expect(workerOf("{a:b|0xfffffffffffc2}")).toBe(2);
  expect(workerOf("{a:b|order-17}")).toBeUndefined();
});
