import { indexOf } from "./function_table.ts";
import type { ModuleText } from "./module_text.ts";

/** What a call of a function by `pcall` costs, in fuel, as any call from C does. */
const PROTECTED_CALL = 8;
/** What an error costs that is caught without an exception, in fuel. */
const ERROR = 16;
/** C levels at which `pcall` counts them as ever: the next ones may be too many. */
const MANY_C_LEVELS = 192;
/** Bits of a CallInfo's status: a call of luaV_execute; a C function; a pcall that recovers; the status it recovers. */
const FRESH = 4;
const C_FUNCTION = 2;
const PROTECTED = 16;
const RECOVERING = 7 << 10;
const RUNTIME_ERROR = 2 << 10;

/**
 * Soft errors: `pcall`, `xpcall`, `error` and `assert` without C frames and without exceptions, inside coroutines.
 *
 * As shipped, `pcall` calls luaV_execute from C, and an error is a longjmp, which is an exception: 15 µs in
 * JavaScriptCore. Here, where no C frame is between it and its `lua_resume` (`$base`, see `soft_yields.ts`), `pcall`
 * makes the frame of the function that it calls and leaves as a soft yield does. `$run_on`, where the coroutine was
 * entered, goes on with that function, and then with `unroll`, which finishes the frame of `pcall` like that of any C
 * function with a continuation. `error` looks for the frame of the nearest `pcall`, notes the error in it as the
 * recovery of `lua_resume` does, and leaves in the same way; `unroll` closes variables and returns the error. So
 * what yields inside a `pcall` is a soft yield, too.
 *
 * The commonest errors of instructions are soft, too, see `soft_instructions.ts`. Everything else is as in Lua: other
 * errors of instructions and those of C functions are still exceptions, and frames of `pcall` catch them as ever. A
 * `pcall` counts as a C level as long as Lua would have it on the C stack: `$base` rises with it and never falls below
 * `$first_base`, the level at which the coroutine was resumed or went on behind an error.
 */
export function addSoftErrors(module: ModuleText): void {
  // What is left to do when a function has left: 0 nothing (it yielded), 1 enter a function, 2 finish a pcall.
  module.append(`(global $trampoline (mut i32) (i32.const 0))`);
  module.append(`(global $first_base (mut i32) (i32.const -1))`);
  module.changeField(
    "pcall, xpcall, resume and unroll",
    /^ \(elem \$0 /,
    (field) =>
      [
        ["$luaB_pcall", "$soft_pcall"],
        ["$luaB_xpcall", "$soft_xpcall"],
        ["$resume", "$resume_and_run_on"],
        ["$unroll", "$unroll_and_run_on"],
      ].reduce((text, [from, to]) => text.replace(` ${from} `, () => ` ${to} `), field),
  );
  module.change({
    name: "error raises softly",
    inside: "luaB_error",
    find: `(call $lua_error (local.get $0))`,
    put: `(call $soft_raise (local.get $0))`,
  });
  module.change({
    name: "lua_resume remembers the first base",
    inside: "lua_resume",
    find: `(global.set $base (i32.load offset=96 (local.get $0)))`,
    put: `(global.set $base (i32.load offset=96 (local.get $0)))
          (global.set $first_base (global.get $base))`,
  });
  // In four more bytes of the frame that the function leaves unused.
  module.change({
    name: "lua_resume keeps the outer first base",
    inside: "lua_resume",
    find: `(i32.store offset=12 (local.get $5) (local.get $2))`,
    put: `(i32.store offset=12 (local.get $5) (local.get $2))
          (i32.store offset=4 (local.get $5) (global.get $first_base))`,
  });
  module.change({
    name: "lua_resume restores the outer first base",
    inside: "lua_resume",
    find: `(global.set $base (i32.load offset=8 (local.get $5)))`,
    put: `(global.set $base (i32.load offset=8 (local.get $5)))
          (global.set $first_base (i32.load offset=4 (local.get $5)))`,
  });

  module.append(`
 (func $resume_and_run_on (param $L i32) (param $arguments i32)
  (call $resume (local.get $L) (local.get $arguments))
  (call $run_on (local.get $L)))`);
  // lua_resume's recovery from an exception, which has left all C frames.
  module.append(`
 (func $unroll_and_run_on (param $L i32) (param $unused i32)
  (global.set $base (i32.load offset=96 (local.get $L)))
  (global.set $first_base (global.get $base))
  (call $unroll (local.get $L) (i32.const 0))
  (call $run_on (local.get $L)))`);
  module.append(`
 (func $run_on (param $L i32)
  (loop $next
   (if (i32.eqz (global.get $trampoline)) (then (return)))
   (i32.store8 offset=6 (local.get $L) (i32.const 0))
   (if (i32.eq (global.get $trampoline) (i32.const 1))
    (then
     (global.set $trampoline (i32.const 0))
     (call $luaV_execute (local.get $L) (i32.load offset=20 (local.get $L)))
     (br_if $next (i32.eq (i32.load8_u offset=6 (local.get $L)) (i32.const 1)))))
   (global.set $trampoline (i32.const 0))
   (call $unroll (local.get $L) (i32.const 0))
   (br $next)))`);
  // Leaves C and Lua functions up to $run_on.
  module.append(`
 (func $leave_for (param $L i32) (param $what i32) (result i32)
  (global.set $trampoline (local.get $what))
  (i32.store8 offset=6 (local.get $L) (i32.const 1))
  (i32.const 0))`);

  // With a C frame between, or near the most C levels: as ever.
  module.append(`
 (func $is_soft (param $L i32) (result i32)
  (i32.and
   (i32.eq (i32.load offset=96 (local.get $L)) (global.get $base))
   (i32.lt_u (i32.load16_u offset=96 (local.get $L)) (i32.const ${MANY_C_LEVELS}))))`);
  module.append(`
 (func $soft_pcall (param $L i32) (result i32)
  (local $func i32)
  (local $slot i32)
  (local.set $func
   (i32.add (i32.load (i32.load offset=20 (local.get $L))) (i32.const 16)))
  (local.set $slot (i32.load offset=12 (local.get $L)))
  (if
   (i32.or
    (i32.eqz (call $is_soft (local.get $L)))
    (i32.ge_u (local.get $func) (local.get $slot)))
   (then (return (call $luaB_pcall (local.get $L)))))
  ;; true goes below the function: the first result.
  (i32.store offset=12 (local.get $L) (i32.add (local.get $slot) (i32.const 16)))
  (loop $shift
   (i64.store (local.get $slot) (i64.load (i32.sub (local.get $slot) (i32.const 16))))
   (i32.store8 offset=8 (local.get $slot)
    (i32.load8_u (i32.sub (local.get $slot) (i32.const 8))))
   (local.set $slot (i32.sub (local.get $slot) (i32.const 16)))
   (br_if $shift (i32.gt_u (local.get $slot) (local.get $func))))
  (i32.store8 offset=8 (local.get $func) (i32.const 17))
  (call $call_protected (local.get $L)
   (i32.add (local.get $func) (i32.const 16)) (i32.const 0) (i32.const 0)))`);
  module.append(`
 (func $soft_xpcall (param $L i32) (result i32)
  (local $func i32)
  (if
   (i32.or
    (i32.eqz (call $is_soft (local.get $L)))
    (i32.ne (call $lua_type (local.get $L) (i32.const 2)) (i32.const 6)))
   (then (return (call $luaB_xpcall (local.get $L)))))
  (call $lua_pushboolean (local.get $L) (i32.const 1))
  (call $lua_pushvalue (local.get $L) (i32.const 1))
  (call $lua_rotate (local.get $L) (i32.const 3) (i32.const 2))
  (local.set $func (i32.load (i32.load offset=20 (local.get $L))))
  (call $call_protected (local.get $L)
   (i32.add (local.get $func) (i32.const 64))
   (i32.sub
    (i32.add (local.get $func) (i32.const 32))
    (i32.load offset=28 (local.get $L)))
   (i32.const 2)))`);
  // As lua_pcallk with a continuation, of the function at $func and what is above. CallInfo: top 4, k 16,
  // old_errfunc 20, ctx 24, funcidx 28, callstatus 34; lua_State: allowhook 7, errfunc 92, nCcalls 96.
  module.append(`
 (func $call_protected
  (param $L i32) (param $func i32) (param $handler i32) (param $extra i32) (result i32)
  (local $ci i32)
  (local $top i32)
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (i32.store offset=16 (local.get $ci) (i32.const ${indexOf("finish_soft_pcall")}))
  (i32.store offset=24 (local.get $ci) (local.get $extra))
  (i32.store offset=28 (local.get $ci)
   (i32.sub (local.get $func) (i32.load offset=28 (local.get $L))))
  (i32.store offset=20 (local.get $ci) (i32.load offset=92 (local.get $L)))
  (i32.store offset=92 (local.get $L) (local.get $handler))
  (i32.store16 offset=34 (local.get $ci)
   (i32.or (i32.const ${PROTECTED})
    (i32.or
     (i32.load8_u offset=7 (local.get $L))
     (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${0xffff - PROTECTED - 1})))))
  (global.set $base (i32.add (global.get $base) (i32.const 1)))
  (i32.store offset=96 (local.get $L) (global.get $base))
  (global.set $fuel (i32.sub (global.get $fuel) (i32.const ${PROTECTED_CALL})))
  (local.set $func (call $luaD_precall (local.get $L) (local.get $func) (i32.const -1)))
  (if (local.get $func)
   (then
    (i32.store16 offset=34 (local.get $func) (i32.const ${FRESH}))
    (return (call $leave_for (local.get $L) (i32.const 1)))))
  ;; A C function: it has left, or is done.
  (if (i32.eq (i32.load8_u offset=6 (local.get $L)) (i32.const 1))
   (then (return (i32.const 0))))
  (i32.store16 offset=34 (local.get $ci)
   (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${0xffff - PROTECTED})))
  (i32.store offset=92 (local.get $L) (i32.load offset=20 (local.get $ci)))
  (local.set $top (i32.load offset=12 (local.get $L)))
  (if (i32.gt_u (local.get $top) (i32.load offset=4 (local.get $ci)))
   (then (i32.store offset=4 (local.get $ci) (local.get $top))))
  (call $finish_soft_pcall (local.get $L) (i32.const 1) (local.get $extra)))`);
  module.append(`
 (func $finish_soft_pcall
  (param $L i32) (param $status i32) (param $extra i32) (result i32)
  (if (i32.gt_u (global.get $base) (global.get $first_base))
   (then
    (global.set $base (i32.sub (global.get $base) (i32.const 1)))
    (i32.store offset=96 (local.get $L) (global.get $base))))
  (call $finishpcall (local.get $L) (local.get $status) (local.get $extra)))`);

  // lua_error. The value is on top of the stack; "not enough memory" itself has a status of its own.
  module.append(`
 (func $soft_raise (param $L i32) (result i32)
  (if (global.get $marks_raises) (then (call $stop_at_raise (local.get $L))))
  (call $soft_raise_on (local.get $L)))`);
  module.append(`
 (func $raise_on (param $L i32) (result i32)
  (global.set $raises_on (global.get $marks_raises))
  (call $lua_error (local.get $L)))`);
  // A debugger was asked about the error.
  module.append(`
 (func $soft_raise_on (param $L i32) (result i32)
  (local $ci i32)
  (local $top i32)
  (local $handler i32)
  (if (i32.ne (i32.load offset=96 (local.get $L)) (global.get $base))
   (then (return (call $raise_on (local.get $L)))))
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (block $found
   (loop $up
    (br_if $found
     (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${PROTECTED})))
    (br_if $up (local.tee $ci (i32.load offset=8 (local.get $ci)))))
   (return (call $raise_on (local.get $L))))
  (local.set $top (i32.load offset=12 (local.get $L)))
  (if
   (i32.and
    (i32.eq (i32.load8_u (i32.sub (local.get $top) (i32.const 8))) (i32.const 68))
    (i32.eq
     (i32.load (i32.sub (local.get $top) (i32.const 16)))
     (i32.load offset=168 (i32.load offset=16 (local.get $L)))))
   (then (return (call $raise_on (local.get $L)))))
  ;; The handler of xpcall, as luaG_errormsg calls it. It may raise, too: an exception.
  (local.set $handler (i32.load offset=92 (local.get $L)))
  (if (local.get $handler)
   (then
    (local.set $handler
     (i32.add (local.get $handler) (i32.load offset=28 (local.get $L))))
    (i64.store (local.get $top)
     (i64.load (i32.sub (local.get $top) (i32.const 16))))
    (i32.store8 offset=8 (local.get $top)
     (i32.load8_u (i32.sub (local.get $top) (i32.const 8))))
    (i64.store (i32.sub (local.get $top) (i32.const 16))
     (i64.load (local.get $handler)))
    (i32.store8 (i32.sub (local.get $top) (i32.const 8))
     (i32.load8_u offset=8 (local.get $handler)))
    (i32.store offset=12 (local.get $L) (i32.add (local.get $top) (i32.const 16)))
    (call $luaD_callnoyield (local.get $L)
     (i32.sub (local.get $top) (i32.const 16)) (i32.const 1))))
  (global.set $fuel (i32.sub (global.get $fuel) (i32.const ${ERROR})))
  (global.set $base (global.get $first_base))
  (i32.store offset=96 (local.get $L) (global.get $base))
  (i32.store offset=20 (local.get $L) (local.get $ci))
  (i32.store16 offset=34 (local.get $ci)
   (i32.or
    (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${0xffff - RECOVERING}))
    (i32.const ${RUNTIME_ERROR})))
  (call $leave_for (local.get $L) (i32.const 2)))`);

  // Calls the function in a slot in the place of the C function that runs, as if the caller had called it: errors are
  // at the caller's line, and it may yield softly. CallInfo: func 0, previous 8, nresults 32. With a C frame
  // between it is called from the C function.
  module.append(`
 (func $call_instead (param $L i32) (param $slot i32) (result i32)
  (local $ci i32)
  (local $func i32)
  (if (i32.eqz (call $is_soft (local.get $L)))
   (then (return (call $call_below (local.get $L) (local.get $slot)))))
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (local.set $func (i32.load (local.get $ci)))
  (i64.store (local.get $func) (i64.load (local.get $slot)))
  (i32.store8 offset=8 (local.get $func) (i32.load8_u offset=8 (local.get $slot)))
  (i32.store offset=20 (local.get $L) (i32.load offset=8 (local.get $ci)))
  (local.set $ci
   (call $luaD_precall (local.get $L) (local.get $func)
    (i32.load16_s offset=32 (local.get $ci))))
  (if (i32.eqz (local.get $ci)) (then (unreachable)))  ;; a Lua function has a frame
  (if (i32.and (i32.load16_u offset=34 (i32.load offset=8 (local.get $ci))) (i32.const ${C_FUNCTION}))
   (then (i32.store16 offset=34 (local.get $ci) (i32.const ${FRESH}))))
  (call $leave_for (local.get $L) (i32.const 1)))`);
  module.append(`
 (func $call_below (param $L i32) (param $slot i32) (result i32)
  (local $arguments i32)
  (local $top i32)
  (local.set $arguments (call $lua_gettop (local.get $L)))
  (local.set $top (i32.load offset=12 (local.get $L)))
  (i64.store (local.get $top) (i64.load (local.get $slot)))
  (i32.store8 offset=8 (local.get $top) (i32.load8_u offset=8 (local.get $slot)))
  (i32.store offset=12 (local.get $L) (i32.add (local.get $top) (i32.const 16)))
  (call $lua_rotate (local.get $L) (i32.const 1) (i32.const 1))
  (call $lua_callk (local.get $L) (local.get $arguments) (i32.const -1) (i32.const 0)
   (i32.const ${indexOf("call_below_again")}))
  (call $lua_gettop (local.get $L)))`);
  module.append(`
 (func $call_below_again (param $L i32) (param $status i32) (param $context i32) (result i32)
  (call $lua_gettop (local.get $L)))`);
}
