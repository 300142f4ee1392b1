import type { ModuleText } from "./module_text.ts";

const top = `(i32.load offset=12 (local.get $L))`;
const stackLast = `(i32.load offset=24 (local.get $L))`;
const slots = (bytes: string) => `(i32.shr_s ${bytes} (i32.const 4))`;
/** luaC_checkGC, as C does it before it makes the stack larger. GCdebt is at 12 of the global state. */
const collectIfDue =
  `(if (i32.gt_s (i32.load offset=12 (i32.load offset=16 (local.get $L))) (i32.const 0))
    (then (call $luaC_step (local.get $L))))`;
const copy = (to: string, from: string) =>
  `(i64.store ${to} (i64.load ${from})) (i32.store8 offset=8 ${to} (i32.load8_u offset=8 ${from}))`;
/** luaC_barrierback of a table for a value. */
const barrier = (table: string, value: string) =>
  `(if (i32.and (i32.load8_u offset=8 ${value}) (i32.const 64))
    (then
     (if (i32.and (i32.load8_u offset=5 ${table}) (i32.const 32))
      (then
       (if (i32.and (i32.load8_u offset=5 (i32.load ${value})) (i32.const 24))
        (then (call $luaC_barrierback_ (local.get $L) ${table})))))))`;
const rounds = (body: string) =>
  `(block $done (loop $next
    (br_if $done (i32.ge_s (local.get $i) (local.get $n)))
    ${body}
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $next)))`;

/**
 * The instructions of compiled code that are too long to be emitted each time, or whose C function exists only inside
 * `luaV_execute`. Where they are to burn fuel, they burn it as the interpreter does, and answer the trap.
 */
export function addCompiledOperations(module: ModuleText): void {
  addTableAccess(module);
  addComparison(module);
  addClosure(module);
  addTailCall(module);
  addVarargs(module);
  addIteration(module);
}

/** OP_GETFIELD, OP_GETTABLE and their like; OP_SETLIST. Table: flags 6, lsizenode 7, array 12, lastfree 20. */
function addTableAccess(module: ModuleText): void {
  const lookups = [
    ["field", "(call $luaH_getshortstr (local.get $t) (i32.load (local.get $key)))"],
    ["table", "(call $luaH_get (local.get $t) (local.get $key))"],
  ] as const;
  for (const [name, lookup] of lookups) {
    const found = `(if (i32.eq (i32.load8_u offset=8 (local.get $object)) (i32.const 0x45))
   (then
    (local.set $t (i32.load (local.get $object)))
    (local.set $slot ${lookup})
    (if (i32.and (i32.load8_u offset=8 (local.get $slot)) (i32.const 15))`;
    module.append(`
 (func $compiled_get_${name}
  (param $L i32) (param $ci i32) (param $object i32) (param $key i32) (param $to i32) (result i32)
  (local $t i32) (local $slot i32)
  ${found}
     (then ${copy("(local.get $to)", "(local.get $slot)")} (return (i32.const 0))))))
  (call $luaV_finishget (local.get $L) (local.get $object) (local.get $key) (local.get $to)
   (local.get $slot))
  (call $compiled_settle (local.get $L) (local.get $ci)))`);
    module.append(`
 (func $compiled_set_${name}
  (param $L i32) (param $ci i32) (param $object i32) (param $key i32) (param $value i32) (result i32)
  (local $t i32) (local $slot i32)
  ${found}
     (then
      ${copy("(local.get $slot)", "(local.get $value)")}
      ${barrier("(local.get $t)", "(local.get $value)")}
      (return (i32.const 0))))))
  (call $luaV_finishset (local.get $L) (local.get $object) (local.get $key) (local.get $value)
   (local.get $slot))
  (call $compiled_settle (local.get $L) (local.get $ci)))`);
  }
  // The values behind $from go to the table's indices behind $first.
  module.append(`
 (func $compiled_set_list
  (param $L i32) (param $t i32) (param $from i32) (param $n i32) (param $first i32)
  (local $i i32) (local $to i32)
  (call $pay_for_values (local.get $n))
  (local.set $i (i32.add (local.get $first) (local.get $n)))
  (if (i32.gt_u (local.get $i) (call $luaH_realasize (local.get $t)))
   (then
    (call $luaH_resize (local.get $L) (local.get $t) (local.get $i)
     (if (result i32) (i32.load offset=20 (local.get $t))
      (then (i32.shl (i32.const 1) (i32.load8_u offset=7 (local.get $t))))
      (else (i32.const 0))))))
  (local.set $i (i32.const 0))
  ${
    rounds(`
    (local.set $to
     (i32.add (i32.load offset=12 (local.get $t))
      (i32.shl (i32.add (local.get $first) (local.get $i)) (i32.const 4))))
    (local.set $from (i32.add (local.get $from) (i32.const 16)))
    ${copy("(local.get $to)", "(local.get $from)")}
    ${barrier("(local.get $t)", "(local.get $from)")}`)
  })`);
}

/**
 * OP_LT and OP_LE (op: LUA_OPLT, LUA_OPLE), through the API, which knows registers by how far they are from ci->func:
 * on top of the stack they would take slots that the interpreter does not.
 */
function addComparison(module: ModuleText): void {
  const index = (register: string) =>
    `(i32.shr_s
      (i32.sub ${register} (i32.load (i32.load offset=20 (local.get $L))))
      (i32.const 4))`;
  module.append(`
 (func $compiled_compare (param $L i32) (param $a i32) (param $b i32) (param $op i32) (result i32)
  (call $lua_compare (local.get $L) ${index("(local.get $a)")} ${index("(local.get $b)")}
   (local.get $op)))`);
}

/** OP_CLOSURE: pushclosure and luaF_findupval. UpVal: v 8, open.next 16, open.previous 20; lua_State openupval 32. */
function addClosure(module: ModuleText): void {
  module.append(`
 (func $compiled_find_upvalue (param $L i32) (param $level i32) (result i32)
  (local $link i32) (local $p i32) (local $upvalue i32)
  (local.set $link (i32.add (local.get $L) (i32.const 32)))
  (block $new
   (loop $next
    (br_if $new (i32.eqz (local.tee $p (i32.load (local.get $link)))))
    (br_if $new (i32.lt_u (i32.load offset=8 (local.get $p)) (local.get $level)))
    (if (i32.eq (i32.load offset=8 (local.get $p)) (local.get $level))
     (then (return (local.get $p))))
    (local.set $link (i32.add (local.get $p) (i32.const 16)))
    (br $next)))
  (local.set $upvalue (call $luaC_newobj (local.get $L) (i32.const 9) (i32.const 32)))
  (local.set $p (i32.load (local.get $link)))
  (i32.store8 offset=6 (local.get $upvalue) (i32.const 0))
  (i32.store offset=20 (local.get $upvalue) (local.get $link))
  (i32.store offset=16 (local.get $upvalue) (local.get $p))
  (i32.store offset=8 (local.get $upvalue) (local.get $level))
  (if (local.get $p)
   (then (i32.store offset=20 (local.get $p) (i32.add (local.get $upvalue) (i32.const 16)))))
  (i32.store (local.get $link) (local.get $upvalue))
  ;; A thread with open upvalues is in the collector's list of them.
  (if (i32.eq (i32.load offset=44 (local.get $L)) (local.get $L))
   (then
    (i32.store offset=44 (local.get $L)
     (i32.load offset=156 (i32.load offset=16 (local.get $L))))
    (i32.store offset=156 (i32.load offset=16 (local.get $L)) (local.get $L))))
  (local.get $upvalue))`);
  module.append(`
 (func $compiled_closure (param $L i32) (param $proto i32) (param $outer i32) (param $to i32)
  (local $n i32) (local $i i32) (local $closure i32) (local $description i32) (local $upvalue i32)
  (local $base i32)
  (local.set $base
   (i32.add (i32.load (i32.load offset=20 (local.get $L))) (i32.const 16)))
  (local.set $n (i32.load offset=12 (local.get $proto)))
  (local.set $closure (call $luaF_newLclosure (local.get $L) (local.get $n)))
  (i32.store offset=12 (local.get $closure) (local.get $proto))
  (i32.store (local.get $to) (local.get $closure))
  (i32.store8 offset=8 (local.get $to) (i32.const 0x46))
  ${
    rounds(`
    (local.set $description
     (i32.add (i32.load offset=60 (local.get $proto)) (i32.shl (local.get $i) (i32.const 3))))
    (local.set $upvalue (i32.load8_u offset=5 (local.get $description)))
    (local.set $upvalue
     (if (result i32) (i32.load8_u offset=4 (local.get $description))
      (then
       (call $compiled_find_upvalue (local.get $L)
        (i32.add (local.get $base) (i32.shl (local.get $upvalue) (i32.const 4)))))
      (else
       (i32.load offset=16
        (i32.add (local.get $outer) (i32.shl (local.get $upvalue) (i32.const 2)))))))
    (i32.store offset=16
     (i32.add (local.get $closure) (i32.shl (local.get $i) (i32.const 2)))
     (local.get $upvalue))
    (if (i32.and (i32.load8_u offset=5 (local.get $closure)) (i32.const 32))
     (then
      (if (i32.and (i32.load8_u offset=5 (local.get $upvalue)) (i32.const 24))
       (then
        (call $luaC_barrier_ (local.get $L) (local.get $closure) (local.get $upvalue))))))`)
  })`);
}

/**
 * OP_TAILCALL of a Lua function: it and its arguments, up to L->top, move down to ci->func, which is $delta slots lower
 * in a function of any number of arguments.
 */
function addTailCall(module: ModuleText): void {
  module.append(`
 (func $compiled_tail_call (param $L i32) (param $ci i32) (param $func i32) (param $delta i32)
  (local $to i32) (local $end i32) (local $proto i32) (local $size i32)
  (local.set $proto (i32.load offset=12 (i32.load (local.get $func))))
  (local.set $size (i32.shl (i32.load8_u offset=8 (local.get $proto)) (i32.const 4)))
  (local.set $to
   (i32.sub (i32.load8_u offset=8 (local.get $proto)) (local.get $delta)))
  (if (i32.le_s ${slots(`(i32.sub ${stackLast} ${top})`)} (local.get $to))
   (then
    (local.set $func (i32.sub (local.get $func) (i32.load offset=28 (local.get $L))))
    ${collectIfDue}
    (drop (call $luaD_growstack (local.get $L) (local.get $to) (i32.const 1)))
    (local.set $func (i32.add (local.get $func) (i32.load offset=28 (local.get $L))))))
  (local.set $to
   (i32.sub (i32.load (local.get $ci)) (i32.shl (local.get $delta) (i32.const 4))))
  (i32.store (local.get $ci) (local.get $to))
  (i32.store offset=4 (local.get $ci)
   (i32.add (i32.add (local.get $to) (i32.const 16)) (local.get $size)))
  (local.set $end
   (i32.add (local.get $to)
    (i32.shl
     (i32.add (i32.load8_u offset=6 (local.get $proto)) (i32.const 1))
     (i32.const 4))))
  (call $pay_for_values
   (i32.shr_u (i32.sub ${top} (local.get $func)) (i32.const 4)))
  (block $moved
   (loop $move
    (br_if $moved (i32.ge_u (local.get $func) ${top}))
    ${copy("(local.get $to)", "(local.get $func)")}
    (local.set $to (i32.add (local.get $to) (i32.const 16)))
    (local.set $func (i32.add (local.get $func) (i32.const 16)))
    (br $move)))
  (block $filled
   (loop $fill
    (br_if $filled (i32.ge_u (local.get $to) (local.get $end)))
    (i32.store8 offset=8 (local.get $to) (i32.const 0))
    (local.set $to (i32.add (local.get $to) (i32.const 16)))
    (br $fill)))
  (i32.store offset=12 (local.get $L) (local.get $to))
  (i32.store offset=16 (local.get $ci) (i32.load offset=52 (local.get $proto)))
  (i32.store16 offset=34 (local.get $ci)
   (i32.or (i32.load16_u offset=34 (local.get $ci)) (i32.const 32))))`);
}

/** OP_VARARGPREP: luaT_adjustvarargs; OP_VARARG: luaT_getvarargs. CallInfo: nextraargs 24. */
function addVarargs(module: ModuleText): void {
  module.append(`
 (func $compiled_adjust_varargs (param $L i32) (param $ci i32) (param $proto i32)
  (local $func i32) (local $actual i32) (local $i i32) (local $n i32) (local $to i32) (local $from i32)
  (local $size i32)
  (local.set $func (i32.load (local.get $ci)))
  (local.set $actual
   (i32.sub ${slots(`(i32.sub ${top} (local.get $func))`)} (i32.const 1)))
  (local.set $size (i32.add (i32.load8_u offset=8 (local.get $proto)) (i32.const 1)))
  (i32.store offset=24 (local.get $ci)
   (i32.sub (local.get $actual) (i32.load8_u offset=6 (local.get $proto))))
  (if (i32.le_s ${slots(`(i32.sub ${stackLast} ${top})`)} (local.get $size))
   (then
    (drop (call $luaD_growstack (local.get $L) (local.get $size) (i32.const 1)))
    (local.set $func (i32.load (local.get $ci)))))
  ;; The function, then its fixed parameters, whose old slots become nil.
  ${copy(top, "(local.get $func)")}
  (i32.store offset=12 (local.get $L) (i32.add ${top} (i32.const 16)))
  (local.set $n (i32.load8_u offset=6 (local.get $proto)))
  (local.set $from (local.get $func))
  ${
    rounds(`
    (local.set $to ${top})
    (local.set $from (i32.add (local.get $from) (i32.const 16)))
    ${copy("(local.get $to)", "(local.get $from)")}
    (i32.store8 offset=8 (local.get $from) (i32.const 0))
    (i32.store offset=12 (local.get $L) (i32.add (local.get $to) (i32.const 16)))`)
  }
  (local.set $n (i32.shl (i32.add (local.get $actual) (i32.const 1)) (i32.const 4)))
  (i32.store (local.get $ci) (i32.add (local.get $func) (local.get $n)))
  (i32.store offset=4 (local.get $ci)
   (i32.add (i32.load offset=4 (local.get $ci)) (local.get $n))))`);
  // As many as are wanted, all for -1, which sets L->top behind them.
  module.append(`
 (func $compiled_get_varargs (param $L i32) (param $ci i32) (param $to i32) (param $wanted i32)
  (local $extra i32) (local $i i32) (local $n i32) (local $from i32)
  (local.set $extra (i32.load offset=24 (local.get $ci)))
  (if (i32.lt_s (local.get $wanted) (i32.const 0))
   (then
    (local.set $wanted (local.get $extra))
    (if (i32.le_s ${slots(`(i32.sub ${stackLast} ${top})`)} (local.get $extra))
     (then
      (local.set $to (i32.sub (local.get $to) (i32.load offset=28 (local.get $L))))
      ${collectIfDue}
      (drop (call $luaD_growstack (local.get $L) (local.get $extra) (i32.const 1)))
      (local.set $to (i32.add (local.get $to) (i32.load offset=28 (local.get $L))))))
    (i32.store offset=12 (local.get $L)
     (i32.add (local.get $to) (i32.shl (local.get $extra) (i32.const 4))))))
  (local.set $n
   (select (local.get $wanted) (local.get $extra)
    (i32.lt_s (local.get $wanted) (local.get $extra))))
  (call $pay_for_values (local.get $n))
  (local.set $from
   (i32.sub (i32.load (local.get $ci)) (i32.shl (local.get $extra) (i32.const 4))))
  ${
    rounds(`
    ${copy("(local.get $to)", "(local.get $from)")}
    (local.set $to (i32.add (local.get $to) (i32.const 16)))
    (local.set $from (i32.add (local.get $from) (i32.const 16)))`)
  }
  (local.set $n (local.get $wanted))
  ${
    rounds(`
    (i32.store8 offset=8 (local.get $to) (i32.const 0))
    (local.set $to (i32.add (local.get $to) (i32.const 16)))`).replaceAll("$done", "$filled")
      .replaceAll("$next", "$fill")
  })`);
}

/** luaH_next, which C has only inside of lua_next: the key and value behind the key at an address, or 0. */
function addIteration(module: ModuleText): void {
  const scan = (end: string, size: number, found: string) =>
    `(block $end
   (loop $empty
    (br_if $end (i32.ge_u (local.get $i) (local.get $${end})))
    (local.set $slot (i32.add (local.get $at) (i32.mul (local.get $i) (i32.const ${size}))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (if (i32.and (i32.load8_u offset=8 (local.get $slot)) (i32.const 15))
     (then
      ${found}
      (i64.store offset=16 (local.get $key) (i64.load (local.get $slot)))
      (i32.store8 offset=24 (local.get $key) (i32.load8_u offset=8 (local.get $slot)))
      (return (i32.const 1))))
    (br $empty)))`;
  module.append(`
 (func $compiled_next (param $L i32) (param $t i32) (param $key i32) (result i32)
  (local $i i32) (local $array i32) (local $nodes i32) (local $at i32) (local $slot i32)
  (local.set $array (call $luaH_realasize (local.get $t)))
  (block $begin
   (br_if $begin (i32.eqz (i32.and (i32.load8_u offset=8 (local.get $key)) (i32.const 15))))
   (if (i32.eq (i32.load8_u offset=8 (local.get $key)) (i32.const 3))
    (then
     (if
      (i64.lt_u
       (i64.sub (i64.load (local.get $key)) (i64.const 1))
       (i64.extend_i32_u (local.get $array)))
      (then
       (local.set $i (i32.wrap_i64 (i64.load (local.get $key))))
       (br $begin)))))
   (local.set $slot (call $getgeneric (local.get $t) (local.get $key) (i32.const 1)))
   ;; Not in the table: the interpreter raises.
   (if (i32.eq (i32.load8_u offset=8 (local.get $slot)) (i32.const 32))
    (then (return (i32.const 2))))
   (local.set $i
    (i32.add (local.get $array)
     (i32.add (i32.const 1)
      (i32.div_u
       (i32.sub (local.get $slot) (i32.load offset=16 (local.get $t)))
       (i32.const 24))))))
  (local.set $at (i32.load offset=12 (local.get $t)))
  ${
    scan(
      "array",
      16,
      `(i64.store (local.get $key) (i64.extend_i32_u (local.get $i)))
      (i32.store8 offset=8 (local.get $key) (i32.const 3))`,
    )
  }
  (local.set $nodes (i32.shl (i32.const 1) (i32.load8_u offset=7 (local.get $t))))
  (local.set $i (i32.sub (local.get $i) (local.get $array)))
  (local.set $at (i32.load offset=16 (local.get $t)))
  ${
    scan(
      "nodes",
      24,
      `(i64.store (local.get $key) (i64.load offset=16 (local.get $slot)))
      (i32.store8 offset=8 (local.get $key) (i32.load8_u offset=9 (local.get $slot)))`,
    ).replaceAll("$end", "$last").replaceAll("$empty", "$free")
  }
  (i32.const 0))`);
}
