import { expect, test } from "bun:test";
import { pack } from "../../../../src/vm/codec.ts";
import type { Pushable } from "../../../../src/vm/push.ts";
import { RowPacker } from "../../../../src/vm/rows.ts";
import { Packed, PackedRows } from "../../../../src/vm/value.ts";
import { fn, makeVm } from "../make_vm.ts";

const metatable = { __index: { x: 1 } };

function rows(name: string, values: string[]): PackedRows {
  const packer = new RowPacker();
  for (const value of values) packer.value(value);
  return new PackedRows(packer.finish([name], values.length));
}

/** What makes tables of Lua without Lua's own assignments: code that returns one, of the argument. */
const makers: readonly [string, string, () => Pushable][] = [
  ["the native copy", "host.copy(...)", () => metatable],
  ["the native clone", "host.clone(...)", () => metatable],
  ["the native reader of MessagePack", "...", () => new Packed(pack(metatable))],
  ["the reader of MessagePack in JavaScript", "...", () => metatable],
  [
    "the native reader of JSON",
    "select(2, host.json_decode(..., {}))",
    () => JSON.stringify(metatable),
  ],
  [
    "the rows of a database",
    // Its __len is not a function, so the length operator raises if it honors it.
    "{ __index = { x = pcall(function(row) return #setmetatable({}, row) end, (...)[2]) and 0 or 1 } }",
    () => rows("__len", ["first", "second"]),
  ],
];

test.each(makers)("a table that %s made can be a metatable", async (_, code, argument) => {
  const vm = await makeVm();
  const read = fn(
    vm,
    "...",
    `local function made(...) return ${code} end
    return setmetatable({}, (made(...))).x`,
  );
  expect(vm.call(read, argument())).toEqual([1]);
});
