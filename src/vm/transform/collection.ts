import type { ModuleText } from "./module_text.ts";

/**
 * Has no collection begin while the heap is smaller than `collect_from` was told. Each marks all that is alive, the
 * kernel too: a heap of 3 MiB would be collected whenever 3 MiB more were allocated, which takes a sixth of the time of
 * a program that starts many processes.
 */
export function addCollection(module: ModuleText): void {
  module.append(`(global $small_heap (mut i32) (i32.const 0))`);
  const threshold = `(select (i32.const 2147483647)
      (i32.mul (local.tee ?units (i32.div_u (i32.load offset=16 ?global) (i32.const 100)))
       (local.tee ?pause (i32.shl (i32.load8_u offset=84 ?other) (i32.const 2))))
      (i32.ge_u ?again (i32.div_u (i32.const 2147483647) ?divisor)))`;
  module.changeEverywhere({
    name: "setpause leaves small heaps alone",
    find: threshold,
    put: `(call $at_least_small ${threshold})`,
    times: 4,
  });
  module.append(`
 (func $at_least_small (param $threshold i32) (result i32)
  (select (local.get $threshold) (global.get $small_heap)
   (i32.gt_u (local.get $threshold) (global.get $small_heap))))`);
  module.append(`
 (func $collect_from (param $bytes i32)
  (global.set $small_heap (local.get $bytes)))`);
  module.append(`(export "collect_from" (func $collect_from))`);
}
