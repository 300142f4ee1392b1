import { expect, test } from "bun:test";
import { codeAt, codesOf, count } from "../../../scripts/profile.ts";

/** A jitdump file: a header of 40 bytes, then one record for each code. */
function dump(...codes: { start: number; size: number; name: string }[]): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32LE(40, 8);
  return Buffer.concat([
    header,
    ...codes.map(({ start, size, name }) => {
      const record = Buffer.alloc(56 + name.length + 1 + size);
      record.writeUInt32LE(record.length, 4);
      record.writeBigUInt64LE(BigInt(start), 32);
      record.writeBigUInt64LE(BigInt(size), 40);
      record.write(name, 56);
      return record;
    }),
  ]);
}

const file = dump(
  { start: 0x2000, size: 16, name: "JSC-WasmOMG: .wasm-function[luaH_get]#AWb1AZ" },
  { start: 0x1000, size: 8, name: "JSC-DFG: turn#BOJNlt" },
);

test("a jitdump lists the code of the engine by address, with plain names", () => {
  expect(codesOf(file)).toEqual([
    { start: 0x1000, size: 8, name: "turn (DFG)" },
    { start: 0x2000, size: 16, name: "luaH_get (wasm, OMG)" },
  ]);
});

test("a record that was cut off by the process's end is left out", () => {
  expect(codesOf(file.subarray(0, -1)).map(({ name }) => name)).toEqual(["luaH_get (wasm, OMG)"]);
});

test("an address belongs to the code around it", () => {
  const codes = codesOf(file);
  expect(codeAt(codes, 0x1007)?.name).toBe("turn (DFG)");
  expect(codeAt(codes, 0x1008)).toBeUndefined();
  expect(codeAt(codes, 0xfff)).toBeUndefined();
  expect(codeAt(codes, 0x200f)?.name).toBe("luaH_get (wasm, OMG)");
});

test("samples are counted by thread and by what is at their address", () => {
  const threads = count([
    "           wippy 12            2004 [unknown] ([JIT] tid 12)",
    "           wippy 12            2008 [unknown] ([JIT] tid 12)",
    "           wippy 12            3000 [unknown] (/tmp/perf-12.map)",
    "           wippy 12            4000 [unknown] (/opt/wippy)",
    " t Helper Thread 13 ffffffff84 clear_page ([kernel.kallsyms])",
    "",
  ], codesOf(file));
  expect(threads).toEqual(
    new Map([
      ["wippy 12", new Map([["luaH_get (wasm, OMG)", 2], ["made late", 1], ["wippy", 1]])],
      ["t Helper Thread 13", new Map([["clear_page (native)", 1]])],
    ]),
  );
});
