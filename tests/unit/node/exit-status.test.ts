import { expect, test } from "bun:test";
import { exitStatus, type TerminalResult } from "../../../src/node/exit-status.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { LuaFloat } from "../../../src/vm/value.ts";

/** Status, standard output and standard error. */
function run(result: TerminalResult, traces?: boolean): [number, string, string] {
  const decode = (text: string | Uint8Array) =>
    typeof text === "string" ? text : new TextDecoder("latin1").decode(text);
  const written = { out: "", err: "" };
  const status = exitStatus(result, {
    out: { write: (text) => written.out += decode(text) },
    err: { write: (text) => written.err += decode(text) },
  }, traces);
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
  expect([0, 3, 2.9, 0.9, 255].map(status)).toEqual([0, 3, 2, 0, 255]);
  // None of these wraps around to 0, which would look like a success.
  for (const value of [256, 257, 512, -1, -256, 1e300, -1e300, 2n ** 32n, -(2n ** 63n)]) {
    expect(status(value)).toBe(255);
  }
  expect([NaN, Infinity, -Infinity].map(status)).toEqual([1, 1, 1]);
  expect(status(new LuaFloat(4))).toBe(4);
  expect(status(5n)).toBe(5);
});

test("an error is told once", () => {
  const failed = (message: string) => run({ error: new WippyError("Internal", message) });
  expect(failed("broken")).toEqual([1, "", "broken\n"]);
  expect(failed("load: load: broken")).toEqual([1, "", "load: broken\n"]);
  expect(failed("load: other: broken")).toEqual([1, "", "load: other: broken\n"]);
});

test("the traceback of a raised error is written when that is asked for", () => {
  const luaStack = [
    "\nstack traceback:",
    "\t[C]: in function 'error'",
    "\ta.lua:1: in local 'inner'",
    "\t(...tail calls...)",
    "\ta.lua:2: in local 'fn'",
    "\tlua/kernel/x:3: in function <lua/kernel/x:1>",
  ].join("\n");
  const error = new WippyError("Internal", "a.lua:1: no", { luaStack });
  expect(run({ error })).toEqual([1, "", "a.lua:1: no\n"]);
  expect(run({ error }, true)[2]).toBe(
    "a.lua:1: no\nstack traceback:\n\ta.lua:1: in local 'inner'\n\t(...tail calls...)\n" +
      "\ta.lua:2: in function\n",
  );
  const returned = new WippyError("Internal", "no", { luaStack: "  a.lua:1 (local 'f')" });
  expect(run({ error: returned }, true)[2]).toBe("no\n");
});
