/**
 * From start to exit of a one-line script, with the executable, beside other ways to run a line.
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const rounds = quick ? 10 : 40;
const folder = temporaryFolder();
writeFileSync(join(folder, "hello.lua"), 'print("hello")\n');

/** Milliseconds of one start to exit, the median of some. Throws unless the program says hello. */
function milliseconds(command: readonly string[]): number {
  const times = Array.from({ length: rounds }, () => {
    const began = performance.now();
    if (outputOf(command, folder).trim() !== "hello") throw new Error(`${command[0]} said nothing`);
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[rounds >> 1]!;
}

await measure({
  figure: "binary.start",
  unit: "ms",
  better: "lower",
  n: rounds,
  target: 25,
  ours: () => milliseconds([...wippy, "hello.lua"]),
});

const peers = [
  { name: "bun", command: [process.execPath, "-e", 'console.log("hello")'] },
  { name: "node", command: ["node", "-e", 'console.log("hello")'] },
  { name: "lua5.4", command: ["lua5.4", "-e", 'print("hello")'] },
  { name: "erlang", command: ["erl", "-noshell", "-eval", 'io:format("hello~n"), halt().'] },
];

for (const { name, command } of peers) {
  if (!Bun.which(command[0]!)) continue;
  await measure({
    figure: `binary.start_beside_${name}`,
    unit: "ms",
    better: "lower",
    n: rounds,
    target: null,
    ours: () => milliseconds([...wippy, "hello.lua"]),
    peer: { name, run: () => milliseconds(command) },
  });
}
