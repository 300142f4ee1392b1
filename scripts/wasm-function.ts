/**
 * Names the functions of `build/lua.wasm` that a stack trace or a profile knows by number only:
 *
 *     scripts/bun scripts/wasm-function.ts 575
 *
 * prints `575 luaV_execute`. A number without a name stands for a function of Lua's C source that
 * `src/vm/transform/symbols.ts` does not list.
 * @module
 */
import binaryen from "binaryen";
import { join } from "node:path";
import { functionNames } from "../src/vm/transform/symbols.ts";
import { root } from "./sources.ts";

const module = binaryen.readBinary(await Bun.file(join(root, "build/lua.wasm")).bytes());
const exported = new Map<string, string>();
for (let i = 0; i < module.getNumExports(); i++) {
  const { value, name, kind } = binaryen.getExportInfo(module.getExportByIndex(i));
  if (kind === binaryen.ExternalFunction) exported.set(value, name);
}

/** The name of function `number`, as the engine counts: imports first. */
function nameOf(number: number): string {
  const { name, module: from, base } = binaryen.getFunctionInfo(module.getFunctionByIndex(number));
  if (from) return `${from}.${base} (imported)`;
  return functionNames[`$${name}`] ?? exported.get(name) ?? `$${name}`;
}

for (const argument of process.argv.slice(2)) {
  const number = Number(argument);
  if (!Number.isInteger(number) || number < 0 || number >= module.getNumFunctions()) {
    console.error(`wasm-function: ${argument} is not a number below ${module.getNumFunctions()}`);
    process.exit(2);
  }
  console.log(`${number} ${nameOf(number)}`);
}
