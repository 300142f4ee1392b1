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
  // The number of bytes. What is negative is taken as unsigned once its sign is written, so that the least one fits.
  module.append(`
 (func $write_integer (param $to i32) (param $value i64) (result i32)
  (local $length i32)
  (local $at i32)
  (local $rest i64)
  (if (i64.lt_s (local.get $value) (i64.const 0))
   (then
    (i32.store8 (local.get $to) (i32.const 45))
    (local.set $length (i32.const 1))
    (local.set $value (i64.sub (i64.const 0) (local.get $value)))))
  (local.set $rest (local.get $value))
  (loop $count
   (local.set $length (i32.add (local.get $length) (i32.const 1)))
   (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
   (br_if $count (i64.ne (local.get $rest) (i64.const 0))))
  (local.set $at (i32.add (local.get $to) (local.get $length)))
  (loop $digit
   (local.set $rest (i64.div_u (local.get $value) (i64.const 10)))
   (local.set $at (i32.sub (local.get $at) (i32.const 1)))
   (i32.store8 (local.get $at)
    (i32.add (i32.const 48)
     (i32.wrap_i64
      (i64.sub (local.get $value) (i64.mul (local.get $rest) (i64.const 10))))))
   (local.set $value (local.get $rest))
   (br_if $digit (i64.ne (local.get $value) (i64.const 0))))
  (local.get $length))`);
}
