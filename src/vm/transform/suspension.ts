import { indexOf } from "./function_table.ts";
import type { ModuleText } from "./module_text.ts";

/**
 * What a coroutine has burnt is counted in units of so much fuel (a power of two), one at least for each step, in
 * the word before its lua_State (LUA_EXTRASPACE), whose lowest bit says that it is held.
 */
export const FUEL_UNIT = 16;

/**
 * The kernel's suspensions. A unit of the kernel is a coroutine that `host.resume` runs; it stops
 * by `host.park()` or when its fuel is spent. Coroutines that the application makes itself (a
 * generator, say) must not notice: when such a one stops, `coroutine.resume` and wrapped
 * functions stop their caller as well, up to the nearest `host.resume`, and later continue inside.
 *
 * `$passing` says that this is going on (0 no, 1 parked, 2 fuel spent). `$blocked` counts the
 * resumes on the C stack whose caller cannot yield: below them nothing may stop.
 * A coroutine that a suspension passed through is *held* (its extra space, the four bytes before
 * the lua_State, is 1): for the application it still runs, so it may not be resumed or closed.
 */
export function addSuspension(module: ModuleText): void {
  module.append(`(global $passing (mut i32) (i32.const 0))`);
  module.append(`(global $blocked (mut i32) (i32.const 0))`);
  // Fuel for each following host.resume, and what the last one left.
  module.append(`(global $slice (mut i32) (i32.const 0x7fffffff))`);
  module.append(`(global $left (mut i32) (i32.const 0))`);

  module.append(`
 (func $is_held (param $co i32) (result i32)
  (if (result i32) (local.get $co)
   (then
    (i32.and (i32.load (i32.sub (local.get $co) (i32.const 4))) (i32.const 1)))
   (else (i32.const 0))))`);
  module.append(`
 (func $hold (param $co i32) (param $held i32)
  (i32.store (i32.sub (local.get $co) (i32.const 4))
   (i32.or
    (i32.and (i32.load (i32.sub (local.get $co) (i32.const 4))) (i32.const -2))
    (local.get $held))))`);
  // auxresume(L, co, arguments); where L cannot yield, nothing below may suspend.
  module.append(`
 (func $resume_passing (param $L i32) (param $co i32) (param $arguments i32) (result i32)
  (local $results i32)
  (if (call $lua_isyieldable (local.get $L))
   (then
    (return (call $switch_to (local.get $L) (local.get $co) (local.get $arguments)))))
  (global.set $blocked (i32.add (global.get $blocked) (i32.const 1)))
  (local.set $results
   (call $switch_to (local.get $L) (local.get $co) (local.get $arguments)))
  (global.set $blocked (i32.sub (global.get $blocked) (i32.const 1)))
  (local.get $results))`);

  // coroutine.resume: luaB_coresume, and the suspension.
  module.append(`
 (func $coroutine_resume (param $L i32) (result i32)
  (local $co i32)
  (local $results i32)
  (local $slot i32)
  (local.set $slot
   (i32.add (i32.load (i32.load offset=20 (local.get $L))) (i32.const 16)))
  (if
   (i32.or
    (i32.ge_u (local.get $slot) (i32.load offset=12 (local.get $L)))
    (i32.ne (i32.load8_u offset=8 (local.get $slot)) (i32.const 72)))
   (then (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))))
  (local.set $co (i32.load (local.get $slot)))
  (if (call $is_held (local.get $co))
   (then
    (call $lua_pushboolean (local.get $L) (i32.const 0))
    (drop (call $lua_pushstring (local.get $L) (i32.const 5272)))  ;; cannot resume non-suspended…
    (return (i32.const 2))))
  (local.set $results
   (call $resume_passing (local.get $L) (local.get $co)
    (i32.sub (call $lua_gettop (local.get $L)) (i32.const 1))))
  (if (global.get $passing)
   (then
    (call $hold (local.get $co) (i32.const 1))
    (return
     (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0)
      (i32.const ${indexOf("resume_again")})))))
  (if (i32.lt_s (local.get $results) (i32.const 0))
   (then
    (call $lua_pushboolean (local.get $L) (i32.const 0))
    (call $lua_rotate (local.get $L) (i32.const -2) (i32.const 1))
    (return (i32.const 2))))
  ;; The stack is the coroutine, then the results: true takes the coroutine's slot.
  (i32.store8 offset=8
   (i32.add (i32.load (i32.load offset=20 (local.get $L))) (i32.const 16))
   (i32.const 17))
  (i32.add (local.get $results) (i32.const 1)))`);
  module.append(`
 (func $resume_again (param $L i32) (param $status i32) (param $context i32) (result i32)
  (call $hold (call $lua_tothread (local.get $L) (i32.const 1)) (i32.const 0))
  (call $coroutine_resume (local.get $L)))`);

  // A function made by coroutine.wrap: luaB_auxwrap, and the suspension. An error closes the
  // coroutine and goes on, a string with its position before it.
  module.append(`
 (func $coroutine_wrapped (param $L i32) (result i32)
  (local $co i32)
  (local $results i32)
  (local $status i32)
  ;; The upvalue of the C closure that runs.
  (local.set $co (i32.load offset=16 (i32.load (i32.load (i32.load offset=20 (local.get $L))))))
  (if (call $is_held (local.get $co))
   (then
    (drop (call $luaL_error (local.get $L) (i32.const 5272) (i32.const 0)))))
  (local.set $results
   (call $resume_passing (local.get $L) (local.get $co) (call $lua_gettop (local.get $L))))
  (if (global.get $passing)
   (then
    (call $hold (local.get $co) (i32.const 1))
    (return
     (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0)
      (i32.const ${indexOf("call_wrapped_again")})))))
  (if (i32.ge_s (local.get $results) (i32.const 0))
   (then (return (local.get $results))))
  (block $raise
   (local.set $status (call $lua_status (local.get $co)))
   (if (i32.gt_u (local.get $status) (i32.const 1))
    (then
     (local.set $status (call $lua_resetthread (local.get $co) (local.get $L)))
     (call $lua_xmove (local.get $co) (local.get $L) (i32.const 1))))
   (br_if $raise (i32.eq (local.get $status) (i32.const 4)))  ;; out of memory
   (br_if $raise
    (i32.ne (call $lua_type (local.get $L) (i32.const -1)) (i32.const 4)))
   (call $luaL_where (local.get $L) (i32.const 1))
   (call $lua_rotate (local.get $L) (i32.const -2) (i32.const 1))
   (call $lua_concat (local.get $L) (i32.const 2)))
  (call $soft_raise_on (local.get $L)))`);
  module.append(`
 (func $call_wrapped_again (param $L i32) (param $status i32) (param $context i32) (result i32)
  (call $hold (call $lua_tothread (local.get $L) (i32.const -1001001)) (i32.const 0))
  (call $coroutine_wrapped (local.get $L)))`);

  // coroutine.status and coroutine.close of a held coroutine: it is "normal" (statname[3]).
  module.append(`
 (func $coroutine_status (param $L i32) (result i32)
  (if (call $is_held (call $lua_tothread (local.get $L) (i32.const 1)))
   (then
    (drop (call $lua_pushstring (local.get $L) (i32.load offset=12 (i32.const 9504))))
    (return (i32.const 1))))
  (call $luaB_costatus (local.get $L)))`);
  module.append(`
 (func $coroutine_close (param $L i32) (result i32)
  (local $format i32)
  (if (call $is_held (call $lua_tothread (local.get $L) (i32.const 1)))
   (then
    (local.set $format (i32.sub (global.get $global$0) (i32.const 16)))
    (global.set $global$0 (local.get $format))
    (i32.store (local.get $format) (i32.load offset=12 (i32.const 9504)))
    (drop
     (call $luaL_error (local.get $L) (i32.const 5244) (local.get $format)))))
  (call $luaB_close (local.get $L)))`);
  module.changeField(
    "coroutine.resume, wrap, status and close",
    /^ \(elem \$0 /,
    (field) =>
      [
        ["$luaB_coresume", "$coroutine_resume"],
        ["$luaB_auxwrap", "$coroutine_wrapped"],
        ["$luaB_costatus", "$coroutine_status"],
        ["$luaB_close", "$coroutine_close"],
      ].reduce((text, [from, to]) => text.replace(` ${from} `, () => ` ${to} `), field),
  );

  module.append(`
 (func $host_park (param $L i32) (result i32)
  (if (global.get $blocked)
   (then (call $luaG_runerror (local.get $L) (i32.const 1097) (i32.const 0))))
  (if (call $lua_isyieldable (local.get $L))
   (then (global.set $passing (i32.const 1))))  ;; else lua_yieldk raises the error
  (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0) (i32.const 0)))`);

  // host.pause(): as if the fuel were spent, where that is possible.
  module.append(`
 (func $host_pause (param $L i32) (result i32)
  (if (i32.eqz (call $can_suspend (local.get $L))) (then (return (i32.const 0))))
  (global.set $passing (i32.const 2))
  (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0) (i32.const 0)))`);

  // What the last step has burnt of its slice; all of it, where its time was over.
  module.append(`
 (func $step_fuel (result i32)
  (i32.sub (global.get $slice) (global.get $left)))`);

  // host.resume(co, ...) -> status, values...; it nests, so what it sets it puts back.
  module.append(`
 (func $host_resume (param $L i32) (result i32)
  (local $co i32)
  (local $results i32)
  (local $status i32)
  (local $slot i32)
  (local $outer_fuel i32)
  (local $outer_reserve i32)
  (local $outer_unspent i32)
  (local $outer_began f64)
  (local $outer_metered i32)
  (local $outer_blocked i32)
  (local $outer_unit i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))
  (local.set $co (call $lua_tothread (local.get $L) (i32.const 1)))
  (local.set $outer_unit (global.get $unit))
  (global.set $unit (local.get $co))
  (local.set $outer_fuel (global.get $fuel))
  (local.set $outer_reserve (global.get $reserve))
  (local.set $outer_unspent (global.get $unspent))
  (local.set $outer_began (global.get $began))
  (local.set $outer_metered (global.get $metered))
  (local.set $outer_blocked (global.get $blocked))
  (call $load_fuel (global.get $slice))
  (global.set $unspent (i32.const 0))
  (global.set $began (f64.const 0))
  (global.set $metered (i32.const 1))
  (global.set $blocked (i32.const 0))
  (global.set $passing (i32.const 0))
  (global.set $stuck (i32.const 0))
  (call $count_rounds_anew)
  (call $hold (local.get $co) (i32.const 0))
  (local.set $results
   (call $switch_to (local.get $L) (local.get $co)
    (i32.sub (call $lua_gettop (local.get $L)) (i32.const 1))))
  ;; The last step may have burnt more than there was.
  (global.set $left (i32.add (global.get $fuel) (global.get $reserve)))
  (if (i32.lt_s (global.get $left) (i32.const 0)) (then (global.set $left (i32.const 0))))
  (i32.store (i32.sub (local.get $co) (i32.const 4))
   (i32.add
    (i32.load (i32.sub (local.get $co) (i32.const 4)))
    (i32.add
     (i32.and
      (i32.sub (i32.sub (global.get $slice) (global.get $left)) (global.get $unspent))
      (i32.const ${-FUEL_UNIT}))
     (i32.const ${FUEL_UNIT}))))
  (global.set $fuel (local.get $outer_fuel))
  (global.set $reserve (local.get $outer_reserve))
  (global.set $unspent (local.get $outer_unspent))
  (global.set $began (local.get $outer_began))
  (global.set $metered (local.get $outer_metered))
  (global.set $blocked (local.get $outer_blocked))
  (global.set $unit (local.get $outer_unit))
  (if (i32.lt_s (local.get $results) (i32.const 0))
   (then
    (local.set $status (i32.const -1))
    (local.set $results (i32.const 1))
    (call $lua_rotate (local.get $L) (i32.const 2) (i32.const 1))
    (call $lua_settop (local.get $L) (i32.const 2)))
   (else
    (if (global.get $passing)
     (then
      (local.set $status (i32.add (global.get $passing) (i32.const 1)))
      (call $hold (local.get $co) (i32.const 1)))
     (else
      (local.set $status (call $lua_status (local.get $co)))))))  ;; LUA_YIELD is 1
  (global.set $passing (i32.const 0))
  ;; The stack is the coroutine, then the results: the status takes the coroutine's slot.
  (local.set $slot
   (i32.add (i32.load (i32.load offset=20 (local.get $L))) (i32.const 16)))
  (i64.store (local.get $slot) (i64.extend_i32_s (local.get $status)))
  (i32.store8 offset=8 (local.get $slot) (i32.const 3))  ;; an integer
  (i32.add (local.get $results) (i32.const 1)))`);
}
