import type { ModuleText } from "./module_text.ts";

/** Address of the format "%lld". */
const FORMAT = 6219;

/**
 * The text of an integer without `snprintf`, whose interpretation of "%lld" takes three times as long: for `tostring`,
 * concatenation and all else that makes a text of a number.
 */
export function writeIntegers(module: ModuleText): void {
  module.change({
    name: "luaO_tostring writes an integer",
    inside: "luaO_tostring",
    find: `(call $snprintf (i32.add (local.get $2) (i32.const 32)) (i32.const 44)
      (i32.const ${FORMAT}) (local.get $2))`,
    put: `(call $write_integer (i32.add (local.get $2) (i32.const 32))
      (i64.load (local.get $2)))`,
  });
  module.change({
    name: "addnum2buff writes an integer",
    inside: "addnum2buff",
    find: `(call $snprintf (local.get $2) (i32.const 44) (i32.const ${FORMAT}) (local.get $4))`,
    put: `(call $write_integer (local.get $2) (i64.load (local.get $4)))`,
  });
  module.change({
    name: "luaV_concat joins short texts and integers",
    inside: "luaV_concat",
    find: `(global.set $global$0 (local.tee $9 (i32.sub (global.get $global$0) (i32.const 48))))`,
    put: `(if (i32.gt_u (local.get $1) (i32.const 1))
       (then
        (if (call $concat_short (local.get $0) (local.get $1)) (then (return)))))
      (global.set $global$0
       (local.tee $9 (i32.sub (global.get $global$0) (i32.const 48))))`,
  });
}
