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
 * - Functions that take an integer cut off the decimals of a float: `string.format("%d", 3.7)`, `s:sub(1, 2.5)`.
 * - `assert(false, err)` raises a text, that of an Error too, and refuses other messages.
 * - `table.insert` and `remove` accept any position behind the end.
 *
 * `host.tonumber` is theirs too: a text with an exponent has a point as well, unless it is hexadecimal.
 * `table.concat` takes the text of an Error in every program, as the functions of `error_texts.ts` do.
 */
export function relaxLibraries(module: ModuleText): void {
  for (const [inside, result] of [["luaL_checkinteger", "$scratch"], ["luaL_optinteger", "$2"]]) {
    module.change({
      name: `${inside} cuts off decimals`,
      inside: inside!,
      find: `(call $interror (local.get $0) (local.get $1))`,
      put: `(if
        (i32.and ${RELAXED} (call $lua_isnumber (local.get $0) (local.get $1)))
        (then
         (local.set ${result}
          (i64.trunc_sat_f64_s
           (call $lua_tonumberx (local.get $0) (local.get $1) (i32.const 0)))))
        (else (call $interror (local.get $0) (local.get $1))))`,
    });
  }
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
