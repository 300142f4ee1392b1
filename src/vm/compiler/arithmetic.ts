import type { Frame } from "./frame.ts";
import { L } from "./frame.ts";
import { ARITHMETIC, type Arithmetic, type Instruction } from "./opcodes.ts";
import { constant, immediate, type Operand, pushFloat, pushTagsAre, register } from "./operands.ts";
import { FLOAT, INTEGER } from "./proto.ts";
import { isNumber, type Known, resultOf, UNKNOWN } from "./types.ts";
import { F64 } from "./wasm.ts";

/**
 * Arithmetic: tried on integers, then on floats; else the metamethod's instruction behind it does it, as in the
 * interpreter. What is rare, and what raises, is left to the interpreter.
 */
export function arithmetic(f: Frame, pc: number, { op, A, B, C, sC }: Instruction): void {
  const { of: operation, with: second } = ARITHMETIC.get(op)!;
  const a = register(f, B);
  const b = second === "register"
    ? register(f, C)
    : second === "constant"
    ? constant(f, C)
    : immediate(f, sC);
  const kind = resultOf(operation, a.known, b.known);
  const done = () => f.jump(pc + 2);
  if (kind === INTEGER) {
    integers(f, pc, operation, a, b);
    f.put(A, INTEGER);
    done();
    return;
  }
  if (kind === FLOAT) {
    floats(f, operation, () => pushFloat(f, a), () => pushFloat(f, b), b);
    f.put(A, FLOAT);
    done();
    return;
  }
  const known = [...f.known];
  const couldBe = (tag: Known) =>
    [a, b].every((operand) => operand.known === UNKNOWN || operand.known === tag);
  if (operation !== "DIV" && operation !== "POW" && couldBe(INTEGER)) {
    pushTagsAre(f, INTEGER, [a, b]);
    f.if();
    integers(f, pc, operation, a, b);
    f.put(A, INTEGER);
    done();
    f.end();
    f.known = [...known];
  }
  if (isBitwise(operation)) {
    // Floats with the values of integers are converted, which is rare.
    const other = f.block();
    pushIsNumber(f, a);
    f.do("i32.eqz").branchIf(other);
    pushIsNumber(f, b);
    f.do("i32.eqz").branchIf(other).leave(pc).end();
    return;
  }
  if (couldBe(FLOAT)) {
    pushTagsAre(f, FLOAT, [a, b]);
    f.if();
    floats(f, operation, () => asFloat(f, a), () => asFloat(f, b), b);
    f.put(A, FLOAT);
    done();
    f.end();
    f.known = [...known];
  }
  const other = f.block();
  const either = (operand: Operand) => () => pushNumber(f, operand, other);
  floats(f, operation, either(a), either(b), b);
  f.put(A, FLOAT);
  done();
  f.end();
  f.known = [...known];
}

const isBitwise = (operation: Arithmetic) =>
  ["BAND", "BOR", "BXOR", "SHL", "SHR"].includes(operation);

function pushIsNumber(f: Frame, operand: Operand): void {
  operand.tag();
  f.i32(15).do("i32.and").i32(3).do("i32.eq");
}

/** A value that was found to be a float, or a constant. */
function asFloat(f: Frame, operand: Operand): void {
  if (operand.constant !== undefined) f.f64(Number(operand.constant));
  else {
    operand.value();
    f.do("f64.reinterpret_i64");
  }
}

/** Pushes a number of either kind as an f64; branches away with anything else. */
export function pushNumber(f: Frame, operand: Operand, otherwise: number): void {
  if (operand.constant !== undefined || isNumber(operand.known)) {
    pushFloat(f, operand);
    return;
  }
  operand.tag();
  f.i32(FLOAT).do("i32.eq").if(F64);
  asFloat(f, operand);
  f.else();
  operand.tag();
  f.i32(INTEGER).do("i32.ne").branchIf(otherwise);
  operand.value();
  f.do("f64.convert_i64_s").end();
}

const SIMPLE = {
  ADD: "i64.add",
  SUB: "i64.sub",
  MUL: "i64.mul",
  BAND: "i64.and",
  BOR: "i64.or",
  BXOR: "i64.xor",
} as const;

/** Leaves the result in x0. */
function integers(f: Frame, pc: number, operation: Arithmetic, a: Operand, b: Operand): void {
  switch (operation) {
    case "ADD":
    case "SUB":
    case "MUL":
    case "BAND":
    case "BOR":
    case "BXOR":
      a.value();
      b.value();
      f.do(SIMPLE[operation]).set(f.x0);
      return;
    case "SHL":
      a.value();
      b.value();
      f.lua("luaV_shiftl").set(f.x0);
      return;
    case "SHR":
      a.value();
      f.i64(0n);
      b.value();
      f.do("i64.sub").lua("luaV_shiftl").set(f.x0);
      return;
    case "MOD":
    case "IDIV":
      if (typeof b.constant === "bigint" && b.constant > 0n) {
        divideByConstant(f, operation, a, b.constant);
      } else divide(f, pc, operation, a, b);
      return;
  }
}

/** Towards minus infinity, where wasm divides towards zero. */
function divideByConstant(f: Frame, operation: "MOD" | "IDIV", a: Operand, by: bigint): void {
  const powerOfTwo = (by & (by - 1n)) === 0n;
  a.value();
  if (operation === "MOD") {
    if (powerOfTwo) f.i64(by - 1n).do("i64.and");
    else {
      f.i64(by).do("i64.rem_s").tee(f.x0);
      f.i64(by).i64(0n).get(f.x0).i64(0n).do("i64.lt_s", "select", "i64.add");
    }
  } else if (powerOfTwo) f.i64(BigInt(by.toString(2).length - 1)).do("i64.shr_s");
  else {
    f.tee(f.x0).i64(by).do("i64.div_s").tee(f.x1);
    f.get(f.x0).get(f.x1).i64(by).do("i64.mul", "i64.lt_s", "i64.extend_i32_u", "i64.sub");
  }
  f.set(f.x0);
}

function divide(f: Frame, pc: number, operation: "MOD" | "IDIV", a: Operand, b: Operand): void {
  a.value();
  f.set(f.x0);
  b.value();
  f.set(f.x1);
  // By 0, which raises, or by -1, where wasm traps for the least integer.
  f.get(f.x1).i64(1n).do("i64.add").i64(1n).do("i64.le_u").if().leave(pc).end();
  const differ = () => f.get(f.x0).get(f.x1).do("i64.xor").i64(0n).do("i64.lt_s");
  if (operation === "MOD") {
    f.get(f.x0).get(f.x1).do("i64.rem_s").tee(f.x0);
    f.get(f.x1).i64(0n);
    differ();
    f.get(f.x0).i64(0n).do("i64.ne", "i32.and", "select", "i64.add");
  } else {
    f.get(f.x0).get(f.x1).do("i64.div_s");
    differ();
    f.get(f.x0).get(f.x1).do("i64.rem_s").i64(0n).do(
      "i64.ne",
      "i32.and",
      "i64.extend_i32_u",
      "i64.sub",
    );
  }
  f.set(f.x0);
}

/** Leaves the result's bits in x0. */
function floats(
  f: Frame,
  operation: Arithmetic,
  pushA: () => void,
  pushB: () => void,
  b: Operand,
): void {
  pushA();
  if (operation === "POW" && b.constant !== undefined && Number(b.constant) === 2) {
    f.tee(f.f0).get(f.f0).do("f64.mul");
  } else {
    pushB();
    switch (operation) {
      case "ADD":
        f.do("f64.add");
        break;
      case "SUB":
        f.do("f64.sub");
        break;
      case "MUL":
        f.do("f64.mul");
        break;
      case "DIV":
        f.do("f64.div");
        break;
      case "IDIV":
        f.do("f64.div", "f64.floor");
        break;
      case "POW":
        // luai_numpow: a square is exact.
        f.set(f.f1).set(f.f0).get(f.f1).f64(2).do("f64.eq").if(F64).get(f.f0).get(f.f0).do(
          "f64.mul",
        );
        f.else().get(f.f0).get(f.f1).lua("pow").end();
        break;
      default:
        // luai_nummod: the remainder has the sign of the divisor.
        f.set(f.f1).set(f.f0).get(f.f0).get(f.f1).lua("fmod").tee(f.f0);
        f.get(f.f1).do("f64.mul").f64(0).do("f64.lt").if(F64);
        f.get(f.f0).get(f.f1).do("f64.add").else().get(f.f0).end();
    }
  }
  f.do("i64.reinterpret_f64").set(f.x0);
}

/** OP_SHRI: R[B] >> sC; OP_SHLI: sC << R[B]. */
export function shift(f: Frame, pc: number, { op, A, B, sC }: Instruction): void {
  if (f.known[B] !== INTEGER) f.tag(B).i32(INTEGER).do("i32.ne").if().leave(pc).end();
  if (op === "SHRI") f.value(B).i64(BigInt(-sC)).lua("luaV_shiftl");
  else f.i64(BigInt(sC)).value(B).lua("luaV_shiftl");
  f.set(f.x0).put(A, INTEGER).jump(pc + 2);
}

/** OP_MMBIN, OP_MMBINI, OP_MMBINK: the metamethod of the arithmetic before, for its result's register. */
export function binaryMetamethod(f: Frame, pc: number, { op, A, B, C, k, sB }: Instruction): void {
  const to = f.instruction(pc - 1).A;
  f.protect(pc, () => {
    f.get(L).address(A);
    if (op === "MMBIN") f.address(B).address(to).i32(C).lua("luaT_trybinTM");
    else {
      const b = op === "MMBINI" ? immediate(f, sB) : constant(f, B);
      b.address();
      f.i32(k ? 1 : 0).address(to).i32(C).lua("luaT_trybinassocTM");
    }
  });
  f.reload(to);
}

/** OP_UNM. */
export function negate(f: Frame, pc: number, { A, B }: Instruction): void {
  const known = f.known[B]!;
  const done = f.block();
  if (known !== INTEGER) {
    if (known !== FLOAT) f.tag(B).i32(FLOAT).do("i32.eq").if();
    f.float(B).do("f64.neg", "i64.reinterpret_f64").set(f.x0).put(A, FLOAT).branch(done);
    f.known[B] = known;
    if (known !== FLOAT) f.end();
  }
  if (known !== FLOAT) {
    if (known !== INTEGER) f.tag(B).i32(INTEGER).do("i32.ne").if().leave(pc).end();
    f.i64(0n).value(B).do("i64.sub").set(f.x0).put(A, INTEGER);
  }
  f.end();
}
