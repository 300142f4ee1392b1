import { expect, test } from "bun:test";
import { exitStatus, type TerminalResult } from "../../../src/node/exit-status.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat } from "../../../src/vm/value.ts";

/** Status, standard output and standard error. */
function run(result: TerminalResult): [number, string, string] {
  const decode = (text: string | Uint8Array) =>
    typeof text === "string" ? text : new TextDecoder("latin1").decode(text);
  const written = { out: "", err: "" };
  const status = exitStatus(result, {
    out: { write: (text) => written.out += decode(text) },
    err: { write: (text) => written.err += decode(text) },
  });
  return [status, written.out, written.err];
}

test("values", () => {
  expect(run({ value: undefined })).toEqual([0, "", ""]);
  expect(run({ value: {} })).toEqual([0, "", ""]);
  expect(run({ value: [1] })).toEqual([0, "", ""]);
  expect(run({ value: "text" })).toEqual([0, "text\n", ""]);
  expect(run({ value: "" })).toEqual([0, "\n", ""]);
  expect(run({ value: Uint8Array.of(255) })).toEqual([0, "\u00ff\n", ""]);
  expect(run({ value: true })).toEqual([0, "", ""]);
  expect(run({ value: false })).toEqual([1, "", ""]);
});

test("numbers are truncated to what a status can be", () => {
  const status = (value: number | bigint | LuaFloat) => run({ value })[0];
  expect([0, 3, 2.9, -1, 256, 257].map(status)).toEqual([0, 3, 2, 255, 0, 1]);
  expect([NaN, Infinity, -Infinity].map(status)).toEqual([1, 1, 1]);
  expect(status(new LuaFloat(4))).toBe(4);
  expect(status(2n ** 62n + 5n)).toBe(5);
});

test("an error is told once", () => {
  const failed = (message: string) => run({ error: new WippyError("Internal", message) });
  expect(failed("broken")).toEqual([1, "", "broken\n"]);
  expect(failed("load: load: broken")).toEqual([1, "", "load: broken\n"]);
  expect(failed("load: other: broken")).toEqual([1, "", "load: other: broken\n"]);
});
