import type { ModuleText } from "./module_text.ts";

/** Bit of a CallInfo's status: a C function. */
const C_FUNCTION = 2;
/** What a lua_State's status is while it is suspended. */
const YIELDED = 1;
/** Most calls from C within each other, and values that are moved here rather than by `auxresume`. */
const MOST_C_CALLS = 200;
const MOST_VALUES = 8;
/** OP_CALL, behind which `luaV_finishOp` has nothing to do. */
const OP_CALL = 68;
/** The frame of luaD_rawrunprotected on the shadow stack: previous at 0, status at 160. */
const FRAME = 176;
const move = (to: string, from: string) =>
  `(i64.store ${to} (i64.load ${from})) (i32.store8 offset=8 ${to} (i32.load8_u offset=8 ${from}))`;

/**
 * `$switch_to` is `auxresume`, and does the usual in one function: a coroutine that has yielded in `coroutine.yield`
 * or in a function of the host goes on, with few values in either direction. As shipped it takes a dozen functions,
 * and moves each value twice. All else it leaves to `auxresume`, and an error to `lua_resume`, from where that has
 * caught it.
 *
 * It does what `auxresume`, `lua_xmove`, `lua_resume`, `resume`, `luaD_poscall` and `unroll` do. Offsets: lua_State
 * status 6, top 12, ci 20, stack_last 24, errorJmp 48, base_ci 52, nCcalls 96, hookmask 112; CallInfo func 0, top 4,
 * previous 8, savedpc 16 (of C functions: k), nyield 28, nresults 32, callstatus 34.
 */
export function addSwitches(module: ModuleText): void {
  // The status of an error that `$switch_to` has caught, for `lua_resume`.
  module.append(`(global $caught (mut i32) (i32.const 0))`);
  module.change({
    name: "lua_resume takes over what was caught",
    inside: "lua_resume",
    find: `(call $luaD_rawrunprotected (local.get $0) (i32.const 65)
      (i32.add (local.get $5) (i32.const 12)))`,
    put: `(if (result i32) (global.get $caught)
      (then (call $take_caught (local.get $0)))
      (else
       (call $luaD_rawrunprotected (local.get $0) (i32.const 65)
        (i32.add (local.get $5) (i32.const 12)))))`,
  });
  module.append(`
 (func $take_caught (param $L i32) (result i32)
  (local $status i32)
  (local.set $status (global.get $caught))
  (global.set $caught (i32.const 0))
  (i32.store8 offset=6 (local.get $L) (i32.const 0))
  (local.get $status))`);
  // Behind a call there is nothing that luaV_finishOp would finish.
  module.append(`
 (func $go_on (param $L i32)
  (local $ci i32)
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (block $unroll
   (br_if $unroll
    (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${C_FUNCTION})))
   (br_if $unroll
    (i32.ne
     (i32.and
      (i32.load (i32.sub (i32.load offset=16 (local.get $ci)) (i32.const 4)))
      (i32.const 127))
     (i32.const ${OP_CALL})))
   (call $luaV_execute (local.get $L) (local.get $ci))
   (if (i32.eq (i32.load8_u offset=6 (local.get $L)) (i32.const ${YIELDED}))
    (then
     (call $run_on (local.get $L))
     (return))))
  (call $unroll (local.get $L) (i32.const 0))
  (call $run_on (local.get $L)))`);
  // luaB_yield and lua_yieldk, where nothing is between: see soft_yields.ts.
  module.append(`
 (func $coroutine_yield (param $L i32) (result i32)
  (local $ci i32)
  (if (i32.ne (i32.load offset=96 (local.get $L)) (global.get $base))
   (then (return (call $luaB_yield (local.get $L)))))
  (local.set $ci (i32.load offset=20 (local.get $L)))
  (i32.store8 offset=6 (local.get $L) (i32.const ${YIELDED}))
  (i32.store offset=28 (local.get $ci)
   (i32.sub
    (i32.shr_s
     (i32.sub (i32.load offset=12 (local.get $L)) (i32.load (local.get $ci)))
     (i32.const 4))
    (i32.const 1)))
  (i32.store offset=16 (local.get $ci) (i32.const 0))
  (i32.const 0))`);
  module.changeField(
    "coroutine.yield",
    /^ \(elem \$0 /,
    (field) => field.replace(" $luaB_yield ", () => " $coroutine_yield "),
  );
  addSwitch(module);
}

function addSwitch(module: ModuleText): void {
  module.append(`
 (func $switch_to (param $L i32) (param $co i32) (param $count i32) (result i32)
  (local $ci i32)
  (local $wanted i32)
  (local $from i32)
  (local $to i32)
  (local $frame i32)
  (local $c_calls i32)
  (local $base i32)
  (local $first_base i32)
  (block $other
   (br_if $other (i32.ne (i32.load8_u offset=6 (local.get $co)) (i32.const ${YIELDED})))
   (local.set $ci (i32.load offset=20 (local.get $co)))
   (br_if $other
    (i32.eqz (i32.and (i32.load16_u offset=34 (local.get $ci)) (i32.const ${C_FUNCTION}))))
   (br_if $other (i32.load offset=16 (local.get $ci)))
   (br_if $other (i32.load offset=112 (local.get $co)))
   (br_if $other (i32.gt_u (local.get $count) (i32.const ${MOST_VALUES})))
   (local.set $wanted (i32.load16_s offset=32 (local.get $ci)))
   (br_if $other (i32.lt_s (local.get $wanted) (i32.const -1)))
   (local.set $to (i32.load (local.get $ci)))
   (br_if $other
    (i32.le_s
     (i32.sub (i32.load offset=24 (local.get $co)) (i32.load offset=12 (local.get $co)))
     (i32.shl (local.get $count) (i32.const 4))))
   (local.set $c_calls (i32.add (i32.load16_u offset=96 (local.get $L)) (i32.const 1)))
   (br_if $other (i32.gt_u (local.get $c_calls) (i32.const ${MOST_C_CALLS})))
   ;; The values become the results of the function that yielded.
   (local.set $frame (i32.load offset=12 (local.get $L)))
   (local.set $from
    (i32.sub (local.get $frame) (i32.shl (local.get $count) (i32.const 4))))
   (i32.store offset=12 (local.get $L) (local.get $from))
   (if (i32.lt_s (local.get $wanted) (i32.const 0)) (then (local.set $wanted (local.get $count))))
   (block $given
    (loop $give
     (br_if $given (i32.eqz (local.get $wanted)))
     (if (i32.lt_u (local.get $from) (local.get $frame))
      (then
       ${move("(local.get $to)", "(local.get $from)")}
       (local.set $from (i32.add (local.get $from) (i32.const 16))))
      (else (i32.store8 offset=8 (local.get $to) (i32.const 0))))
     (local.set $to (i32.add (local.get $to) (i32.const 16)))
     (local.set $wanted (i32.sub (local.get $wanted) (i32.const 1)))
     (br $give)))
   (i32.store offset=12 (local.get $co) (local.get $to))
   (i32.store offset=20 (local.get $co) (i32.load offset=8 (local.get $ci)))
   (i32.store8 offset=6 (local.get $co) (i32.const 0))
   (i32.store offset=96 (local.get $co) (local.get $c_calls))
   (local.set $base (global.get $base))
   (local.set $first_base (global.get $first_base))
   (global.set $base (local.get $c_calls))
   (global.set $first_base (local.get $c_calls))
   ;; luaD_rawrunprotected
   (local.set $frame (i32.sub (global.get $global$0) (i32.const ${FRAME})))
   (global.set $global$0 (local.get $frame))
   (i32.store (local.get $frame) (i32.load offset=48 (local.get $co)))
   (i32.store offset=160 (local.get $frame) (i32.const 0))
   (i32.store offset=48 (local.get $co) (local.get $frame))
   (try
    (do (call $go_on (local.get $co)))
    (catch $longjmp)
    (catch_all
     (i32.store offset=48 (local.get $co) (i32.load (local.get $frame)))
     (i32.store offset=96 (local.get $co) (local.get $c_calls))
     (global.set $global$0 (i32.add (local.get $frame) (i32.const ${FRAME})))
     (rethrow 0)))
   (i32.store offset=48 (local.get $co) (i32.load (local.get $frame)))
   (i32.store offset=96 (local.get $co) (local.get $c_calls))
   (global.set $global$0 (i32.add (local.get $frame) (i32.const ${FRAME})))
   (global.set $base (local.get $base))
   (global.set $first_base (local.get $first_base))
   (if (i32.gt_u (i32.load offset=160 (local.get $frame)) (i32.const ${YIELDED}))
    (then
     (global.set $caught (i32.load offset=160 (local.get $frame)))
     (i32.store8 offset=6 (local.get $co) (i32.const ${YIELDED}))
     (return (call $resume_caught (local.get $L) (local.get $co)))))
   (local.set $ci (i32.load offset=20 (local.get $co)))
   (local.set $count
    (if (result i32) (i32.eq (i32.load8_u offset=6 (local.get $co)) (i32.const ${YIELDED}))
     (then (i32.load offset=28 (local.get $ci)))
     (else
      (i32.shr_s
       (i32.sub
        (i32.sub (i32.load offset=12 (local.get $co)) (i32.load (local.get $ci)))
        (i32.const 16))
       (i32.const 4)))))
   ;; What it was resumed for, and room for true before it.
   (local.set $to (i32.load offset=12 (local.get $L)))
   (local.set $frame
    (i32.add (local.get $to) (i32.shl (local.get $count) (i32.const 4))))
   (if
    (i32.or
     (i32.gt_u (local.get $count) (i32.const ${MOST_VALUES}))
     (i32.ge_u (local.get $frame) (i32.load offset=4 (i32.load offset=20 (local.get $L)))))
    (then
     (return (call $take_results (local.get $L) (local.get $co) (local.get $count)))))
   (local.set $from
    (i32.sub (i32.load offset=12 (local.get $co)) (i32.shl (local.get $count) (i32.const 4))))
   (i32.store offset=12 (local.get $co) (local.get $from))
   (block $taken
    (loop $take
     (br_if $taken (i32.ge_u (local.get $to) (local.get $frame)))
     ${move("(local.get $to)", "(local.get $from)")}
     (local.set $to (i32.add (local.get $to) (i32.const 16)))
     (local.set $from (i32.add (local.get $from) (i32.const 16)))
     (br $take)))
   (i32.store offset=12 (local.get $L) (local.get $to))
   (return (local.get $count)))
  (call $auxresume (local.get $L) (local.get $co) (local.get $count)))`);
  module.append(`
 (func $resume_caught (param $L i32) (param $co i32) (result i32)
  (local $count i32)
  (local $status i32)
  (local.set $count (i32.sub (global.get $global$0) (i32.const 16)))
  (global.set $global$0 (local.get $count))
  (local.set $status
   (call $lua_resume (local.get $co) (local.get $L) (i32.const 0) (local.get $count)))
  (global.set $global$0 (i32.add (local.get $count) (i32.const 16)))
  (if (i32.le_u (local.get $status) (i32.const ${YIELDED}))
   (then
    (return
     (call $take_results (local.get $L) (local.get $co) (i32.load (local.get $count))))))
  (call $lua_xmove (local.get $co) (local.get $L) (i32.const 1))
  (i32.const -1))`);
  // As auxresume does it.
  module.append(`
 (func $take_results (param $L i32) (param $co i32) (param $count i32) (result i32)
  (if
   (i32.eqz (call $lua_checkstack (local.get $L) (i32.add (local.get $count) (i32.const 1))))
   (then
    (call $lua_settop (local.get $co) (i32.xor (local.get $count) (i32.const -1)))
    (drop (call $lua_pushstring (local.get $L) (i32.const 5422)))  ;; too many results to resume
    (return (i32.const -1))))
  (call $lua_xmove (local.get $co) (local.get $L) (local.get $count))
  (local.get $count))`);
}
