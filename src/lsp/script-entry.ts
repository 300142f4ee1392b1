import type { Entry } from "../registry/entry.ts";
import { builtinModules } from "../registry/modules.ts";
import { testGlobals } from "../testing/library/library.ts";

/** An entry in the place of those that a file of code has not: of a script, or of tests. */
export function scriptEntry(source: string, isTest = false): Entry {
  const modules = [...builtinModules.keys(), ...(isTest ? ["test", ...testGlobals] : [])];
  const scripts = ["arg", "debug", "dofile", "io", "load", "loadfile", "collectgarbage", "warn"];
  return {
    id: "script:file",
    kind: "process.lua",
    meta: {},
    data: { source, modules: [...modules, ...scripts] },
  };
}
