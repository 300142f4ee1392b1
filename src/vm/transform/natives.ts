import { MARKED } from "../layout.ts";
import { indexOf } from "./function_table.ts";
import type { ModuleText } from "./module_text.ts";
import { FUEL_UNIT } from "./suspension.ts";

/**
 * What the module gives to Lua's `host` table besides suspension, and to JavaScript beside Lua's
 * own exports: host functions, protected entry, and small functions that spare a crossing.
 */
export function addNatives(module: ModuleText): void {
  module.changeField(
    "import that becomes host_call",
    /^ \(import "env" "system"/,
    (field) =>
      `${field} (import "env" "host_call" (func $host_call (param i32 i32) (result i32)))\n` +
      ` (import "env" "now" (func $now (result f64)))\n` +
      ` (import "env" "toiling" (func $toiling))\n`,
  );

  // A closure over an integer calls the JavaScript function of that number. JavaScript may not
  // throw through Lua's frames: it leaves the error on the stack and answers -1.
  module.append(`
 (func $host_function (param $L i32) (result i32)
  (local $results i32)
  (local.set $results
   (call $host_call (local.get $L)
    (call $lua_touserdata (local.get $L) (i32.const -1001001))))  ;; upvalue 1
  (if (i32.lt_s (local.get $results) (i32.const 0))
   (then (return (call $soft_raise (local.get $L)))))
  (local.get $results))`);

  // JavaScript's way in: host_call(L, index) with Lua's errors caught. Returns Lua's status.
  // Trusted code runs so, with all the fuel there is.
  module.append(`
 (func $run_protected (param $L i32) (param $index i32)
  (if (i32.lt_s (call $host_call (local.get $L) (local.get $index)) (i32.const 0))
   (then (drop (call $lua_error (local.get $L))))))`);
  module.append(`
 (func $protect (param $L i32) (param $index i32) (result i32)
  (local $outer_fuel i32)
  (local $outer_metered i32)
  (local $outer_passing i32)
  (local $status i32)
  (local.set $outer_fuel (global.get $fuel))
  (local.set $outer_metered (global.get $metered))
  (local.set $outer_passing (global.get $passing))
  (global.set $metered (i32.const 0))
  (local.set $status
   (call $luaD_rawrunprotected (local.get $L)
    (i32.const ${indexOf("run_protected")}) (local.get $index)))
  (global.set $fuel (local.get $outer_fuel))
  (global.set $metered (local.get $outer_metered))
  (global.set $passing (local.get $outer_passing))
  (local.get $status))`);
  module.append(`(export "protect" (func $protect))`);

  // lua_rawseti and lua_rawgeti without a 64-bit integer, which would cross as a BigInt.
  module.append(`
 (func $set_index (param $L i32) (param $table i32) (param $n i32)
  (call $lua_rawseti (local.get $L) (local.get $table)
   (i64.extend_i32_s (local.get $n))))`);
  module.append(`(export "set_index" (func $set_index))`);
  module.append(`
 (func $get_index (param $L i32) (param $table i32) (param $n i32) (result i32)
  (call $lua_rawgeti (local.get $L) (local.get $table)
   (i64.extend_i32_s (local.get $n))))`);
  module.append(`(export "get_index" (func $get_index))`);

  // host.call_unyieldable(f, ...): pcall without a continuation, so nothing inside can yield. It is metered, also where
  // no unit runs: a chunk that never ends gets an error.
  module.append(`
 (func $host_call_unyieldable (param $L i32) (result i32)
  (local $failed i32)
  (local $outer_fuel i32)
  (local $outer_metered i32)
  (call $luaL_checkany (local.get $L) (i32.const 1))
  (call $lua_pushboolean (local.get $L) (i32.const 1))
  (call $lua_rotate (local.get $L) (i32.const 1) (i32.const 1))
  (local.set $outer_fuel (global.get $fuel))
  (local.set $outer_metered (global.get $metered))
  (if (i32.eqz (local.get $outer_metered))
   (then
    (global.set $metered (i32.const 1))
    (global.set $fuel (i32.const 0))
    (global.set $reserve (i32.const 0))
    (global.set $stuck (i32.const 0))
    (global.set $began (f64.const 0))))
  (local.set $failed
   (call $lua_pcallk (local.get $L)
    (i32.sub (call $lua_gettop (local.get $L)) (i32.const 2))
    (i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0)))
  (if (i32.eqz (local.get $outer_metered))
   (then
    (global.set $metered (i32.const 0))
    (global.set $fuel (local.get $outer_fuel))))
  (if (local.get $failed)
   (then
    (call $lua_pushboolean (local.get $L) (i32.const 0))
    (call $lua_rotate (local.get $L) (i32.const -2) (i32.const 1))
    (return (i32.const 2))))
  (call $lua_gettop (local.get $L)))`);

  // host.delegate(f): a C function that calls f. Its caller stays on the stack in a tail call too, so that f finds the
  // line that called it.
  module.append(`
 (func $delegated (param $L i32) (result i32)
  (call $lua_pushvalue (local.get $L) (i32.const -1001001))  ;; upvalue 1
  (call $lua_rotate (local.get $L) (i32.const 1) (i32.const 1))
  (call $lua_callk (local.get $L)
   (i32.sub (call $lua_gettop (local.get $L)) (i32.const 1))
   (i32.const -1) (i32.const 0) (i32.const 0))
  (call $lua_gettop (local.get $L)))`);
  module.append(`
 (func $host_delegate (param $L i32) (result i32)
  (call $lua_settop (local.get $L) (i32.const 1))
  (call $lua_pushcclosure (local.get $L) (i32.const ${indexOf("delegated")}) (i32.const 1))
  (i32.const 1))`);

  // host.now(): nanoseconds since the epoch. The clock counts milliseconds with a fraction;
  // they are split because a double cannot hold so many nanoseconds.
  module.append(`
 (func $host_clock_now (param $L i32) (result i32)
  (local $ms f64)
  (local.set $ms (call $now))
  (call $lua_pushinteger (local.get $L)
   (i64.add
    (i64.mul
     (i64.trunc_sat_f64_s (f64.floor (local.get $ms)))
     (i64.const 1000000))
    (i64.trunc_sat_f64_s
     (f64.mul
      (f64.sub (local.get $ms) (f64.floor (local.get $ms)))
      (f64.const 1000000)))))
  (i32.const 1))`);

  // host.close(co): coroutine.close, also for a coroutine that is parked.
  module.append(`
 (func $host_close (param $L i32) (result i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))
  (call $hold (call $lua_tothread (local.get $L) (i32.const 1)) (i32.const 0))
  (call $luaB_close (local.get $L)))`);

  module.append(`
 (func $host_fuel (param $L i32) (result i32)
  (call $lua_pushinteger (local.get $L) (i64.extend_i32_s (global.get $left)))
  (i32.const 1))`);
  // host.burnt(co): the fuel that a coroutine has burnt since it was asked last.
  module.append(`
 (func $host_burnt (param $L i32) (result i32)
  (local $word i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 8))
  (local.set $word
   (i32.sub (call $lua_tothread (local.get $L) (i32.const 1)) (i32.const 4)))
  (call $lua_pushinteger (local.get $L)
   (i64.extend_i32_u
    (i32.and (i32.load (local.get $word)) (i32.const ${-FUEL_UNIT}))))
  (i32.store (local.get $word)
   (i32.and (i32.load (local.get $word)) (i32.const ${FUEL_UNIT - 1})))
  (i32.const 1))`);

  module.append(`
 (func $host_slice (param $L i32) (result i32)
  (global.set $slice
   (i32.wrap_i64 (call $luaL_checkinteger (local.get $L) (i32.const 1))))
  (i32.const 0))`);

  // host.memory(): bytes in use, global_State's totalbytes + GCdebt.
  module.append(`
 (func $memory_used (param $L i32) (result i32)
  (local $g i32)
  (local.set $g (i32.load offset=16 (local.get $L)))
  (i32.add (i32.load offset=8 (local.get $g)) (i32.load offset=12 (local.get $g))))`);
  module.append(`(export "memory_used" (func $memory_used))`);
  module.append(`
 (func $host_memory (param $L i32) (result i32)
  (call $lua_pushinteger (local.get $L)
   (i64.extend_i32_u (call $memory_used (local.get $L))))
  (i32.const 1))`);

  // host.mark(metatable): sets a bit of the table's flags (at 6) that Lua has no use for. No program can do so: what
  // is at 1 of a metatable means something only with it.
  module.append(`
 (func $host_mark (param $L i32) (result i32)
  (local $table i32)
  (call $luaL_checktype (local.get $L) (i32.const 1) (i32.const 5))
  (call $lua_settop (local.get $L) (i32.const 1))
  (local.set $table (call $lua_topointer (local.get $L) (i32.const 1)))
  (i32.store8 offset=6 (local.get $table)
   (i32.or (i32.load8_u offset=6 (local.get $table)) (i32.const ${MARKED})))
  (i32.const 1))`);

  // host.type(v): type(v), but "userdata" (7) for a table whose metatable is marked and holds true at 1, and "type" for
  // one whose metatable is marked and holds that text there.
  module.append(`
 (func $marked_metatable (param $L i32) (result i32)
  (if (result i32) (call $lua_getmetatable (local.get $L) (i32.const 1))
   (then
    (i32.and
     (i32.load8_u offset=6 (call $lua_topointer (local.get $L) (i32.const -1)))
     (i32.const ${MARKED})))
   (else (i32.const 0))))`);
  module.append(`
 (func $host_type (param $L i32) (result i32)
  (local $type i32)
  (local $text i32)
  (call $luaL_checkany (local.get $L) (i32.const 1))
  (local.set $type (call $lua_type (local.get $L) (i32.const 1)))
  (if (i32.eq (local.get $type) (i32.const 5))
   (then
    (if (call $marked_metatable (local.get $L))
     (then
      (drop (call $lua_rawgeti (local.get $L) (i32.const -1) (i64.const 1)))
      (if (i32.eq (call $lua_type (local.get $L) (i32.const -1)) (i32.const 4))
       (then
        (local.set $text (call $lua_tolstring (local.get $L) (i32.const -1) (i32.const 0)))
        (if
         (i32.and
          (i32.eq (i32.load (local.get $text)) (i32.const 0x65707974))  ;; "type"
          (i32.eqz (i32.load8_u offset=4 (local.get $text))))
         (then (return (i32.const 1))))))
      (if
       (i32.and
        (i32.eq (call $lua_type (local.get $L) (i32.const -1)) (i32.const 1))
        (call $lua_toboolean (local.get $L) (i32.const -1)))
       (then (local.set $type (i32.const 7))))))))
  (drop
   (call $lua_pushstring (local.get $L)
    (call $lua_typename (local.get $L) (local.get $type))))
  (i32.const 1))`);
}
