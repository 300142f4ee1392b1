import type { ModuleText } from "./module_text.ts";

/** Texts of the errors that integers divided by zero raise, by their addresses: of `//` and of `%`. */
const TEXTS = [3110, 8806];

/**
 * Has integer divisions by zero named with their own line: this Lua raises their errors without having noted where it
 * is, so that the line is that of an earlier instruction, which differs between the interpreter and compiled code.
 * `$3` is the address of the next instruction, and a CallInfo has savedpc at 16.
 */
export function correctErrorLines(module: ModuleText): void {
  for (const text of TEXTS) {
    const raise = `(call $luaG_runerror (local.get $0) (i32.const ${text}) (i32.const 0))`;
    module.change({
      name: "a division by zero notes where it is",
      inside: "luaV_execute",
      find: raise,
      put: `(i32.store offset=16 (local.get $7) (local.get $3)) ${raise}`,
      times: 2,
    });
  }
}

/**
 * Has errors name no line of the kernel's own code: a function that the kernel calls raises with `error(text, 2)`, or
 * by a tail call of a library function, what would be the kernel's. Both functions have a lua_Debug at 20 of their
 * frame, whose currentline is at 24 and whose CallInfo at 104.
 */
export function leaveOutKernelLines(module: ModuleText): void {
  for (const [inside, frame] of [["luaL_where", "$2"], ["luaL_error", "$3"]] as const) {
    module.change({
      name: "an error names no line of the kernel",
      inside,
      find: `(i32.load offset=44 (local.get ${frame}))`,
      put: `(select (i32.const 0) (i32.load offset=44 (local.get ${frame}))
        (call $is_kernel_code (i32.load offset=124 (local.get ${frame}))))`,
    });
  }
}
