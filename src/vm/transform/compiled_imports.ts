import type { ModuleText } from "./module_text.ts";

/**
 * Functions of the Lua wasm that compiled code calls: the name here and the signature, where i is a 32-bit integer or
 * an address, l a 64-bit integer and d a float. `src/vm/compiler` calls them by the same names.
 *
 * They are called by their indices in the function table. As imports, each would take most of a kilobyte in every
 * module and instance, for a call that is no faster.
 */
export const LUA_FUNCTIONS = {
  compiled_spent: "iii:i",
  compiled_settle: "ii:i",
  compiled_decided: "iiiii:",
  compiled_call: "iiii:i",
  compiled_tail_call: "iiii:",
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
  luaH_newkey: "iiii:",
  luaH_resize: "iiii:",
  luaT_callorderiTM: "iiiiii:i",
  luaT_trybinTM: "iiiii:",
  luaT_trybinassocTM: "iiiiii:",
  luaV_concat: "ii:",
  luaV_equalobj: "iii:i",
  luaV_shiftl: "ll:l",
  lay_out_table: "iiii:",
  toiled: ":",
  fmod: "dd:d",
  pow: "dd:d",
} as const;

/** Exports the globals of `compiled_samples.ts` and the fuel as `compiled:<name>`. */
export function exportForCompiledCode(module: ModuleText): void {
  for (const name of ["fuel", "samples", "made_protos", "freed_protos", "toil"]) {
    module.append(`(export "compiled:${name}" (global $${name}))`);
  }
}
