import { indexOf } from "./function_table.ts";
import type { ModuleText } from "./module_text.ts";

/** The index of Lua's registry, and the key there (an address of nothing else) of who is asked about an error. */
const REGISTRY = -1001000;
const ASKED = 16;
/** Bits of a CallInfo's status: a pcall that recovers. */
const PROTECTED = 16;
/** C levels and bytes of Lua's stack beyond which nothing more is called where an error is raised. */
const MOST_C_LEVELS = 150;
const MOST_STACK = 900_000 * 16;

/**
 * Stops for a debugger where an error is raised that something catches. After `host.mark_raises(fn)`, `fn(value)` is
 * asked about each such error of an application; `host.mark_raises(nil)` ends it. When it returns true, the coroutine
 * stops as it does before a line (see `breakpoints.ts`), with the frames of the place; a further `host.resume` raises
 * the error. Without it, an error costs one look at a global more.
 *
 * To stop, the coroutine calls a C function on top of what was running, and yields in it. Its continuation raises the
 * error, so that the instruction or the C function below, which cannot be resumed, never is: `lua_resume` recovers
 * from the error in the frame of the `pcall`, as it does behind any yield.
 */
export function addRaises(module: ModuleText): void {
  module.append(`(global $marks_raises (mut i32) (i32.const 0))`);
  // Whether the next error was asked about already.
  module.append(`(global $raises_on (mut i32) (i32.const 0))`);
  module.change({
    name: "luaG_errormsg stops",
    inside: "luaG_errormsg",
    find: `(local.tee $2 (i32.load offset=92 (local.get $0)))`,
    put: `(block (result i32)
            (if (global.get $marks_raises) (then (call $stop_at_raise (local.get $0))))
            (local.tee $2 (i32.load offset=92 (local.get $0))))`,
  });

  // Whether what is raised is the application's, and is caught. Frames of the kernel that an application has called
  // may stand, as long as no pcall of theirs catches the error: it leaves them, as they are in order. What nothing
  // catches in the coroutine that the unit runs ends the unit, whose stack stays.
  module.append(`
 (func $is_raise_of_application (param $L i32) (result i32)
  (local $ci i32)
  (local $found i32)
  (local $caught i32)
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (loop $up
   (if
    (i32.and
     (i32.eqz (local.get $found))
     (i32.eq (i32.load8_u offset=8 (i32.load (local.get $ci))) (i32.const 0x46)))
    (then
     (if (call $is_kernel_code (local.get $ci))
      (then (if (local.get $caught) (then (return (i32.const 0)))))
      (else (local.set $found (i32.const 1))))))
   (if (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${PROTECTED}))
    (then (local.set $caught (i32.const 1))))
   (br_if $up (local.tee $ci (i32.load offset=8 (local.get $ci)))))
  (i32.and
   (local.get $found)
   (i32.or (local.get $caught) (i32.ne (local.get $L) (global.get $unit)))))`);

  // lua_State: status 6, allowhook 7, top 12, stack 28, nCcalls 96. The value is on top.
  module.append(`
 (func $stop_at_raise (param $L i32)
  (local $stops i32)
  (if (global.get $raises_on)
   (then
    (global.set $raises_on (i32.const 0))
    (return)))
  (if (i32.eqz (i32.and (global.get $metered) (call $can_suspend (local.get $L))))
   (then (return)))
  (if
   (i32.or
    (i32.ne (i32.load8_u offset=6 (local.get $L)) (i32.const 0))
    (i32.or
     (i32.eqz (i32.load8_u offset=7 (local.get $L)))
     (i32.or
      (i32.gt_u (i32.load16_u offset=96 (local.get $L)) (i32.const ${MOST_C_LEVELS}))
      (i32.gt_u
       (i32.sub (i32.load offset=12 (local.get $L)) (i32.load offset=28 (local.get $L)))
       (i32.const ${MOST_STACK})))))
   (then (return)))
  (if (i32.eqz (call $is_raise_of_application (local.get $L))) (then (return)))
  (drop (call $lua_checkstack (local.get $L) (i32.const 8)))
  (drop (call $lua_rawgetp (local.get $L) (i32.const ${REGISTRY}) (i32.const ${ASKED})))
  (call $lua_pushvalue (local.get $L) (i32.const -2))
  (call $lua_callk (local.get $L) (i32.const 1) (i32.const 1) (i32.const 0) (i32.const 0))
  (local.set $stops (call $lua_toboolean (local.get $L) (i32.const -1)))
  (call $lua_settop (local.get $L) (i32.const -2))
  (if (i32.eqz (local.get $stops)) (then (return)))
  (call $lua_pushcclosure (local.get $L) (i32.const ${indexOf("stand_at_raise")}) (i32.const 0))
  (call $lua_pushvalue (local.get $L) (i32.const -2))
  (call $luaD_call (local.get $L)
   (i32.sub (i32.load offset=12 (local.get $L)) (i32.const 32)) (i32.const 0)))`);
  module.append(`
 (func $stand_at_raise (param $L i32) (result i32)
  (global.set $passing (i32.const 4))
  (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0)
   (i32.const ${indexOf("raise_again")})))`);
  module.append(`
 (func $raise_again (param $L i32) (param $status i32) (param $context i32) (result i32)
  (call $lua_settop (local.get $L) (i32.const 1))
  (global.set $raises_on (global.get $marks_raises))
  (call $lua_error (local.get $L)))`);

  module.append(`
 (func $host_mark_raises (param $L i32) (result i32)
  (call $lua_settop (local.get $L) (i32.const 1))
  (global.set $marks_raises
   (i32.gt_s (call $lua_type (local.get $L) (i32.const 1)) (i32.const 0)))
  (global.set $raises_on (i32.const 0))
  (call $lua_rawsetp (local.get $L) (i32.const ${REGISTRY}) (i32.const ${ASKED}))
  (i32.const 0))`);
}
