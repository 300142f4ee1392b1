import { describe, expect, test } from "bun:test";
import { valueLimits } from "../../../src/vm/limits.ts";
import { RowPacker, unpackRows } from "../../../src/vm/rows.ts";
import { LuaFloat, type LuaValue, PackedRows } from "../../../src/vm/value.ts";
import { makeVm, run } from "./make_vm.ts";

function packed(names: string[], rows: LuaValue[][]): Uint8Array {
  const packer = new RowPacker();
  for (const row of rows) for (const value of row) packer.value(value);
  return packer.finish(names, rows.length);
}

const bytes = Uint8Array.of(0, 255, 128);
const textual = Uint8Array.of(97, 98);
const long = "ü".repeat(5_000);
const values: LuaValue[] = [
  ...[1, 0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1],
  ...[2n ** 63n - 1n, -(2n ** 63n), 1.5, new LuaFloat(2), Infinity, -Infinity, 1e300],
  ...["", "text", "ünïcödé", "x".repeat(40), "x".repeat(41), "x".repeat(48), "x".repeat(49), long],
  ...[bytes, textual, new Uint8Array(0), true, false, undefined],
];
const names = values.map((_, at) => `${"column_".repeat(at)}${at}`);

/** Bytes that are UTF-8 are a string in Lua. */
const asText = (value: LuaValue) =>
  value instanceof Uint8Array && value[1] !== 255 ? new TextDecoder().decode(value) : value;

describe("rows in one piece", () => {
  test("become the tables that their values say, in the VM and outside", async () => {
    const rowOf = (list: LuaValue[]) =>
      Object.fromEntries(
        names.map((name, at) => [name, list[at]]).filter(([, value]) => value !== undefined),
      );
    const piece = packed(names, [values, values]);
    const outside = rowOf(values);
    expect(unpackRows(piece).map((row) => ({ ...row }))).toEqual([outside, outside]);
    const expected = rowOf(values.map(asText));
    const vm = await makeVm();
    const [rows, distinct] = run(
      vm,
      "local rows = ... return rows, rows[1] ~= rows[2]",
      new PackedRows(piece),
    );
    expect((rows as Record<string, LuaValue>[]).map((row) => ({ ...row }))).toEqual([
      expected,
      expected,
    ]);
    expect(distinct).toBe(true);
  });

  test("are tables like any other: they grow, shrink and are collected", async () => {
    const vm = await makeVm();
    const rows = Array.from({ length: 500 }, (_, i) => [i, `row ${i}`, i % 3 ? i / 7 : undefined]);
    expect(run(
      vm,
      `local rows = ...
      for mode = 1, 2 do
        collectgarbage(mode == 1 and "generational" or "incremental")
        for i, row in ipairs(rows) do
          assert(row.n == i - 1 and row.text == "row " .. i - 1)
          assert((row.part == nil) == (row.n % 3 == 0))
          for k = 1, 20 do row["k" .. k] = { i } end
          local count = 0
          for _ in pairs(row) do count = count + 1 end
          assert(count == (row.part and 23 or 22), count)
          for k = 1, 20 do row["k" .. k] = nil end
          rows[i].text = row.text
        end
        collectgarbage()
      end
      rows[#rows + 1] = "one more"
      table.remove(rows, 1)
      collectgarbage()
      return #rows, rows[1].n, rows[500]`,
      new PackedRows(packed(["n", "text", "part"], rows)),
    )).toEqual([500, 1, "one more"]);
  });

  test("keep the last of columns with one name, and may have no columns", async () => {
    const twice = packed(["a", "b", "a"], [[1, 2, 3], [1, 2, undefined]]);
    expect(unpackRows(twice).map((row) => ({ ...row }))).toEqual([{ a: 3, b: 2 }, { b: 2 }]);
    const vm = await makeVm();
    const [rows] = run(vm, "return ...", new PackedRows(twice));
    expect((rows as Record<string, LuaValue>[]).map((row) => ({ ...row }))).toEqual([
      { a: 3, b: 2 },
      { b: 2 },
    ]);
    const count = "local rows = ... return #rows, next(rows[1] or {})";
    expect(run(vm, count, new PackedRows(packed([], [[], []])))).toEqual([2, undefined]);
    expect(run(vm, count, new PackedRows(packed(["a"], [])))).toEqual([0, undefined]);
  });

  test("raise when memory is short, and the VM goes on", async () => {
    const vm = await makeVm({ memoryLimit: 24 * 2 ** 20 });
    const row = [1, "x".repeat(1_000)];
    const piece = (rows: number) =>
      new PackedRows(packed(["n", "text"], Array.from({ length: rows }, () => row)));
    const count = "local rows = ... return #rows, #rows[#rows].text";
    for (let round = 0; round < 3; round++) {
      expect(() => run(vm, count, piece(30_000))).toThrow("not enough memory");
      expect(run(vm, count, piece(1_000))).toEqual([1_000, 1_000]);
    }
  });

  test("are refused beyond what may cross at once", () => {
    const packer = new RowPacker();
    expect(() => {
      for (let i = 0; i <= 2 * valueLimits.values; i++) packer.integer(i);
      packer.finish(["n"]);
    }).toThrow("the rows are too large: they hold more than 1200000 values");
    packer.reset();
    const text = "x".repeat(valueLimits.bytes / 4);
    expect(() => {
      for (let i = 0; i < 5; i++) packer.text(text);
      packer.finish(["s"]);
    }).toThrow("more than 67108864 bytes of text");
  });
});
