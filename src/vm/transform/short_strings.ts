import type { ModuleText } from "./module_text.ts";

/**
 * Makes short strings quickly. One that there is already is looked for by its hash before its bytes are compared, and
 * the bytes of a new one are copied in words: its block ends at a multiple of eight bytes (`small_blocks.ts`), and what
 * is read beyond its end is never looked at. WebAssembly's `memory.copy` leaves the wasm, which takes longer.
 */
export function makeShortStrings(module: ModuleText): void {
  module.change({
    name: "luaS_newlstr compares hashes",
    inside: "luaS_newlstr",
    find: `(br_if ?next (i32.ne (i32.load8_u offset=7 (local.get $3)) (local.get $2)))`,
    put: `(br_if ?next (i32.ne (i32.load offset=8 (local.get $3)) (local.get $4)))
      (br_if ?next (i32.ne (i32.load8_u offset=7 (local.get $3)) (local.get $2)))`,
  });
  module.change({
    name: "luaS_newlstr copies words",
    inside: "luaS_newlstr",
    find: `(i32.store8
        (i32.add (local.tee $3 (i32.add (local.get $0) (i32.const 16))) (local.get $2))
        (i32.const 0))
      (memory.copy (local.get $3) (local.get $1) (local.get $2))`,
    put: `(local.set $3 (i32.add (local.get $0) (i32.const 16)))
      (local.set $5 (i32.const 0))
      (block $copied
       (loop $copy
        (br_if $copied (i32.ge_u (local.get $5) (local.get $2)))
        (i64.store (i32.add (local.get $3) (local.get $5))
         (i64.load (i32.add (local.get $1) (local.get $5))))
        (local.set $5 (i32.add (local.get $5) (i32.const 8)))
        (br $copy)))
      (i32.store8 (i32.add (local.get $3) (local.get $2)) (i32.const 0))`,
  });
}
