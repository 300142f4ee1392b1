import type { ModuleText } from "./module_text.ts";

/** What the collector does otherwise than Lua's. */
export function addCollection(module: ModuleText): void {
  addThreshold(module);
  keepTableOfStrings(module);
}

/**
 * Halves the table of all short strings when it was three quarters empty before the sweep as well. Where most strings
 * are garbage, Lua halves it after every collection, to double it again before the next. Global state: strt.nuse 28,
 * strt.size 32, gcstate 77, of which 1 is GCSenteratomic.
 */
function keepTableOfStrings(module: ModuleText): void {
  module.append(`(global $strings_in_use (mut i32) (i32.const 0))`);
  module.change({
    name: "singlestep counts strings before they are swept",
    inside: "singlestep",
    find: `(i32.store8 offset=77 ?global (i32.const 1))`,
    put: `(i32.store8 offset=77 ?global (i32.const 1))
      (global.set $strings_in_use (i32.load offset=28 ?global))`,
  });
  module.change({
    name: "singlestep keeps a table of strings that is used",
    inside: "singlestep",
    find: `(i32.ge_s (i32.load offset=28 ?global)
      (i32.div_s (local.tee ?size (i32.load offset=32 ?global)) (i32.const 4)))`,
    put: `(i32.ge_s
      (select (global.get $strings_in_use) (i32.load offset=28 ?global)
       (i32.gt_s (global.get $strings_in_use) (i32.load offset=28 ?global)))
      (i32.div_s (local.tee ?size (i32.load offset=32 ?global)) (i32.const 4)))`,
  });
}

/**
 * Has a collection begin once three times as much is in use as is alive, where Lua begins at twice as much, in heaps
 * smaller than `wait_longer_below` was told. Each marks all that is alive, the kernel too, which takes a sixth of the
 * time of a program that starts many processes. More garbage than that would take the caches from what is alive: texts
 * that are made and dropped take 1.4 times as long in a heap of 12 MiB.
 */
function addThreshold(module: ModuleText): void {
  module.append(`(global $small_heap (mut i32) (i32.const 0))`);
  const threshold = `(select (i32.const 2147483647)
      (i32.mul (local.tee ?units (i32.div_u (i32.load offset=16 ?global) (i32.const 100)))
       (local.tee ?pause (i32.shl (i32.load8_u offset=84 ?other) (i32.const 2))))
      (i32.ge_u ?again (i32.div_u (i32.const 2147483647) ?divisor)))`;
  module.changeEverywhere({
    name: "setpause waits longer in small heaps",
    find: threshold,
    put: `(call $at_least_thrice ${threshold} (i32.load offset=16 ?global))`,
    times: 4,
  });
  module.append(`
 (func $at_least_thrice (param $threshold i32) (param $alive i32) (result i32)
  (local $least i32)
  (local.set $least (global.get $small_heap))
  (if (i32.lt_u (local.get $alive) (i32.div_u (local.get $least) (i32.const 3)))
   (then (local.set $least (i32.mul (local.get $alive) (i32.const 3)))))
  (select (local.get $threshold) (local.get $least)
   (i32.gt_u (local.get $threshold) (local.get $least))))`);
  module.append(`
 (func $wait_longer_below (param $bytes i32)
  (global.set $small_heap (local.get $bytes)))`);
  module.append(`(export "wait_longer_below" (func $wait_longer_below))`);
}
