import type { ModuleText } from "./module_text.ts";

/** Bytes that are kept back for the kernel. */
const RESERVE = 2 * 1024 * 1024;

/**
 * An application that takes all memory gets Lua's "not enough memory", and its garbage is collected at the next
 * allocation. But that one may be the kernel's, which has no way to fail: so a block is kept back, which is freed when
 * code that is not metered (the kernel between units, JavaScript) finds no memory, and taken again at the next turn.
 */
export function addMemoryReserve(module: ModuleText): void {
  module.append(`(global $memory_reserve (mut i32) (i32.const 0))`);
  module.append(`
 (func $allocate (param $block i32) (param $size i32) (result i32)
  (local $result i32)
  (local.set $result (call $realloc (local.get $block) (local.get $size)))
  (if (i32.or (local.get $result) (global.get $metered)) (then (return (local.get $result))))
  (if (call $spend_memory_reserve)
   (then (local.set $result (call $realloc (local.get $block) (local.get $size)))))
  (local.get $result))`);
  // Whether there was a reserve, which is free now.
  module.append(`
 (func $spend_memory_reserve (result i32)
  (if (i32.eqz (global.get $memory_reserve)) (then (return (i32.const 0))))
  (call $free (global.get $memory_reserve))
  (global.set $memory_reserve (i32.const 0))
  (i32.const 1))`);
  module.append(`(export "spend_memory_reserve" (func $spend_memory_reserve))`);
  module.append(`
 (func $keep_memory_reserve
  (if (i32.eqz (global.get $memory_reserve))
   (then (global.set $memory_reserve (call $malloc (i32.const ${RESERVE}))))))`);
  module.append(`(export "keep_memory_reserve" (func $keep_memory_reserve))`);
}
