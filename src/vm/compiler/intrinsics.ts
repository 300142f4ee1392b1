import { STATE } from "./frame.ts";
import { FLOAT, INTEGER, LONG_STRING, STRING } from "./proto.ts";
import { payForRound } from "./shared-iteration.ts";
import { Body, F64, I32, I64, type Shared } from "./wasm.ts";

/** C functions of Lua's library that compiled code does itself, each by its expression in Lua. */
export const INTRINSICS = {
  abs: "math.abs",
  byte: "string.byte",
  ceil: "math.ceil",
  floor: "math.floor",
  max: "math.max",
  min: "math.min",
  select: "select",
  sqrt: "math.sqrt",
} as const;
export type Intrinsic = keyof typeof INTRINSICS;

/** The intrinsics' indices in the function table, from the addresses of their functions. */
export function indicesOf(addresses: readonly number[]): Record<Intrinsic, number> {
  const names = Object.keys(INTRINSICS) as Intrinsic[];
  return Object.fromEntries(names.map((name, i) => [name, addresses[i]!])) as Record<
    Intrinsic,
    number
  >;
}

const TWO_TO_63 = 2 ** 63;
/** Where a string's text and its length are. */
const TEXT = { short: 7, long: 12, bytes: 16 } as const;
const NUMBER_SIGN = "#".charCodeAt(0);

/** Locals of `callIntrinsic`. */
interface Locals {
  readonly L: number;
  readonly func: number;
  /** How many arguments there are, in bytes of the stack. */
  readonly size: number;
  readonly text: number;
  readonly x: number;
  readonly y: number;
  readonly d: number;
}

/**
 * A call of a light C function with one result or all, as `(L, func, index) -> done`: does it without a frame, if it is
 * an intrinsic whose arguments are the usual ones. What it does neither allocates nor raises, and pays for the rounds
 * of C's loops; all else is left to C.
 */
export function callIntrinsic(indices: Readonly<Record<Intrinsic, number>>): Shared {
  const index = 2;
  const f = new Body<undefined>(3);
  const locals: Locals = {
    L: 0,
    func: 1,
    size: f.local(I32),
    text: f.local(I32),
    x: f.local(I64),
    y: f.local(I64),
    d: f.local(F64),
  };
  const { L, func, size } = locals;
  const names = Object.keys(INTRINSICS) as Intrinsic[];
  const other = f.block();
  const blocks = new Map(names.toReversed().map((name) => [name, f.block()]));
  const most = Math.max(...Object.values(indices));
  const table = Array.from({ length: most + 1 }, (_, i) => {
    const name = names.find((each) => indices[each] === i);
    return name === undefined ? other : blocks.get(name)!;
  });
  f.get(L).load("i32", STATE.top).get(func).do("i32.sub").i32(16).do("i32.sub").tee(size);
  f.do("i32.eqz").branchIf(other);
  f.get(index).branchTable(table, other);
  for (const name of names) {
    f.end();
    BODIES[name](f, locals, other);
  }
  f.end().i32(0);
  return { type: "iii:i", body: f.finish() };
}

/** The result is what `push` leaves on the wasm's stack. */
function answer(
  f: Body<undefined>,
  { L, func }: Locals,
  tag: number,
  push: () => unknown,
): void {
  f.get(func);
  push();
  f.store("i64", 0).get(func).i32(tag).store("u8", 8);
  f.get(L).get(func).i32(16).do("i32.add").store("i32", STATE.top).i32(1).do("return");
}

function pushTag(f: Body<undefined>, { func }: Locals, argument: number): Body<undefined> {
  return f.get(func).load("u8", 16 * argument + 8);
}

function pushFloat(f: Body<undefined>, { func }: Locals, argument: number): Body<undefined> {
  return f.get(func).load("i64", 16 * argument).do("f64.reinterpret_i64");
}

/** math.floor and math.ceil: an integer if it is one. */
function round(operator: "f64.floor" | "f64.ceil") {
  return (f: Body<undefined>, locals: Locals, other: number) => {
    const { d, func } = locals;
    pushTag(f, locals, 1).i32(INTEGER).do("i32.eq").if();
    answer(f, locals, INTEGER, () => f.get(func).load("i64", 16));
    f.end();
    pushTag(f, locals, 1).i32(FLOAT).do("i32.ne").branchIf(other);
    pushFloat(f, locals, 1).do(operator).tee(d).f64(-TWO_TO_63).do("f64.ge");
    f.get(d).f64(TWO_TO_63).do("f64.lt", "i32.and").if();
    answer(f, locals, INTEGER, () => f.get(d).truncate());
    f.end();
    answer(f, locals, FLOAT, () => f.get(d).do("i64.reinterpret_f64"));
  };
}

/** math.max and math.min of two integers or two floats: the second if it is greater, or less. */
function choose(integers: "i64.lt_s" | "i64.gt_s", floats: "f64.lt" | "f64.gt") {
  return (f: Body<undefined>, locals: Locals, other: number) => {
    const { func, size } = locals;
    const both = (from: () => unknown) => {
      f.get(func).load("i64", 32).get(func).load("i64", 16);
      from();
      f.do("select");
    };
    f.get(size).i32(32).do("i32.ne").branchIf(other);
    pushTag(f, locals, 1);
    pushTag(f, locals, 2).do("i32.ne").branchIf(other);
    pushTag(f, locals, 1).i32(INTEGER).do("i32.eq").if();
    payForRound(f);
    answer(
      f,
      locals,
      INTEGER,
      () => both(() => f.get(func).load("i64", 16).get(func).load("i64", 32).do(integers)),
    );
    f.end();
    pushTag(f, locals, 1).i32(FLOAT).do("i32.ne").branchIf(other);
    payForRound(f);
    answer(f, locals, FLOAT, () =>
      both(() => {
        pushFloat(f, locals, 1);
        pushFloat(f, locals, 2).do(floats);
      }));
  };
}

const BODIES: Readonly<
  Record<Intrinsic, (f: Body<undefined>, locals: Locals, other: number) => void>
> = {
  abs(f, locals, other) {
    const { func, x } = locals;
    pushTag(f, locals, 1).i32(INTEGER).do("i32.eq").if();
    f.get(func).load("i64", 16).set(x);
    answer(f, locals, INTEGER, () => {
      f.i64(0n).get(x).do("i64.sub").get(x).get(x).i64(0n).do("i64.lt_s", "select");
    });
    f.end();
    pushTag(f, locals, 1).i32(FLOAT).do("i32.ne").branchIf(other);
    answer(f, locals, FLOAT, () => pushFloat(f, locals, 1).do("f64.abs", "i64.reinterpret_f64"));
  },
  /** Of one place within the text. */
  byte(f, locals, other) {
    const { func, size, text, x, y } = locals;
    f.get(func).load("i32", 16).set(text);
    pushTag(f, locals, 1).i32(STRING).do("i32.eq").if();
    f.get(text).load("u8", TEXT.short).do("i64.extend_i32_u").set(x);
    f.else();
    pushTag(f, locals, 1).i32(LONG_STRING).do("i32.ne").branchIf(other);
    f.get(text).load("i32", TEXT.long).do("i64.extend_i32_u").set(x).end();
    f.i64(1n).set(y).get(size).i32(16).do("i32.ne").if();
    f.get(size).i32(32).do("i32.ne").branchIf(other);
    pushTag(f, locals, 2).i32(INTEGER).do("i32.ne").branchIf(other);
    f.get(func).load("i64", 32).tee(y).i64(0n).do("i64.lt_s").if();
    f.get(y).get(x).do("i64.add").i64(1n).do("i64.add").set(y).end().end();
    f.get(y).i64(1n).do("i64.lt_s").branchIf(other);
    f.get(y).get(x).do("i64.gt_s").branchIf(other);
    payForRound(f);
    f.get(text).get(y).do("i32.wrap_i64", "i32.add").load("u8", TEXT.bytes - 1);
    f.do("i64.extend_i32_u").set(x);
    answer(f, locals, INTEGER, () => f.get(x));
  },
  ceil: round("f64.ceil"),
  floor: round("f64.floor"),
  max: choose("i64.lt_s", "f64.lt"),
  min: choose("i64.gt_s", "f64.gt"),
  /** `select("#", ...)`. */
  select(f, locals, other) {
    const { func, size, text } = locals;
    pushTag(f, locals, 1).i32(STRING).do("i32.ne").branchIf(other);
    f.get(func).load("i32", 16).tee(text).load("u8", TEXT.short).i32(1).do("i32.ne").branchIf(
      other,
    );
    f.get(text).load("u8", TEXT.bytes).i32(NUMBER_SIGN).do("i32.ne").branchIf(other);
    answer(f, locals, INTEGER, () => {
      f.get(size).i32(16).do("i32.sub").i32(4).do("i32.shr_u", "i64.extend_i32_u");
    });
  },
  sqrt(f, locals, other) {
    const { d, func } = locals;
    pushTag(f, locals, 1).i32(FLOAT).do("i32.eq").if();
    pushFloat(f, locals, 1).set(d);
    f.else();
    pushTag(f, locals, 1).i32(INTEGER).do("i32.ne").branchIf(other);
    f.get(func).load("i64", 16).do("f64.convert_i64_s").set(d).end();
    answer(f, locals, FLOAT, () => f.get(d).do("f64.sqrt", "i64.reinterpret_f64"));
  },
};
