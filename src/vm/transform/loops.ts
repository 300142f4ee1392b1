import { type ModuleText, TransformError } from "./module_text.ts";

/** Rounds of C loops that are counted together. */
export const ROUNDS = 1024;
/** Fuel for so many rounds: a round takes about as long as a sixteenth of a jump or call of Lua code. */
const FUEL = ROUNDS / 16;
/** Counts of rounds between two words to JavaScript, a few milliseconds. */
const COUNTS = 1024;
/** Jumps back to the beginning of a loop that pay, in the shipped module and in what the transform adds. */
const JUMPS = 607;

/**
 * Functions that look at their fuel in each round: the expression for their lua_State, and how many plain rounds
 * one of theirs is worth. What takes longer than its input is long must be among them, or call one that looks
 * (`lua_geti`, `match`): the others only pay, and whoever called them is stopped as soon as they return.
 */
const LOOKING: Readonly<Record<string, { L: string; rounds: number }>> = {
  // Patterns: exponential with quantifiers, and a set is walked for each character.
  match: { L: "(i32.load offset=12 (local.get $0))", rounds: 8 },
  // n log n comparisons, each as long as its texts.
  auxsort: { L: "(local.get $0)", rounds: 1 },
};

/** A function's loops, all of them or by their labels, that do not pay for themselves. */
const OTHERWISE: Readonly<Record<string, true | readonly string[]>> = {
  // The next instruction, and a function's beginning: `addFuel`. The others are over registers, 255 at most, or pay at
  // once for more values: compiled code does the same in other loops, and has to burn as much.
  luaV_execute: [
    "$label",
    "$label7",
    "$label14",
    ...[1, 2, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21].map((n) => `$label${n}`),
  ],
  // emmalloc's search for a free block, in some 160 rounds at most: how many depends on what is free.
  630: true,
  // The hash and the bytes of a short string, 40 at most.
  luaS_newlstr: ["$label", "$copy"],
  compiled_set_list: true,
  compiled_closure: true,
  compiled_find_upvalue: true,
  compiled_tail_call: true,
  compiled_adjust_varargs: true,
  compiled_get_varargs: true,
  // Parameters that get no argument, 255 at most.
  luaD_precall: true,
  // Charged at once: below, and in find_plain.
  luaD_poscall: true,
  str_lower: true,
  str_upper: true,
  str_reverse: true,
  memchr: true,
  next_place: true,
  // As long as its text, which whoever asks has made or goes through.
  strlen: true,
  // As long as a number's digits, or as a text that C wrote.
  printf_core: true,
  write_integer: true,
  fmt_x: true,
  fmt_u: true,
  pad: true,
  fmt_fp: true,
  luaO_pushvfstring: true,
  // As luaD_precall.
  compiled_call: true,
  // Over the calls of a coroutine, when a debugger changes a variable.
  leave_compiled: true,
  // Over the C functions below a call, 200 at most.
  runs_kernel_code: true,
};

/**
 * Every loop of the C code pays fuel for each of its rounds: no function of Lua's library, no rehash and no
 * step of the collector can take long for the price of one call. The loops are found, not listed, so that none
 * is forgotten.
 *
 * `$toil` counts rounds down, a local matter of some instructions; each ROUNDS of them burn fuel, and now and
 * then JavaScript is told (`env.toiling`), which may say what is taking so long. Nothing there may touch Lua:
 * a loop may be in the middle of the allocator.
 *
 * @param compiled names of the functions that were compiled from src/vm/natives: their loops pay, and are not counted
 */
export function payForLoops(module: ModuleText, compiled: ReadonlySet<string>): void {
  const pay = (rounds: number) =>
    `(global.set $toil (i32.sub (global.get $toil) (i32.const ${rounds})))
    (if (i32.lt_s (global.get $toil) (i32.const 0)) (then (call $toiled)))`;
  const look = (L: string) =>
    `(if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (call $overrun ${L})))`;
  let jumps = 0;
  for (const name of module.looping()) {
    const otherwise = OTHERWISE[name] ?? [];
    if (otherwise === true) continue;
    const looking = LOOKING[name];
    if (looking && /\(local\.(?:set|tee) \$0\s/.test(module.function(name))) {
      throw new TransformError("loops look", `${name} gives its first parameter another value`);
    }
    const payment = looking ? pay(looking.rounds) + look(looking.L) : pay(1);
    const paying = module.payPerRound(name, payment, otherwise);
    if (!compiled.has(name)) jumps += paying;
  }
  if (jumps !== JUMPS) {
    throw new TransformError("loops pay", `there are ${jumps} jumps back, not ${JUMPS}`);
  }
  // Results of a call: few, or so many that they count.
  module.change({
    name: "luaD_poscall pays for many results",
    inside: "luaD_poscall",
    find: `(local.set $5 (i32.load16_s offset=32 (local.get $1)))`,
    put: `(if (i32.gt_u (local.get $2) (i32.const 255))
        (then
         (global.set $fuel
          (i32.sub (global.get $fuel) (i32.shr_u (local.get $2) (i32.const 4))))))
       (local.set $5 (i32.load16_s offset=32 (local.get $1)))`,
  });
  // Values of a constructor, variable arguments, and arguments of a tail call.
  module.append(`
 (func $pay_for_values (param $n i32)
  (if (i32.gt_s (local.get $n) (i32.const 255))
   (then
    (global.set $fuel
     (i32.sub (global.get $fuel) (i32.shr_u (local.get $n) (i32.const 4)))))))`);
  const values = [
    ["SETLIST", "$8", "(if (i32.gt_s (local.get $8) (i32.const 0)) (then (loop ?loop (i64.store"],
    [
      "VARARG",
      "$15",
      "(local.set $16 (i32.const 0)) (local.set $10 (i32.sub (i32.const 0) (local.get $4)))",
    ],
    ["TAILCALL", "$3", "(if (i32.gt_s (local.get $3) (i32.const 0)) (then (local.set $13"],
  ] as const;
  for (const [opcode, count, find] of values) {
    module.change({
      name: `${opcode} pays for many values`,
      inside: "luaV_execute",
      find,
      put: `(call $pay_for_values (local.get ${count})) ${find}`,
    });
  }
  // Before a text of known length is written byte by byte.
  module.change({
    name: "luaL_buffinitsize pays for its bytes",
    inside: "luaL_buffinitsize",
    find: `(i32.store offset=12 (local.get $1) (local.get $0))`,
    put: `(global.set $fuel
        (i32.sub (global.get $fuel) (i32.shr_u (local.get $2) (i32.const 4))))
       (i32.store offset=12 (local.get $1) (local.get $0))`,
  });
  module.append(`(global $toil (mut i32) (i32.const ${ROUNDS}))`);
  module.append(`(global $toils (mut i32) (i32.const ${COUNTS}))`);
  // At the beginning of a slice, so that what a unit burns does not depend on who ran before.
  module.append(`
 (func $count_rounds_anew
  (global.set $toil (i32.const ${ROUNDS})))`);
  module.append(`
 (func $toiled
  (global.set $toil (i32.const ${ROUNDS}))
  (if (global.get $metered)
   (then (global.set $fuel (i32.sub (global.get $fuel) (i32.const ${FUEL})))))
  (global.set $toils (i32.sub (global.get $toils) (i32.const 1)))
  (if (i32.le_s (global.get $toils) (i32.const 0))
   (then
    (global.set $toils (i32.const ${COUNTS}))
    (call $toiling))))`);
}
