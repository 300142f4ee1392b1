import type { ModuleText } from "./module_text.ts";

/**
 * How deep compiled functions call each other on wasm's stack. Beyond it they return, and the callee begins afresh in
 * `luaV_execute`, so that Lua code may recurse as deep as ever.
 */
export const DEPTH = 160;
/** Depth that each call from C counts for: its frames are on the same stack. */
const DEPTH_OF_C_CALL = 4;
/** Bit of a CallInfo's status: luaV_execute was called for it, from C. */
const FRESH = 4;
/** Bit of it: a C function. */
const C_FUNCTION = 2;

/**
 * Lets `luaV_execute` run functions that `src/vm/compiler` has compiled.
 *
 * A Proto has three bytes behind `maxstacksize` that C leaves unused: the 16 bits at 10 are the index of its compiled
 * code in the function table, 0 for none. Compiled code is `(L, ci, depth, func) -> code`, where func is that of the
 * CallInfo, and the depth is inverted (`~depth`) where it goes on at its `savedpc` instead of beginning. All its state
 * is in the CallInfo and on Lua's stack, so that it may leave between any two instructions:
 *
 * - 0: it returned.
 * - 1: the interpreter goes on with `L->ci`, at its `savedpc`, and looks for hooks; or the coroutine has yielded
 *   softly.
 * - 2: `L->ci` is a function that begins.
 * - 3: it returned, and its caller goes on in the interpreter, which does not look for hooks before its next jump or
 *   call: as ever when fuel is spent by the return itself.
 * - 4: it cannot be entered at this `savedpc`.
 *
 * It burns the same fuel at the same places as the interpreter. Offsets: CallInfo func 0, top 4, previous 8, next 12,
 * savedpc 16, trap 20, nresults 32, callstatus 34; Proto numparams 6, maxstacksize 8, code 52; lua_State status 6,
 * top 12, ci 20, stack_last 24, nCcalls 96, hookmask 112; closure proto 12.
 */
export function addCompiledCalls(module: ModuleText): void {
  const leave = `(global.set $global$0 (i32.add (local.get $14) (i32.const 48))) (return)`;
  module.change({
    name: "luaV_execute runs compiled code",
    inside: "luaV_execute",
    find: `(loop ?startfunc (block ?done
      (local.set $3 (i32.load offset=112 (local.get $0)))
      (local.set $7 (local.get $1))
      (loop ?returning (local.set $1 (i32.load offset=16 (local.get $7)))`,
    put: `(loop ?startfunc (block ?done
      (local.set $3 (i32.load offset=112 (local.get $0)))
      (local.set $7 (local.get $1))
      (loop ?returning
       (block $interpret
        (br_if $interpret (local.get $3))
        (br_if $interpret
         (i32.eqz
          (i32.load16_u offset=10
           (i32.load offset=12 (i32.load (i32.load (local.get $7)))))))
        (local.set $1 (call $run_compiled (local.get $0) (local.get $7)))
        (if (i32.eqz (local.get $1)) (then ${leave}))
        (local.set $7 (i32.load offset=20 (local.get $0)))
        (if (i32.eq (local.get $1) (i32.const 1))
         (then
          (local.set $1 (local.get $7))
          (br ?startfunc)))
        (br_if ?returning (i32.eq (local.get $1) (i32.const 2)))
        (if (i32.eq (local.get $1) (i32.const 3))
         (then (local.set $3 (call $trap_of (local.get $7))))))
       (local.set $1 (i32.load offset=16 (local.get $7)))`,
  });
  // luaF_newproto clears numparams, is_vararg and maxstacksize one by one.
  module.change({
    name: "luaF_newproto leaves the index of compiled code 0, and counts",
    inside: "luaF_newproto",
    find: `(i32.store8 offset=8 ?proto (i32.const 0))`,
    put: `(i32.store offset=8 ?proto (i32.const 0))
      (global.set $made_protos (i32.add (global.get $made_protos) (i32.const 1)))`,
  });
  // Compiled code keeps copies of locals and knows types: where a debugger changes a local variable, what is running
  // leaves, and nothing is entered in its middle any more.
  module.append(`(global $locals_changed (mut i32) (i32.const 0))`);
  module.change({
    name: "lua_setlocal has compiled code left",
    inside: "lua_setlocal",
    find: `(local.set $4 (i32.load (local.tee $1 (i32.load offset=104 (local.get $1)))))`,
    put: `(call $leave_compiled (local.get $0))
      (local.set $4 (i32.load (local.tee $1 (i32.load offset=104 (local.get $1)))))`,
  });
  module.append(`
 (func $leave_compiled (param $L i32)
  (local $ci i32)
  (global.set $locals_changed (i32.const 1))
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (loop $up
   (if (i32.eqz (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${C_FUNCTION})))
    (then (i32.store offset=20 (local.get $ci) (i32.const 1))))
   (br_if $up (local.tee $ci (i32.load offset=8 (local.get $ci))))))`);
  module.append(`
 (func $trap_of (param $ci i32) (result i32)
  (i32.load offset=20 (local.get $ci)))`);
  // 0: luaV_execute is done; 1: L->ci begins; 2: L->ci goes on behind a call; 3: it is interpreted, with its trap;
  // 4: without.
  module.append(`
 (func $run_compiled (param $L i32) (param $ci i32) (result i32)
  (local $fresh i32)
  (local $previous i32)
  (local $proto i32)
  (local $code i32)
  (local $depth i32)
  (local.set $depth
   (i32.mul
    (i32.and (i32.load offset=96 (local.get $L)) (i32.const 0xffff))
    (i32.const ${DEPTH_OF_C_CALL})))
  (if
   (i32.or
    (i32.load offset=112 (local.get $L))
    (i32.gt_u (local.get $depth) (i32.const ${DEPTH})))
   (then (return (i32.const 4))))
  (local.set $fresh
   (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${FRESH})))
  (local.set $previous (i32.load offset=8 (local.get $ci)))
  (local.set $proto (i32.load offset=12 (i32.load (i32.load (local.get $ci)))))
  ;; A beginning function pays for itself; luaV_execute has done so already.
  (if
   (i32.eq (i32.load offset=16 (local.get $ci)) (i32.load offset=52 (local.get $proto)))
   (then (global.set $fuel (i32.add (global.get $fuel) (i32.const 1))))
   (else
    (if (global.get $locals_changed) (then (return (i32.const 4))))
    (local.set $depth (i32.xor (local.get $depth) (i32.const -1)))))
  (local.set $code
   (call_indirect $0 (param i32 i32 i32 i32) (result i32)
    (local.get $L) (local.get $ci) (local.get $depth) (i32.load (local.get $ci))
    (i32.load16_u offset=10 (local.get $proto))))
  (if (i32.eq (i32.load8_u offset=6 (local.get $L)) (i32.const 1))
   (then (return (i32.const 0))))
  (if (i32.eqz (local.get $code))
   (then (return (select (i32.const 0) (i32.const 2) (local.get $fresh)))))
  (if (i32.eq (local.get $code) (i32.const 2)) (then (return (i32.const 1))))
  (if
   (i32.and
    (i32.ne (local.get $fresh) (i32.const 0))
    (i32.eq (i32.load offset=20 (local.get $L)) (local.get $previous)))
   (then (return (i32.const 0))))
  (if (i32.eq (local.get $code) (i32.const 1)) (then (return (i32.const 3))))
  (i32.const 4))`);
  // OP_CALL: answers as compiled code does. What is called and its arguments lie from func to L->top.
  module.append(`
 (func $compiled_call
  (param $L i32) (param $func i32) (param $results i32) (param $depth i32) (result i32)
  (local $ci i32)
  (local $proto i32)
  (local $index i32)
  (local $top i32)
  (local $size i32)
  (local $code i32)
  (block $slow
   (br_if $slow (i32.ne (i32.load8_u offset=8 (local.get $func)) (i32.const 0x46)))
   (local.set $proto (i32.load offset=12 (i32.load (local.get $func))))
   (br_if $slow
    (i32.eqz (local.tee $index (i32.load16_u offset=10 (local.get $proto)))))
   (br_if $slow
    (i32.eqz
     (local.tee $ci (i32.load offset=12 (i32.load offset=20 (local.get $L))))))
   (local.set $top (i32.load offset=12 (local.get $L)))
   (local.set $size (i32.shl (i32.load8_u offset=8 (local.get $proto)) (i32.const 4)))
   (br_if $slow
    (i32.le_s
     (i32.sub (i32.load offset=24 (local.get $L)) (local.get $top))
     (local.get $size)))
   (i32.store (local.get $ci) (local.get $func))
   (i32.store offset=4 (local.get $ci)
    (i32.add (i32.add (local.get $func) (i32.const 16)) (local.get $size)))
   (i32.store offset=16 (local.get $ci) (i32.load offset=52 (local.get $proto)))
   (i32.store offset=32 (local.get $ci)
    (i32.and (local.get $results) (i32.const 0xffff)))
   (i32.store offset=20 (local.get $L) (local.get $ci))
   (local.set $size
    (i32.add (local.get $func)
     (i32.shl
      (i32.add (i32.load8_u offset=6 (local.get $proto)) (i32.const 1))
      (i32.const 4))))
   (block $filled
    (loop $fill
     (br_if $filled (i32.ge_u (local.get $top) (local.get $size)))
     (i32.store8 offset=8 (local.get $top) (i32.const 0))
     (local.set $top (i32.add (local.get $top) (i32.const 16)))
     (br $fill)))
   (i32.store offset=12 (local.get $L) (local.get $top))
   (if (i32.ge_s (local.get $depth) (i32.const ${DEPTH})) (then (return (i32.const 2))))
   (loop $tail_call
    (local.set $code
     (call_indirect $0 (param i32 i32 i32 i32) (result i32)
      (local.get $L) (local.get $ci)
      (i32.add (local.get $depth) (i32.const 1))
      (i32.load (local.get $ci))
      (local.get $index)))
    (if
     (i32.and
      (i32.eq (local.get $code) (i32.const 2))
      (i32.eq (i32.load offset=20 (local.get $L)) (local.get $ci)))
     (then
      (local.set $index
       (i32.load16_u offset=10
        (i32.load offset=12 (i32.load (i32.load (local.get $ci))))))
      (br_if $tail_call (local.get $index)))))
   (return (local.get $code)))
  (if (call $luaD_precall (local.get $L) (local.get $func) (local.get $results))
   (then (return (i32.const 2))))
  (if (i32.eq (i32.load8_u offset=6 (local.get $L)) (i32.const 1))
   (then (return (i32.const 1))))
  (i32.ne
   (call $compiled_settle (local.get $L) (i32.load offset=20 (local.get $L)))
   (i32.const 0)))`);
  // Behind an instruction that may have run anything: burns, and answers the trap.
  module.append(`
 (func $compiled_settle (param $L i32) (param $ci i32) (result i32)
  (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
  (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (call $preempt (local.get $L))))
  (i32.load offset=20 (local.get $ci)))`);
  // The fuel is spent, and the next instruction is at pc: answers the trap.
  module.append(`
 (func $compiled_spent (param $L i32) (param $ci i32) (param $pc i32) (result i32)
  (i32.store offset=16 (local.get $ci) (local.get $pc))
  (call $preempt (local.get $L))
  (i32.load offset=20 (local.get $ci)))`);
  // A comparison that has run anything is left behind its jump.
  module.append(`
 (func $compiled_decided
  (param $L i32) (param $ci i32) (param $taken i32) (param $target i32) (param $next i32)
  (i32.store offset=16 (local.get $ci)
   (select (local.get $target) (local.get $next) (local.get $taken)))
  (if (local.get $taken)
   (then (drop (call $compiled_settle (local.get $L) (local.get $ci))))))`);
  // OP_RETURN: code 0, 1 where there was a hook before, or 3.
  module.append(`
 (func $compiled_return (param $L i32) (param $ci i32) (param $results i32) (result i32)
  (local $hooks i32)
  (call $luaD_poscall (local.get $L) (local.get $ci) (local.get $results))
  (local.set $hooks (i32.load offset=112 (local.get $L)))
  (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
  (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (call $preempt (local.get $L))))
  (if (local.get $hooks) (then (return (i32.const 1))))
  (select (i32.const 3) (i32.const 0) (i32.load offset=112 (local.get $L))))`);
}
