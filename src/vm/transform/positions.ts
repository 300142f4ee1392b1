import type { ModuleText } from "./module_text.ts";

/**
 * Positions in texts that are beyond 32 bits are behind every text. Lua's C code takes them for a `size_t`, which has
 * 32 bits here: `("text"):sub(1 << 62)` would begin at 0, with the byte before the text, and `(1 << 32) + 2` be 2.
 */
export function limitPositions(module: ModuleText): void {
  for (
    const [name, given, times] of [
      ["posrelatI limits positions", "(local.get ?position)", 4],
      ["posrelatI of gmatch limits positions", "(local.tee ?position ?given)", 1],
    ] as const
  ) {
    const limited = (start: string) =>
      `(if (i64.gt_s ${given} (i64.const 0))
        (then (local.set ?start (${start} (local.get ?position))) (br ?block)))`;
    module.changeEverywhere({
      name,
      find: limited("i32.wrap_i64"),
      put: limited("call $position"),
      times,
    });
  }
  module.append(`
 (func $position (param $position i64) (result i32)
  (select (i32.wrap_i64 (local.get $position)) (i32.const 0x7fffffff)
   (i64.le_s (local.get $position) (i64.const 0x7fffffff))))`);
}
