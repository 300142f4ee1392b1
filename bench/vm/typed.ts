/**
 * Typed Lua: the way of 1 MB through the front end beside Lua's own compiler, and the checker.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "../../scripts/sources.ts";
import { check } from "../../src/language/check/check.ts";
import { lower, parse } from "../../src/language/language.ts";
import { loadLuaModule } from "../../src/vm/module.ts";
import { Vm } from "../../src/vm/vm.ts";
import { measure } from "../kernel/measurement/measurement.ts";

const own = sourceFiles("**/*.lua", ["lua"]).map((path) =>
  readFileSync(join(root, path), "latin1")
);

/** Texts of this repository, over and over, until `size` of all is reached. */
function texts(size: number, of: (text: string) => number): string[] {
  const found: string[] = [];
  for (let sum = 0, at = 0; sum < size; at++) {
    const text = own[at % own.length]!;
    found.push(text);
    sum += of(text);
  }
  return found;
}

const megabyte = texts(1_000_000, (text) => text.length);
// A type in each makes it a text that is erased.
const typed = megabyte.map((text) => `type T = string; ${text}`);
const lines = texts(50_000, (text) => text.split("\n").length);

const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now });
const [compile] = vm.load("return function(text) assert(load(text)) end", "=bench");

/** Milliseconds of a run: the least of five after five to warm up, as other programs only add to it. */
function milliseconds(run: () => void): number {
  const times: number[] = [];
  for (let time = 0; time < 10; time++) {
    const began = performance.now();
    run();
    times.push(performance.now() - began);
  }
  return Math.min(...times.slice(5));
}

await measure({
  figure: "typed.compile_1_mb",
  unit: "ms",
  better: "lower",
  n: 1,
  target: 1 / 1.5,
  ours: () =>
    milliseconds(() => {
      for (const text of typed) {
        const lowered = lower(text);
        if (!lowered || "fault" in lowered) throw new Error("the text is not erased");
        vm.call(compile!, lowered.code);
      }
    }),
  peer: {
    name: "Lua's compiler",
    run: () =>
      milliseconds(() => {
        for (const text of megabyte) vm.call(compile!, text);
      }),
  },
});

await measure({
  figure: "typed.check_50000_lines",
  unit: "ms",
  better: "lower",
  n: 1,
  target: 2_000,
  ours: () =>
    milliseconds(() => {
      for (const text of lines) check(parse(text));
    }),
});
vm.close();
