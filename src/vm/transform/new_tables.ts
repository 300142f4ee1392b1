import type { ModuleText } from "./module_text.ts";

/** Sizes of either part of a table up to which it is laid out here. */
export const MOST_LAID_OUT = 4096;

/**
 * `luaH_resize` of a table that has nothing yet, as `{ x = 1, y = 2 }` and `{ 1, 2, 3 }` begin: its parts are made, and
 * nothing is moved.
 *
 * Offsets: Table alimit 8, array 12, node 16, lsizenode 7, lastfree 20, which is 0 where the node is the one that all
 * empty tables share; Node value 0 and its tag 8, key's tag 9, next 12. An empty slot's tag is 0x10.
 */
export function addNewTables(module: ModuleText): void {
  module.change({
    name: "luaH_resize of an empty table",
    inside: "luaH_resize",
    find: `(global.set $global$0
      (local.tee $6 (i32.sub (global.get $global$0) (i32.const 48))))`,
    put: `(if
       (i32.eqz
        (i32.or (i32.load offset=20 (local.get $1)) (i32.load offset=8 (local.get $1))))
      (then
       (if
        (i32.and
         (i32.le_u (local.get $2) (i32.const ${MOST_LAID_OUT}))
         (i32.le_u (local.get $3) (i32.const ${MOST_LAID_OUT})))
        (then
         (call $lay_out_table
          (local.get $0) (local.get $1) (local.get $2) (local.get $3))
         (return)))))
     (global.set $global$0
      (local.tee $6 (i32.sub (global.get $global$0) (i32.const 48))))`,
  });
  const fill = (size: number) =>
    `(block $filled
      (loop $fill
       (br_if $filled (i32.ge_u (local.get $at) (local.get $end)))
       (i64.store offset=8 (local.get $at) (i64.const 0x10))
       (local.set $at (i32.add (local.get $at) (i32.const ${size})))
       (br $fill)))`;
  module.append(`
 (func $lay_out_table (param $L i32) (param $t i32) (param $array i32) (param $hash i32)
  (local $log i32)
  (local $at i32)
  (local $end i32)
  (if (local.get $hash)
   (then
    (local.set $log
     (i32.sub (i32.const 32) (i32.clz (i32.sub (local.get $hash) (i32.const 1)))))
    (local.set $hash (i32.mul (i32.shl (i32.const 1) (local.get $log)) (i32.const 24)))
    (local.set $at (call $luaM_malloc_ (local.get $L) (local.get $hash) (i32.const 0)))
    (local.set $end (i32.add (local.get $at) (local.get $hash)))
    (i32.store8 offset=7 (local.get $t) (local.get $log))
    (i32.store offset=16 (local.get $t) (local.get $at))
    (i32.store offset=20 (local.get $t) (local.get $end))
    ${fill(24)}))
  (if (local.get $array)
   (then
    (local.set $log (i32.shl (local.get $array) (i32.const 4)))
    (local.set $at (call $luaM_malloc_ (local.get $L) (local.get $log) (i32.const 0)))
    (local.set $end (i32.add (local.get $at) (local.get $log)))
    (i32.store offset=12 (local.get $t) (local.get $at))
    (i32.store offset=8 (local.get $t) (local.get $array))
    (i32.store8 offset=6 (local.get $t)
     (i32.and (i32.load8_u offset=6 (local.get $t)) (i32.const 0x7f)))
    ${fill(16).replaceAll("$fill", "$clear")}))
)`);
}
