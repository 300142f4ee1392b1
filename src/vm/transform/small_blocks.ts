import { BYTES_SHIFT } from "./fuel.ts";
import type { ModuleText } from "./module_text.ts";

/** Where emscripten's stack begins, downwards; what lies between is ours. */
const STACK = 1_083_712;
/** A list for each size of blocks, in units of eight bytes. The last list's blocks have 208 bytes. */
const UNIT_SHIFT = 3;
const LAST_LIST = 26;
/** Bytes of the largest block that is kept. */
const LARGEST = LAST_LIST << UNIT_SHIFT;
/** Where the lists begin: a word for each, and in place of that of no units how many bytes all of them hold. */
const SMALL_BLOCKS = STACK - 256;
/** Bytes that the lists hold at most. What is freed beyond is emmalloc's. */
const MOST_BYTES = 256 * 1024;

/**
 * Keeps small blocks that Lua frees in lists by size, for the next one that wants as many bytes: Lua says how large a
 * block was, so that both take a few instructions, where emmalloc takes a hundred.
 *
 * The blocks stay emmalloc's, which is asked for the next multiple of eight bytes, so that any small block of Lua's may
 * come into the list of its size. The lists are in memory, so that an image takes them along; when there is no memory
 * left, they are given back.
 */
export function addSmallBlocks(module: ModuleText): void {
  module.changeField(
    "the stack begins below the lists",
    /^ \(global \$global\$0 /,
    (field) => field.replace(String(STACK), String(SMALL_BLOCKS)),
  );
  module.changeEverywhere({
    name: "Lua allocates by l_alloc alone",
    find: `(call_indirect $0 (type $1) (i32.load offset=4 ?global) ?block ?old ?size
      (i32.load (local.get ?again)))`,
    put: `(call $l_alloc ?global ?block ?old ?size)`,
    times: 36,
  });
  module.change({
    name: "l_alloc releases",
    inside: "l_alloc",
    find: `(call $free (local.get $1))`,
    put: `(call $release (local.get $1) (local.get $2))`,
  });
  module.change({
    name: "allocate resizes",
    inside: "allocate",
    find: `(call $realloc (local.get $block) (local.get $size))`,
    put: `(call $resize (local.get $block) (local.get $old) (local.get $size))`,
  });
  // The address of the list of a size.
  const list = (size: string) =>
    `(i32.and
      (i32.shr_u (i32.add ${size} (i32.const ${(1 << UNIT_SHIFT) - 1})) (i32.const ${
      UNIT_SHIFT - 2
    }))
      (i32.const -4))`;
  const room = `(i32.shl (local.get $list) (i32.const ${UNIT_SHIFT - 2}))`;
  const held = `(i32.load (i32.const ${SMALL_BLOCKS}))`;
  const first = `(i32.load offset=${SMALL_BLOCKS} (local.get $list))`;
  const isSmall = (size: string) => `(i32.le_u ${size} (i32.const ${LARGEST}))`;
  module.append(`
 (func $release (param $block i32) (param $size i32)
  (local $list i32)
  (if (i32.eqz (local.get $block)) (then (return)))
  (if
   (i32.and ${isSmall("(local.get $size)")} (i32.lt_u ${held} (i32.const ${MOST_BYTES})))
   (then
    (local.set $list ${list("(local.get $size)")})
    (i32.store (local.get $block) ${first})
    (i32.store offset=${SMALL_BLOCKS} (local.get $list) (local.get $block))
    (i32.store (i32.const ${SMALL_BLOCKS}) (i32.add ${held} ${room}))
    (return)))
  (call $free (local.get $block)))`);
  // A block from its list; 0: there is none.
  module.append(`
 (func $take_small (param $size i32) (result i32)
  (local $list i32)
  (local $block i32)
  (local.set $list ${list("(local.get $size)")})
  (if (local.tee $block ${first})
   (then
    (i32.store offset=${SMALL_BLOCKS} (local.get $list) (i32.load (local.get $block)))
    (i32.store (i32.const ${SMALL_BLOCKS}) (i32.sub ${held} ${room}))))
  (local.get $block))`);
  module.append(`
 (func $resize (param $block i32) (param $old i32) (param $size i32) (result i32)
  (local $fresh i32)
  (if (i32.eqz (local.get $block))
   (then
    (if ${isSmall("(local.get $size)")}
     (then
      (if (local.tee $fresh (call $take_small (local.get $size)))
       (then (return (local.get $fresh))))))
    (return (call $malloc_or_release (local.get $size)))))
  (if (i32.and ${isSmall("(local.get $old)")} ${isSmall("(local.get $size)")})
   (then
    (if (i32.eq ${list("(local.get $old)")} ${list("(local.get $size)")})
     (then (return (local.get $block))))))
  (if (i32.or ${isSmall("(local.get $old)")} ${isSmall("(local.get $size)")})
   (then
    (if ${isSmall("(local.get $size)")}
     (then (local.set $fresh (call $take_small (local.get $size)))))
    (if (i32.eqz (local.get $fresh))
     (then (local.set $fresh (call $malloc_or_release (local.get $size)))))
    (if (i32.eqz (local.get $fresh))
     (then
      (return
       (select (i32.const 0) (local.get $block)
        (i32.lt_u (local.get $old) (local.get $size))))))
    (memory.copy (local.get $fresh) (local.get $block)
     (select (local.get $old) (local.get $size)
      (i32.lt_u (local.get $old) (local.get $size))))
    (call $release (local.get $block) (local.get $old))
    (return (local.get $fresh))))
  (call $reallocate (local.get $block) (local.get $size)))`);
  // realloc, for natives too.
  module.append(`
 (func $reallocate (param $block i32) (param $size i32) (result i32)
  (local $fresh i32)
  (if (local.tee $fresh (call $realloc (local.get $block) (local.get $size)))
   (then (return (local.get $fresh))))
  (call $release_small_blocks)
  (call $realloc (local.get $block) (local.get $size)))`);
  // What makes all of Lua's objects, for a block that is in its list: l_alloc and allocate in one.
  module.change({
    name: "luaM_malloc_ takes a small block",
    inside: "luaM_malloc_",
    find: `(block ?block (if (i32.eqz (local.tee $4 (call $l_alloc`,
    put: `(if (i32.and ${isSmall("(local.get $1)")}
       (i32.lt_s (global.get $failing) (i32.const 0)))
      (then
       (if (local.tee $4 (call $take_small (local.get $1)))
        (then
         (global.set $fuel
          (i32.sub (global.get $fuel) (i32.shr_u (local.get $1) (i32.const ${BYTES_SHIFT}))))
         (local.set $3 (i32.load offset=16 (local.get $0)))
         (i32.store offset=12 (local.get $3)
          (i32.add (i32.load offset=12 (local.get $3)) (local.get $1)))
         (return (local.get $4))))))
     (block ?block (if (i32.eqz (local.tee $4 (call $l_alloc`,
  });
  module.append(`
 (func $malloc_or_release (param $size i32) (result i32)
  (local $block i32)
  (local.set $size (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))
  (if (local.tee $block (call $malloc (local.get $size))) (then (return (local.get $block))))
  (if (i32.eqz ${held}) (then (return (i32.const 0))))
  (call $release_small_blocks)
  (call $malloc (local.get $size)))`);
  module.append(`
 (func $release_small_blocks
  (local $list i32)
  (local $block i32)
  (i32.store (i32.const ${SMALL_BLOCKS}) (i32.const 0))
  (local.set $list (i32.const ${LAST_LIST << 2}))
  (loop $lists
   (block $empty
    (loop $blocks
     (br_if $empty (i32.eqz (local.tee $block ${first})))
     (i32.store offset=${SMALL_BLOCKS} (local.get $list) (i32.load (local.get $block)))
     (call $free (local.get $block))
     (br $blocks)))
   (br_if $lists (local.tee $list (i32.sub (local.get $list) (i32.const 4))))))`);
  module.append(`(export "release_small_blocks" (func $release_small_blocks))`);
}
