import { firstKib, reserveBlocks } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Blocks of memory that are kept back for the kernel, and bytes of each. */
const { count: BLOCKS, size: BLOCK } = reserveBlocks;
/** Allocations that succeed for each block that is given up while a test lets allocations fail. */
const TEST_BLOCK = 2000;

/**
 * An application that takes all memory gets Lua's "not enough memory", and its garbage is collected at the next
 * allocation. But that one may be the kernel's, which must not fail between two halves of a change: so some blocks are
 * kept back. When a collection does not help, one is freed for the kernel's code, and taken again as soon as there is
 * memory.
 *
 * A unit that runs into the kernel may free one block only; until that is back it does not get in again
 * (`kernel_gate.ts`), while the others do. The last block is for what no unit runs: the scheduler, timers, JavaScript.
 */
export function addMemoryReserve(module: ModuleText): void {
  const address = (i: number) => `(i32.const ${firstKib.reserve.address + 4 * i})`;
  const blocks = [...Array(BLOCKS).keys()];
  module.append(`(global $reserve_complete (mut i32) (i32.const 0))`);
  // Whether a block was ever given up: until then nobody has written to those that were there at first.
  module.append(`(global $reserve_spent (mut i32) (i32.const 0))`);
  // The unit that freed a block and the unit that runs, as their coroutines; 0: none.
  module.append(`(global $spender (mut i32) (i32.const 0))`);
  module.append(`(global $unit (mut i32) (i32.const 0))`);
  // For tests: how many more allocations of a unit succeed; below 0 all do.
  module.append(`(global $failing (mut i32) (i32.const -1))`);
  module.append(`(global $failing_unit (mut i32) (i32.const 0))`);
  module.append(`
 (func $fail_allocations (param $after i32)
  (global.set $failing_unit (global.get $unit))
  (global.set $failing (local.get $after)))`);
  module.append(`
 (func $fails (result i32)
  (i32.and
   (i32.ge_s (global.get $failing) (i32.const 0))
   (i32.and
    (global.get $metered)
    (i32.eq (global.get $unit) (global.get $failing_unit)))))`);
  module.append(`(export "fail_allocations" (func $fail_allocations))`);

  // Smaller never fails: Lua relies on that.
  module.append(`
 (func $allocate (param $block i32) (param $old i32) (param $size i32) (result i32)
  (if
   (i32.and
    (call $fails)
    (i32.or
     (i32.eqz (local.get $block))
     (i32.lt_u (local.get $old) (local.get $size))))
   (then
    (if (i32.eqz (global.get $failing)) (then (return (i32.const 0))))
    (global.set $failing (i32.sub (global.get $failing) (i32.const 1)))))
  (call $realloc (local.get $block) (local.get $size)))`);

  // After a collection did not help.
  module.change({
    name: "tryagain spends the reserve",
    inside: "tryagain",
    find: `(local.get $5)`,
    put: `(block (result i32)
      (if (i32.eqz (local.get $5))
       (then
        (if (call $spend_for (local.get $0))
         (then
          (local.set $5
           (call $allocate (local.get $1) (local.get $2) (local.get $3)))))))
      (local.get $5))`,
  });
  module.append(`
 (func $spend_for (param $L i32) (result i32)
  (if
   (i32.and
    (global.get $metered)
    (i32.eqz (call $runs_kernel_code (local.get $L) (i32.load offset=20 (local.get $L)))))
   (then (return (i32.const 0))))
  (call $spend_memory_reserve))`);

  module.append(`
 (func $reserve_blocks (result i32)
  ${
    blocks.map((i) => `(i32.ne (i32.load ${address(i)}) (i32.const 0))`)
      .reduce((sum, one) => `(i32.add ${sum} ${one})`)
  })`);
  // Frees a block for the kernel: whether there was one.
  module.append(`
 (func $spend_memory_reserve (result i32)
  (if (global.get $metered)
   (then
    (if (i32.lt_s (call $reserve_blocks) (i32.const 2)) (then (return (i32.const 0))))
    (global.set $spender (global.get $unit))))
  (global.set $reserve_complete (i32.const 0))
  (global.set $reserve_spent (i32.const 1))
  ${
    blocks.map((i) => `
  (if (i32.load ${address(i)})
   (then
    (call $free (i32.load ${address(i)}))
    (i32.store ${address(i)} (i32.const 0))
    (if (call $fails) (then (global.set $failing (i32.const ${TEST_BLOCK}))))
    (return (i32.const 1))))`).join("")
  }
  (i32.const 0))`);
  module.append(`(export "spend_memory_reserve" (func $spend_memory_reserve))`);
  module.append(`(func $reserve_was_spent (result i32) (global.get $reserve_spent))`);
  module.append(`(export "reserve_was_spent" (func $reserve_was_spent))`);

  // Takes what is missing, as far as there is memory.
  module.append(`
 (func $keep_memory_reserve
  (if (global.get $reserve_complete) (then (return)))
  ;; Where a test lets allocations fail, a unit finds no memory for what it has spent.
  (if (i32.and (call $fails) (i32.ne (global.get $spender) (i32.const 0)))
   (then (return)))
  ${
    blocks.map((i) => `
  (if (i32.eqz (i32.load ${address(i)}))
   (then (i32.store ${address(i)} (call $malloc_or_release (i32.const ${BLOCK})))))`).join("")
  }
  (if (i32.eq (call $reserve_blocks) (i32.const ${BLOCKS}))
   (then
    (global.set $reserve_complete (i32.const 1))
    (global.set $spender (i32.const 0)))))`);
  module.append(`(export "keep_memory_reserve" (func $keep_memory_reserve))`);

  // Whether the running unit may count on the reserve.
  module.append(`
 (func $has_reserve (param $L i32) (result i32)
  (if (global.get $reserve_complete) (then (return (i32.const 1))))
  (call $keep_memory_reserve)
  (if (global.get $reserve_complete) (then (return (i32.const 1))))
  (if
   (i32.and
    (i32.ne (global.get $spender) (global.get $unit))
    (i32.ge_s (call $reserve_blocks) (i32.const 2)))
   (then (return (i32.const 1))))
  (call $luaC_fullgc (local.get $L) (i32.const 1))
  (call $keep_memory_reserve)
  (global.get $reserve_complete))`);
}
