import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Address of the format "%.14g". */
const FORMAT = 4730;

/**
 * The text of floats as applications see it, for `tostring`, concatenation and all else that makes a text of a number.
 * It is off until `host.relaxed(true)`: scripts get what Lua writes.
 */
export function writeFloats(module: ModuleText): void {
  module.append(`(data (i32.const ${firstKib.exponentFormat.address}) "%.*e\\00")`);
  module.append(`
 (func $exponent_text (param $to i32) (param $value f64) (param $precision i32)
  (global.set $global$0 (i32.sub (global.get $global$0) (i32.const 16)))
  (i32.store (global.get $global$0) (local.get $precision))
  (f64.store offset=8 (global.get $global$0) (local.get $value))
  (drop
   (call $snprintf (local.get $to) (i32.const 43)
    (i32.const ${firstKib.exponentFormat.address}) (global.get $global$0)))
  (global.set $global$0 (i32.add (global.get $global$0) (i32.const 16))))`);
  module.change({
    name: "luaO_tostring writes a float",
    inside: "luaO_tostring",
    find: `(f64.store offset=16 (local.get $2) (f64.load (local.get $1)))`,
    put: `(br_if $block
      (local.tee $3
       (call $float_text (i32.add (local.get $2) (i32.const 32)) (f64.load (local.get $1)))))
      (f64.store offset=16 (local.get $2) (f64.load (local.get $1)))`,
  });
  module.change({
    name: "addnum2buff writes a float",
    inside: "addnum2buff",
    find: `(f64.store offset=16 (local.get $4) (f64.load (local.get $1)))
      (local.set $1
       (call $snprintf (local.get $2) (i32.const 44) (i32.const ${FORMAT}) ?arguments))`,
    put: `(f64.store offset=16 (local.get $4) (f64.load (local.get $1)))
      (br_if $block1
       (local.tee $1 (call $float_text (local.get $2) (f64.load offset=16 (local.get $4)))))
      (local.set $1
       (call $snprintf (local.get $2) (i32.const 44) (i32.const ${FORMAT}) ?arguments))`,
  });
}
