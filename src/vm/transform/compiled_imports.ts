import type { ModuleText } from "./module_text.ts";

/**
 * What compiled code imports from the Lua wasm: the function's name here and its signature, where i is a 32-bit
 * integer or an address, l a 64-bit integer and d a float. `src/vm/compiler` calls them by the same names.
 */
export const COMPILED_IMPORTS = {
  compiled_spent: "iii:i",
  compiled_settle: "ii:i",
  compiled_decided: "iiiii:",
  compiled_call: "iiii:i",
  compiled_tail_call: "iii:",
  compiled_return: "iii:i",
  compiled_get_field: "iiiii:i",
  compiled_set_field: "iiiii:i",
  compiled_get_table: "iiiii:i",
  compiled_set_table: "iiiii:i",
  compiled_set_list: "iiiii:",
  compiled_compare: "iiii:i",
  compiled_closure: "iiii:",
  compiled_next: "iii:i",
  compiled_adjust_varargs: "iii:",
  compiled_get_varargs: "iiii:",
  luaC_barrier_: "iii:",
  luaC_barrierback_: "ii:",
  luaC_step: "i:",
  luaD_call: "iii:",
  luaD_poscall: "iii:",
  luaD_precall: "iii:i",
  luaF_close: "iiii:i",
  luaF_closeupval: "ii:",
  luaH_getn: "i:l",
  luaH_new: "i:i",
  luaH_resize: "iiii:",
  luaT_callorderiTM: "iiiiii:i",
  luaT_trybinTM: "iiiii:",
  luaT_trybinassocTM: "iiiiii:",
  luaV_concat: "ii:",
  luaV_equalobj: "iii:i",
  luaV_shiftl: "ll:l",
  toiled: ":",
  fmod: "dd:d",
  pow: "dd:d",
} as const;

/** Exports those functions as `compiled:<name>`, and the globals of `compiled_samples.ts` and the fuel. */
export function exportForCompiledCode(module: ModuleText): void {
  for (const name of Object.keys(COMPILED_IMPORTS)) {
    module.append(`(export "compiled:${name}" (func $${name}))`);
  }
  for (const name of ["fuel", "samples", "made_protos", "freed_protos", "toil"]) {
    module.append(`(export "compiled:${name}" (global $${name}))`);
  }
}
