import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Addresses of the texts of errors. */
const DIVIDE_BY_ZERO = 3110;
const MODULO_ZERO = 8806;

/** Where the name of the type of strings lies, for messages. */
const STRING_NAME = 11684;

/**
 * Lua's library functions take the text of an Error where they want a string: `string.find(err, "not found")`. What
 * is no string and has the metafield `__text` (the kernel's Error has it) is replaced by what that function returns.
 * For strings and numbers nothing changes.
 */
export function acceptErrorTexts(module: ModuleText): void {
  module.append(`(data (i32.const ${firstKib.textName.address}) "__text\\00")`);
  module.replaceFunction(
    "luaL_checklstring",
    `(func $luaL_checklstring (param $L i32) (param $arg i32) (param $length i32) (result i32)
  (local $text i32)
  (local.set $text (call $lua_tolstring (local.get $L) (local.get $arg) (local.get $length)))
  (if (local.get $text) (then (return (local.get $text))))
  (if (call $luaL_callmeta (local.get $L) (local.get $arg) (i32.const ${firstKib.textName.address}))
   (then
    (call $lua_copy (local.get $L) (i32.const -1) (local.get $arg))
    (call $lua_settop (local.get $L) (i32.const -2))
    (local.set $text (call $lua_tolstring (local.get $L) (local.get $arg) (local.get $length)))
    (if (local.get $text) (then (return (local.get $text))))))
  (drop
   (call $luaL_typeerror (local.get $L) (local.get $arg) (i32.load (i32.const ${STRING_NAME}))))
  (i32.const 0))`,
  );
  // Lua up to 5.4.6 does not save the pc there, so that the line is that of an earlier instruction; compiled code
  // knows no earlier one.
  for (const text of [DIVIDE_BY_ZERO, MODULO_ZERO]) {
    module.change({
      name: "an integer divided by zero is where it stands",
      inside: "luaV_execute",
      find: `(call $luaG_runerror (local.get $0) (i32.const ${text}) (i32.const 0))`,
      put: `(i32.store offset=16 (local.get $7) (local.get $3))
        (call $luaG_runerror (local.get $0) (i32.const ${text}) (i32.const 0))`,
      times: 2,
    });
  }
}
