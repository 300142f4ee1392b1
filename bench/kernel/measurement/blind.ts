/**
 * Sources of a runtime that cannot be looked into, to measure what it costs that the other one can.
 * @module
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../../..");

/** What is taken out of the kernel: file, text, how often it is there. */
const cuts: readonly [file: string, text: RegExp, times: number][] = [
  ["lua/kernel/functions/functions.lua", /^ {2}elseif timing\.on then\n(?: {4}.*\n)+/gm, 1],
  [
    "lua/kernel/functions/functions.lua",
    /^ +if err then\n +instance\.pool\.failed.*\n +end\n/gm,
    1,
  ],
  [
    "lua/kernel/functions/functions.lua",
    /^ {2}local time = instance\.since.*\n {2}if time then\n(?: {4}.*\n)+ {2}end\n/gm,
    1,
  ],
  [
    "lua/kernel/functions/functions.lua",
    /^ {2}if time and timing\.counted then\n.*\n {2}end\n/gm,
    1,
  ],
  [
    "lua/kernel/core/unit.lua",
    /^ +if unit\.observer then\n +unit\.observer\("(?:start|exit)".*\n +end\n/gm,
    3,
  ],
];

/** The kernel's files without what lets others look into it, by their paths. Throws when one has changed. */
export function withoutObservation(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [file, text, times] of cuts) {
    const before = files.get(file) ?? readFileSync(join(root, file), "utf8");
    const found = before.match(text)?.length ?? 0;
    if (found !== times) throw new Error(`${file}: ${text} is there ${found} times, not ${times}`);
    files.set(file, before.replace(text, ""));
  }
  return files;
}

/** Writes the sources of such a runtime to a folder. */
export function cutObservation(folder: string): void {
  for (const part of ["src", "lua", "package.json"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, "build"));
  cpSync(join(root, "build"), join(folder, "build"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const [file, text] of withoutObservation()) writeFileSync(join(folder, file), text);
}
