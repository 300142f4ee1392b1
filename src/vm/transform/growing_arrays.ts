import type { ModuleText } from "./module_text.ts";

/** Size of an array up to which it grows here. */
const MOST = 1 << 20;

/**
 * `luaH_newkey` of the integer behind a full array in a table without a hash part, as `t[#t + 1] = x` adds it: rehash
 * would come to the next power of two. It counts the values by slices of the array, and luaH_resize would exchange two
 * hash parts that are empty.
 *
 * Offsets: Table flags 6, alimit 8, array 12, lastfree 20, which is 0 where the node is the one that all empty tables
 * share. Bit 0x80 of the flags: alimit may be less than the array's size, which then is the next power of two. An empty
 * slot's tag is 0x10.
 */
export function addGrowingArrays(module: ModuleText): void {
  module.change({
    name: "luaH_newkey behind a full array",
    inside: "luaH_newkey",
    find: `(global.set $global$0
      (local.tee $9 (i32.sub (global.get $global$0) (i32.const 144))))`,
    put: `(if
       (i32.and
        (i32.eq (i32.load8_u offset=8 (local.get $2)) (i32.const 3))
        (i32.eqz (i32.load offset=20 (local.get $1))))
      (then
       (if (call $append_to_array
          (local.get $0) (local.get $1) (i64.load (local.get $2)) (local.get $3))
        (then (return)))))
     (global.set $global$0
      (local.tee $9 (i32.sub (global.get $global$0) (i32.const 144))))`,
  });
  module.append(`
 (func $append_to_array (param $L i32) (param $t i32) (param $key i64) (param $value i32) (result i32)
  (local $size i32) (local $grown i32) (local $at i32) (local $end i32)
  (local.set $size (i32.load offset=8 (local.get $t)))
  (if
   (i32.or
    (i64.ne
     (local.get $key)
     (i64.extend_i32_u (i32.add (local.get $size) (i32.const 1))))
    (i32.ge_u (local.get $size) (i32.const ${MOST})))
   (then (return (i32.const 0))))
  (if (i32.eqz (i32.and (i32.load8_u offset=8 (local.get $value)) (i32.const 15)))
   (then (return (i32.const 0))))
  (if
   (i32.and
    (i32.gt_u (i32.popcnt (local.get $size)) (i32.const 1))
    (i32.shr_u (i32.load8_u offset=6 (local.get $t)) (i32.const 7)))
   (then (return (i32.const 0))))
  (local.set $at (i32.load offset=12 (local.get $t)))
  (local.set $end (i32.add (local.get $at) (i32.shl (local.get $size) (i32.const 4))))
  (block $full
   (loop $next
    (br_if $full (i32.ge_u (local.get $at) (local.get $end)))
    (if (i32.eqz (i32.and (i32.load8_u offset=8 (local.get $at)) (i32.const 15)))
     (then (return (i32.const 0))))
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (br $next)))
  (local.set $grown
   (if (result i32) (local.get $size)
    (then (i32.shl (i32.const 1) (i32.sub (i32.const 32) (i32.clz (local.get $size)))))
    (else (i32.const 1))))
  (local.set $at
   (call $luaM_realloc_ (local.get $L)
    (i32.load offset=12 (local.get $t))
    (i32.shl (local.get $size) (i32.const 4))
    (i32.shl (local.get $grown) (i32.const 4))))
  ;; No memory: luaH_resize raises.
  (if (i32.eqz (local.get $at)) (then (return (i32.const 0))))
  (i32.store offset=12 (local.get $t) (local.get $at))
  (i32.store offset=8 (local.get $t) (local.get $grown))
  (i32.store8 offset=6 (local.get $t)
   (i32.and (i32.load8_u offset=6 (local.get $t)) (i32.const 0x7f)))
  (local.set $end (i32.add (local.get $at) (i32.shl (local.get $grown) (i32.const 4))))
  (local.set $at (i32.add (local.get $at) (i32.shl (local.get $size) (i32.const 4))))
  (i64.store (local.get $at) (i64.load (local.get $value)))
  (i32.store8 offset=8 (local.get $at) (i32.load8_u offset=8 (local.get $value)))
  (block $filled
   (loop $fill
    (local.set $at (i32.add (local.get $at) (i32.const 16)))
    (br_if $filled (i32.ge_u (local.get $at) (local.get $end)))
    (i64.store offset=8 (local.get $at) (i64.const 0x10))
    (br $fill)))
  (i32.const 1))`);
}
