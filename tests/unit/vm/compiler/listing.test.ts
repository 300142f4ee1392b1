import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FunctionListing } from "../../../../src/vm/compiler/listing.ts";
import { makeVm } from "../make_vm.ts";

const programs = join(import.meta.dir, "../../../../bench/vm/programs");

/** What the functions of a chunk become. */
async function list(source: string): Promise<FunctionListing[]> {
  const vm = await makeVm({ jit: true });
  vm.load(source, "=app:here");
  return await vm.compiling!.hot!.list("=app:here");
}

test.each(readdirSync(programs))("the functions of %s are shown whole", async (file) => {
  const source = readFileSync(join(programs, file), "utf8");
  const functions = await list(source);
  expect(functions.length).toBeGreaterThan(1);
  const last = source.split("\n").length;
  for (const { from, to, bytes, refused, beginning, instructions } of functions) {
    expect(refused).toBeUndefined();
    expect(bytes).toBeGreaterThan(0);
    // Every block that is opened is closed.
    const text = [...beginning, ...instructions.flatMap(({ wasm }) => wasm)];
    const opened = text.filter((line) => /^ *(?:block|loop|if)\b/.test(line)).length;
    expect(text.filter((line) => line.trim() === "end")).toHaveLength(opened);
    for (const { line } of instructions) {
      expect(line).toBeGreaterThanOrEqual(from);
      expect(line).toBeLessThanOrEqual(to === 0 ? last : to);
    }
  }
});

test("instructions have their lines and constants, however far apart they are", async () => {
  const [, inner] = await list(`return function(t)
    t.name = "text"${"\n".repeat(300)}
    t[1] = 2.0
    return t.name .. 7 // 2
  end`);
  expect(inner!.instructions.map(({ line, text }) => `${line} ${text.replace(/ +/g, " ")}`))
    .toEqual([
      '2 SETFIELD 0 0 1 k ; "name" "text"',
      "303 SETI 0 1 2 k ; 2.0",
      '304 GETFIELD 1 0 0 ; "name"',
      "304 LOADI 2 3",
      "304 CONCAT 1 2",
      "304 RETURN1 1",
      "305 RETURN0",
    ]);
});

test.each([
  ["local x <close> = nil", "a variable to be closed"],
  [Array.from({ length: 2_000 }, () => "x = 1").join("\n"), "more than 2000 instructions"],
  ["goto middle ::top:: x = 1 ::middle:: if x then goto top end", "a jump into a loop"],
])("why a function is left to the interpreter is said", async (body, reason) => {
  const [whole] = await list(body);
  expect(whole).toMatchObject({ refused: reason, bytes: 0, beginning: [] });
  expect(whole!.instructions.length).toBeGreaterThan(0);
});
