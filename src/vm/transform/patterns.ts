import type { ModuleText } from "./module_text.ts";

/**
 * Has `string.find`, `match`, `gmatch` and `gsub` pass over the places of a text whose byte the pattern's first item
 * does not accept (`src/vm/natives/places.as.ts`), where Lua calls `match` for each. Patterns that are anchored, or
 * whose first item may be left out, are tried as ever.
 */
export function passOverPlaces(module: ModuleText): void {
  const next = (state: string, from: string, pattern: string) =>
    `(call $next_place ${state} ${from} ${pattern})`;
  const find = `(i32.add (local.get $2) (i32.const 16))`;
  module.change({
    name: "string.find passes over places",
    inside: "str_find_aux",
    find: `(loop ?loop (i32.store8 offset=36 (local.get $2) (i32.const 0))
      (if (local.tee $5 (call $match`,
    put: `(loop ?loop
      (if (i32.eqz (local.get $1))
       (then
        (br_if $block1
         (i32.eqz (local.tee $5 ${next(find, "(local.get $3)", "(local.get $4)")})))
        (local.set $3 (local.get $5))))
      (i32.store8 offset=36 (local.get $2) (i32.const 0))
      (if (local.tee $5 (call $match`,
  });
  module.change({
    name: "string.match passes over places",
    inside: "str_find_aux",
    find: `(loop ?loop (block ?found (i32.store8 offset=36 (local.get $2) (i32.const 0))`,
    put: `(loop ?loop (block ?found
      (br_if $block1
       (i32.eqz (local.tee $5 ${next(find, "(local.get $3)", "(local.get $4)")})))
      (local.set $3 (local.get $5))
      (i32.store8 offset=36 (local.get $2) (i32.const 0))`,
  });
  // GMatchState: src 0, p 4, ms 12, of which src_end is at 4.
  module.change({
    name: "string.gmatch passes over places",
    inside: "gmatch_aux",
    find: `(loop ?loop (block ?found (i32.store8 offset=32 (local.get $1) (i32.const 0))`,
    put: `(loop ?loop (block ?found
      (local.set $0
       (select
        (local.tee $2 ${
      next("(local.get $5)", "(local.get $0)", "(i32.load offset=4 (local.get $1))")
    })
        (i32.load offset=16 (local.get $1))
        (local.get $2)))
      (i32.store8 offset=32 (local.get $1) (i32.const 0))`,
  });
  // Where there is no further place, the rest of the text is added as it is.
  const gsub = `(i32.add (local.get $1) (i32.const 572))`;
  module.change({
    name: "string.gsub passes over places",
    inside: "str_gsub",
    find: `(br_if ?unmatched (i32.eqz (local.tee $9 (call $match`,
    put: `(if (local.get $12)
       (then
        (br_if $block
         (i32.eqz (local.tee $3 ${next(gsub, "(local.get $4)", "(local.get $8)")})))
        (if (i32.ne (local.get $3) (local.get $4))
         (then
          (call $luaL_addlstring
           (i32.add (local.get $1) (i32.const 40))
           (local.get $4)
           (i32.sub (local.get $3) (local.get $4)))
          (local.set $4 (local.get $3))))))
      (br_if ?unmatched (i32.eqz (local.tee $9 (call $match`,
  });
}
