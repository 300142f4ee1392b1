import type { ModuleText } from "./module_text.ts";

/** Lines that one call cuts off at most, so that it ends soon. */
const MOST = 256;

/**
 * host.split_lines(text, at, list) -> count: puts the whole lines of a text from byte `at` on into a list, without
 * their ends, at most 256, and nil behind the last. Two calls of the string library for each line take three times as
 * long.
 */
export function addLines(module: ModuleText): void {
  module.append(`
 (func $host_split_lines (param $L i32) (result i32)
  (local $text i32)
  (local $end i32)
  (local $stop i32)
  (local $count i32)
  (local.set $text (call $luaL_checklstring (local.get $L) (i32.const 1) (i32.const 0)))
  (local.set $end
   (i32.add (local.get $text)
    (i32.wrap_i64 (call $lua_rawlen (local.get $L) (i32.const 1)))))
  (local.set $text
   (i32.add (local.get $text)
    (i32.sub
     (i32.wrap_i64 (call $luaL_checkinteger (local.get $L) (i32.const 2)))
     (i32.const 1))))
  (call $luaL_checktype (local.get $L) (i32.const 3) (i32.const 5))
  (block $done
   (loop $next
    (br_if $done (i32.ge_u (local.get $text) (local.get $end)))
    (br_if $done (i32.eq (local.get $count) (i32.const ${MOST})))
    (local.set $stop
     (call $memchr (local.get $text) (i32.const 10)
      (i32.sub (local.get $end) (local.get $text))))
    (br_if $done (i32.eqz (local.get $stop)))
    (drop
     (call $lua_pushlstring (local.get $L) (local.get $text)
      (i32.sub (local.get $stop) (local.get $text))))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (call $lua_rawseti (local.get $L) (i32.const 3) (i64.extend_i32_u (local.get $count)))
    (local.set $text (i32.add (local.get $stop) (i32.const 1)))
    (br $next)))
  (call $lua_pushnil (local.get $L))
  (call $lua_rawseti (local.get $L) (i32.const 3)
   (i64.extend_i32_u (i32.add (local.get $count) (i32.const 1))))
  (call $lua_pushinteger (local.get $L) (i64.extend_i32_u (local.get $count)))
  (i32.const 1))`);
}
