import { firstKib } from "../first-kib.ts";
import type { ModuleText } from "./module_text.ts";

/** Fuel given again and again to code that can neither yield nor be stopped at once. */
const CRUMB = 4096;
/** Fuel between two looks at the clock, a tenth of a millisecond of plain code: so they cost nothing. */
const QUANTUM = 4096;
/** Milliseconds after which a slice ends though it has fuel left, since its instructions are slow ones. */
const SLICE_TIME = 8;
/** What a call from C into Lua costs, in fuel: a comparator's, a metamethod's. */
const CALL_FROM_C = 8;
/** What reading an item of a table from C costs, in fuel. */
export const ITEM = 4;
/** What a step of a pattern costs, in fuel. */
const MATCH = 3;
/** What an error costs, in fuel: JavaScriptCore takes 10 to 30 µs for a throw. */
const THROW = 2000;
/** Bytes (as a power of two) whose allocation costs one unit of fuel. */
export const BYTES_SHIFT = 6;
/** Fuel in a row without a place to yield (a second or two), after which an error is raised. */
const STUCK_ERROR = 100_000_000;
/** Fuel in a row after which the VM is given up: the code has caught ten thousand such errors. */
const STUCK_TRAP = STUCK_ERROR + 10_000 * CRUMB;
const MESSAGE_TEXT =
  "ran too long where it cannot yield (inside a sort comparator, a gsub callback, a pattern " +
  "or a chunk's top level)";

/**
 * Preemption: `$fuel` falls by one wherever `luaV_execute` reloads `trap` (every loop, jump and
 * call), and where C code loops by itself. When it is spent, a one-shot count hook stops the
 * running coroutine at its next instruction. It costs nothing that shows beside the noise, while
 * a standing count hook costs 1.3 to 2 times. Only code under `host.resume` is metered.
 *
 * A slice is so much fuel (`$fuel`, the rest in `$reserve`), and no more than a few milliseconds: the clock
 * is read once a quantum. Errors, large allocations and long searches burn more, as they take longer. One call
 * of a C function is never interrupted. Under
 * a clock that stands still only fuel counts, and the same program is stopped at the same places.
 *
 * The kernel's own Lua code (chunks named "=lua/…") is never preempted: between two of its instructions
 * its queues are not in order. It asks again at every step, so the application's code is stopped as soon
 * as it is back. Where the kernel works long, it stops of its own accord with `host.pause()`.
 *
 * Where the code cannot yield, it goes on with crumbs of fuel, and what it burns is counted in
 * `$stuck`: first an error is raised in it again and again; in the end the module traps.
 */
export function addFuel(module: ModuleText): void {
  module.append(`(global $fuel (mut i32) (i32.const 0x7fffffff))`);
  module.append(`(global $reserve (mut i32) (i32.const 0))`);
  // What was left of the slice when its time was over.
  module.append(`(global $unspent (mut i32) (i32.const 0))`);
  // When the first quantum of the slice was spent; 0 before that.
  module.append(`(global $began (mut f64) (f64.const 0))`);
  // Whether a host.resume is running (0 or 1).
  module.append(`(global $metered (mut i32) (i32.const 0))`);
  module.append(`(global $stuck (mut i32) (i32.const 0))`);
  module.append(`(data (i32.const ${firstKib.stuckText.address}) "${MESSAGE_TEXT}\\00")`);

  const burn = (spent: string, L = "(local.get $0)", units = 1) =>
    `(global.set $fuel (i32.sub (global.get $fuel) (i32.const ${units})))
     (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (call ${spent} ${L})))`;

  // Behind a return. What C reads is the trap of the call that has returned, which is set when the stack has moved
  // meanwhile, or left behind by another one: where the caller is stopped would depend on it. A hook that was there
  // before counts; the one that is asked for here is seen at the caller's next jump or call.
  module.change({
    name: "luaV_execute reloads trap behind a return",
    inside: "luaV_execute",
    find: `(call $luaD_poscall (local.get $0) (local.get $7) ?results)
      (local.set $4 (i32.load offset=20 (local.get $7)))`,
    put: `(call $luaD_poscall (local.get $0) (local.get $7) ?results)
      (local.set $4 (i32.load offset=112 (local.get $0)))
      ${burn("$preempt")}`,
    times: 2,
  });
  module.change({
    name: "luaV_execute reloads trap",
    inside: "luaV_execute",
    find: `(i32.load offset=20 (local.get $7))`,
    put: `(block (result i32) ${burn("$preempt")} (i32.load offset=20 (local.get $7)))`,
    times: 45,
  });
  // A tail call that never ends reloads nothing else.
  module.change({
    name: "luaV_execute enters a function",
    inside: "luaV_execute",
    find: `(local.set $3 (i32.load offset=112 (local.get $0)))`,
    put: `${burn("$preempt")} (local.set $3 (i32.load offset=112 (local.get $0)))`,
  });
  // table.move, table.insert and their like read through lua_geti as often as they are told to, and mostly write
  // as often.
  module.change({
    name: "lua_geti burns fuel",
    inside: "lua_geti",
    find: `(local.set $3 (i32.load offset=20 (local.get $0)))`,
    put: `${burn("$overrun", "(local.get $0)", ITEM)}
      (local.set $3 (i32.load offset=20 (local.get $0)))`,
  });

  const charge = (units: string) => `(global.set $fuel (i32.sub (global.get $fuel) ${units}))`;
  module.change({
    name: "l_alloc burns fuel",
    inside: "l_alloc",
    find: `(call $realloc (local.get $1) (local.get $3))`,
    put: `${charge(`(i32.shr_u (local.get $3) (i32.const ${BYTES_SHIFT}))`)}
      (call $allocate (local.get $1) (local.get $2) (local.get $3))`,
  });
  for (const name of ["luaD_call", "luaD_callnoyield"]) {
    module.change({
      name: `${name} burns fuel`,
      inside: name,
      find: `(call $luaV_execute (local.get $0) (local.get $1))`,
      put: `${charge(`(i32.const ${CALL_FROM_C})`)}
        (call $luaV_execute (local.get $0) (local.get $1))`,
    });
  }
  module.change({
    name: "luaD_throw burns fuel",
    inside: "luaD_throw",
    find: `(local.tee $2 (i32.load offset=48 (local.get $0)))`,
    put: `(block (result i32) ${charge(`(i32.const ${THROW})`)}
      (local.tee $2 (i32.load offset=48 (local.get $0))))`,
  });

  // A pattern can take longer than the universe lasts. MatchState has L at 12, matchdepth at 16.
  const enterMatch = `(i32.store offset=16 (local.get $0)
    (i32.sub (local.tee $4 (i32.load offset=16 (local.get $0))) (i32.const 1)))`;
  module.change({
    name: "match burns fuel",
    inside: "match",
    find: enterMatch,
    put: `${burn("$overrun", "(i32.load offset=12 (local.get $0))", MATCH)} ${enterMatch}`,
  });
  // A compiler's step may walk through all that was compiled before, as in long chains of `and`. LexState has L at 52.
  module.change({
    name: "luaX_next burns fuel",
    inside: "luaX_next",
    find: `(i32.store offset=8 (local.get $0) (i32.load offset=4 (local.get $0)))`,
    put: `${burn("$overrun", "(i32.load offset=52 (local.get $0))")}
      (i32.store offset=8 (local.get $0) (i32.load offset=4 (local.get $0)))`,
  });

  module.append(`
 (func $can_suspend (param $L i32) (result i32)
  (i32.and
   (i32.eqz (global.get $blocked))
   (call $lua_isyieldable (local.get $L))))`);
  // Whether the running function is the kernel's own Lua.
  module.append(`
 (func $is_trusted (param $L i32) (result i32)
  (call $is_kernel_code (i32.load offset=20 (local.get $L))))`);
  // Whether the function of a CallInfo is: its chunk's name starts with "=lua/".
  // ci->func -> closure -> proto -> source; a TString's text is at 16. On the way out of a
  // coroutine's last function ci is its base already, which has no closure: not 0x46, a Lua closure.
  module.append(`
 (func $is_kernel_code (param $ci i32) (result i32)
  (local $func i32)
  (local $text i32)
  (local.set $func (i32.load (local.get $ci)))
  (if (i32.ne (i32.load8_u offset=8 (local.get $func)) (i32.const 0x46))
   (then (return (i32.const 0))))
  (local.set $text
   (i32.add (i32.const 16)
    (i32.load offset=76 (i32.load offset=12 (i32.load (local.get $func))))))
  (i32.and
   (i32.eq (i32.load (local.get $text)) (i32.const 0x61756c3d))
   (i32.eq (i32.load8_u offset=4 (local.get $text)) (i32.const 0x2f))))`);
  // Counts what code burnt that cannot be stopped, and gives it a crumb. True: time for an error.
  module.append(`
 (func $stuck_too_long (result i32)
  (if (i32.eqz (global.get $metered))
   (then
    (global.set $fuel (i32.const 0x7fffffff))
    (return (i32.const 0))))
  (global.set $fuel (i32.const ${CRUMB}))
  (global.set $stuck (i32.add (global.get $stuck) (i32.const ${CRUMB})))
  (if (i32.gt_s (global.get $stuck) (i32.const ${STUCK_TRAP})) (then (unreachable)))
  (i32.gt_s (global.get $stuck) (i32.const ${STUCK_ERROR})))`);
  // Moves a quantum from the reserve; false when the slice is over, by fuel or by time.
  module.append(`
 (func $refuel (result i32)
  (local $time f64)
  ;; What was burnt beyond the quantum, by an allocation perhaps, comes out of the reserve.
  (global.set $reserve (i32.add (global.get $reserve) (global.get $fuel)))
  (global.set $fuel (i32.const 0))
  (if (i32.le_s (global.get $reserve) (i32.const 0)) (then (return (i32.const 0))))
  (local.set $time (call $now))
  (if (f64.eq (global.get $began) (f64.const 0))
   (then (global.set $began (local.get $time))))
  (if (f64.ge (f64.sub (local.get $time) (global.get $began)) (f64.const ${SLICE_TIME}))
   (then
    (global.set $unspent (global.get $reserve))
    (global.set $reserve (i32.const 0))
    (return (i32.const 0))))
  (call $load_fuel (global.get $reserve))
  (i32.const 1))`);
  // Gives units of fuel: a quantum to burn now, the rest as reserve.
  module.append(`
 (func $load_fuel (param $units i32)
  (global.set $fuel
   (select (local.get $units) (i32.const ${QUANTUM})
    (i32.lt_s (local.get $units) (i32.const ${QUANTUM}))))
  (global.set $reserve (i32.sub (local.get $units) (global.get $fuel))))`);
  // Fuel is spent between two instructions of Lua code: asks for the hook (mask 8: count).
  module.append(`
 (func $preempt (param $L i32)
  (if (i32.and (global.get $metered) (call $refuel)) (then (return)))
  (if (i32.and (global.get $metered) (call $is_trusted (local.get $L)))
   (then
    (global.set $fuel (i32.const 0))
    (return)))
  (if (i32.eqz (i32.and (global.get $metered) (call $can_suspend (local.get $L))))
   (then
    (if (i32.eqz (call $stuck_too_long)) (then (return))))
   (else (global.set $stuck (i32.const 0))))
  (if (i32.eqz (i32.load8_u offset=7 (local.get $L)))  ;; inside a hook or a finalizer
   (then
    (drop (call $stuck_too_long))
    (return)))
  (global.set $fuel (i32.const ${CRUMB}))
  (call $ask_for_fuel_hook (local.get $L)))`);
  module.append(`
 (func $on_fuel_spent (param $L i32) (param $activation i32)
  (call $lua_sethook (local.get $L) (i32.const 0) (i32.const 0) (i32.const 0))
  (call $fuel_spent (local.get $L)))`);
  module.append(`
 (func $fuel_spent (param $L i32)
  (if (call $is_trusted (local.get $L))
   (then
    (global.set $fuel (i32.const 0))
    (return)))
  (if (call $can_suspend (local.get $L))
   (then
    (global.set $fuel (i32.const 0))
    (global.set $passing (i32.const 2))
    (drop (call $lua_yieldk (local.get $L) (i32.const 0) (i32.const 0) (i32.const 0)))
    (return)))
  (if (i32.gt_s (global.get $stuck) (i32.const ${STUCK_ERROR}))
   (then
    (global.set $fuel (i32.const 0))
    (call $luaG_runerror (local.get $L) (i32.const ${firstKib.stuckText.address}) (i32.const 0)))))`);
  // Fuel is spent inside a C function, where nothing can yield. An error of the kernel's own code would leave its
  // tables half done; CallInfo has the caller at 8. Code that catches the error has no fuel left, so that it
  // yields before it calls anything else.
  module.append(`
 (func $overrun (param $L i32)
  (local $caller i32)
  (if (i32.and (global.get $metered) (call $refuel)) (then (return)))
  (local.set $caller (i32.load offset=8 (i32.load offset=20 (local.get $L))))
  (if (local.get $caller)
   (then
    (if (call $is_kernel_code (local.get $caller))
     (then
      (global.set $fuel (i32.const ${CRUMB}))
      (return)))))
  (if (call $stuck_too_long)
   (then
    (global.set $fuel (i32.const 0))
    (drop (call $luaL_error (local.get $L) (i32.const ${firstKib.stuckText.address}) (i32.const 0))))))`);
}
