import type { ModuleText } from "./module_text.ts";

/** Has `table.concat` join usual lists where they lie (`src/vm/natives/concat-list.as.ts`). */
export function joinLists(module: ModuleText): void {
  module.change({
    name: "table.concat of usual lists",
    inside: "tconcat",
    find: `(call ?check (local.get $0) (i32.const 5))`,
    put: `(if (call $concat_list (local.get $0))
       (then
        (global.set $global$0 (i32.add (local.get $1) (i32.const 576)))
        (return (i32.const 1))))
      (call ?check (local.get $0) (i32.const 5))`,
  });
}
