import { firstKib } from "../first-kib.ts";
import { type ModuleText, TransformError } from "./module_text.ts";

/** Addresses of the texts ".xXnN" and "eE". */
const POINT = 7076;
const EXPONENT = 7155;

/** Whether it is on. */
const RELAXED = `(i32.load8_u (i32.const ${firstKib.nativesRelaxed.address}))`;

/**
 * Library functions as applications have them, from `host.relaxed(true)` on: scripts have Lua's.
 *
 * - `string.format("%d", 3.7)` cuts off the decimals.
 * - `assert(false, err)` raises a text, that of an Error too, and refuses other messages.
 * - `table.insert` and `remove` accept any position behind the end.
 *
 * `host.tonumber` is theirs too: a text with an exponent has a point as well, unless it is hexadecimal.
 * `table.concat` takes the text of an Error in every program, as the functions of `error_texts.ts` do.
 */
export function relaxLibraries(module: ModuleText): void {
  module.change({
    name: "string.format cuts off decimals",
    inside: "str_format",
    find: `(local.set $16 (call $luaL_checkinteger (local.get $0) (local.get $5)))`,
    put: `(local.set $16 (call $cut_integer (local.get $0) (local.get $5)))`,
  });
  module.change({
    name: "assert raises texts",
    inside: "luaB_assert",
    find: `(call $luaL_checkany (local.get $0) (i32.const 1))`,
    put: `(call $luaL_checkany (local.get $0) (i32.const 1))
      (if ${RELAXED}
       (then
        (if (i32.gt_s (call $lua_type (local.get $0) (i32.const 2)) (i32.const 0))
         (then (drop (call $luaL_checklstring (local.get $0) (i32.const 2) (i32.const 0))))
         (else (call $lua_settop (local.get $0) (i32.const 1))))))`,
  });
  module.change({
    name: "table.insert behind the end",
    inside: "tinsert",
    find: `(i64.le_u (local.get $1) (i64.sub (local.tee $2 ?position) (i64.const 1)))`,
    put: `(i32.and
      (i64.le_u (local.get $1) (i64.sub (local.tee $2 ?position) (i64.const 1)))
      (i32.or (i32.eqz ${RELAXED}) (i64.lt_s (local.get $2) (i64.const 1))))`,
  });
  module.change({
    name: "table.remove behind the end",
    inside: "tremove",
    find: `(br_if $block (i64.le_u (i64.sub (local.get $1) (i64.const 1)) (local.get $2)))`,
    put: `(br_if $block (i64.le_u (i64.sub (local.get $1) (i64.const 1)) (local.get $2)))
      (br_if $block (i32.and ${RELAXED} (i64.gt_s (local.get $1) (i64.const 0))))`,
  });
  module.change({
    name: "table.concat of an Error",
    inside: "tconcat",
    find: `(call $lua_isstring (local.get $0) (i32.const -1))`,
    put: `(call $top_is_text (local.get $0))`,
    times: 2,
  });
  // `tonumber` of applications; the kernel's own is Lua's.
  const call = "(call $lua_stringtonumber";
  const tonumber = module.function("luaB_tonumber");
  if (tonumber.split(call).length !== 2) throw new TransformError("host_tonumber", "it differs");
  module.append(
    tonumber.replace("(func $luaB_tonumber", "(func $host_tonumber")
      .replace(call, "(call $number_with_point"),
  );
  module.append(`
 (func $number_with_point (param $L i32) (param $text i32) (result i32)
  (if (i32.eqz (call $strpbrk (local.get $text) (i32.const ${POINT})))
   (then
    (if (call $strpbrk (local.get $text) (i32.const ${EXPONENT}))
     (then (return (i32.const 0))))))
  (call $lua_stringtonumber (local.get $L) (local.get $text)))`);
  module.append(`
 (func $cut_integer (param $L i32) (param $arg i32) (result i64)
  (local $value f64)
  (if
   (i32.and ${RELAXED}
    (i32.and
     (call $lua_isnumber (local.get $L) (local.get $arg))
     (i32.eqz (call $lua_isinteger (local.get $L) (local.get $arg)))))
   (then
    (local.set $value (call $lua_tonumberx (local.get $L) (local.get $arg) (i32.const 0)))
    (if (f64.ne (local.get $value) (f64.floor (local.get $value)))
     (then (return (i64.trunc_sat_f64_s (local.get $value)))))))
  (call $luaL_checkinteger (local.get $L) (local.get $arg)))`);
  module.append(`
 (func $top_is_text (param $L i32) (result i32)
  (if (call $lua_isstring (local.get $L) (i32.const -1)) (then (return (i32.const 1))))
  (if
   (i32.eqz
    (call $luaL_callmeta (local.get $L) (i32.const -1) (i32.const ${firstKib.textName.address})))
   (then (return (i32.const 0))))
  (call $lua_copy (local.get $L) (i32.const -1) (i32.const -2))
  (call $lua_settop (local.get $L) (i32.const -2))
  (call $lua_isstring (local.get $L) (i32.const -1)))`);
}
