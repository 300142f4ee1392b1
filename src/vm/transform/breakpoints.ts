import { indexOf } from "./function_table.ts";
import type { ModuleText } from "./module_text.ts";

/** The index of Lua's registry, and the key there (an address that nothing else is at) of who is asked about a line. */
const REGISTRY = -1001000;
const ASKED = 8;
/** What a hook is called for (lua_Debug.event), and the masks of `lua_sethook`. */
const EVENT_COUNT = 3;
const MASK_LINE = 4;
const MASK_LINE_AND_COUNT = 12;

/**
 * Stops for a debugger. `host.watch_lines(co, on)` gives one coroutine a line hook in C: the others keep their speed,
 * as Lua looks at hooks only in a coroutine that has one. `host.mark_lines(fn, lines)` says for which lines the hook
 * asks `fn(line)`, as a map of 64 bits by the line's low six. When that returns true, the coroutine stops as it does
 * when its fuel is spent, before the line; `host.resume` answers 5, and a further resume runs the line. In between,
 * `host.settle(co, on)` makes the innermost coroutine fit to be looked at, and fit to be resumed.
 *
 * A coroutine has one hook. The one-shot hook of spent fuel becomes a further event of this one, where it is set.
 */
export function addBreakpoints(module: ModuleText): void {
  module.append(`(global $marked_lines (mut i64) (i64.const 0))`);

  // lua_State has its hook at 88. Coroutines that an application makes inherit it.
  module.append(`
 (func $ask_for_fuel_hook (param $L i32)
  (if (i32.eq (i32.load offset=88 (local.get $L)) (i32.const ${indexOf("on_line")}))
   (then
    (call $lua_sethook (local.get $L) (i32.const ${indexOf("on_line")})
     (i32.const ${MASK_LINE_AND_COUNT}) (i32.const 1)))
   (else
    (call $lua_sethook (local.get $L) (i32.const ${indexOf("on_fuel_spent")})
     (i32.const 8) (i32.const 1)))))`);

  // lua_Debug has the event at 0, the line at 24. When the fuel was spent at the same instruction, it has yielded.
  module.append(`
 (func $on_line (param $L i32) (param $activation i32)
  (local $line i64)
  (local $status i32)
  (if (i32.eq (i32.load (local.get $activation)) (i32.const ${EVENT_COUNT}))
   (then
    (call $lua_sethook (local.get $L) (i32.const ${indexOf("on_line")})
     (i32.const ${MASK_LINE}) (i32.const 0))
    (call $fuel_spent (local.get $L))
    (return)))
  (local.set $line (i64.load32_s offset=24 (local.get $activation)))
  (if (i64.eqz
    (i64.and (i64.const 1) (i64.shr_u (global.get $marked_lines) (local.get $line))))
   (then (return)))
  (if (call $is_trusted (local.get $L)) (then (return)))
  (if (i32.eqz (i32.and (global.get $metered) (call $can_suspend (local.get $L))))
   (then (return)))
  (drop (call $lua_rawgetp (local.get $L) (i32.const ${REGISTRY}) (i32.const ${ASKED})))
  (call $lua_pushinteger (local.get $L) (local.get $line))
  ;; When the fuel was spent at this instruction too, the coroutine has yielded, and could call nothing.
  (local.set $status (i32.load8_u offset=6 (local.get $L)))
  (i32.store8 offset=6 (local.get $L) (i32.const 0))
  (call $lua_callk (local.get $L) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0))
  (if (call $lua_toboolean (local.get $L) (i32.const -1))
   (then
    (global.set $passing (i32.const 4))
    (drop (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0) (i32.const 0))))
   (else (i32.store8 offset=6 (local.get $L) (local.get $status))))
  (call $lua_settop (local.get $L) (i32.const -2)))`);

  // host.settle(co, on): a coroutine that has stopped before a line stands one instruction before it, where variables
  // that this instruction makes are not there yet. While it is looked at, it must stand behind that instruction.
  // CallInfo has savedpc at 16; an instruction has four bytes.
  module.append(`
 (func $host_settle (param $L i32) (result i32)
  (local $ci i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))
  (local.set $ci
   (i32.load offset=20 (call $lua_tothread (local.get $L) (i32.const 1))))
  (i32.store offset=16 (local.get $ci)
   (i32.add (i32.load offset=16 (local.get $ci))
    (select (i32.const 4) (i32.const -4)
     (call $lua_toboolean (local.get $L) (i32.const 2)))))
  (i32.const 0))`);

  module.append(`
 (func $host_watch_lines (param $L i32) (result i32)
  (local $co i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))
  (local.set $co (call $lua_tothread (local.get $L) (i32.const 1)))
  (if (call $lua_toboolean (local.get $L) (i32.const 2))
   (then
    (call $lua_sethook (local.get $co) (i32.const ${indexOf("on_line")})
     (i32.const ${MASK_LINE}) (i32.const 0)))
   (else
    (call $lua_sethook (local.get $co) (i32.const 0) (i32.const 0) (i32.const 0))))
  (i32.const 0))`);

  module.append(`
 (func $host_mark_lines (param $L i32) (result i32)
  (global.set $marked_lines (call $luaL_checkinteger (local.get $L) (i32.const 2)))
  (call $lua_settop (local.get $L) (i32.const 1))
  (call $lua_rawsetp (local.get $L) (i32.const ${REGISTRY}) (i32.const ${ASKED}))
  (i32.const 0))`);
}
