import { ITEM } from "../transform/fuel.ts";
import { pushNumber } from "./arithmetic.ts";
import { CALL_INFO, CI, CODE, type Frame, L, STACK_OF_C, STATE } from "./frame.ts";
import type { Instruction } from "./opcodes.ts";
import { register } from "./operands.ts";
import { C_FUNCTION, FALSE, FLOAT, INTEGER, NIL, TABLE } from "./proto.ts";
import { arraySlotOr } from "./tables.ts";
import { UNKNOWN } from "./types.ts";
import { I32, I64 } from "./wasm.ts";

/** 2^63: the first float that is no integer. */
const TOO_LARGE = 2 ** 63;

/**
 * OP_FORPREP. An integer loop counts its rounds down in R[A + 1]; a float loop compares with its limit there. A step of
 * 0, what is no number and limits beyond the integers are left to the interpreter.
 */
export function prepareLoop(f: Frame, pc: number, { A, Bx }: Instruction): void {
  const skip = pc + 2 + Bx;
  const known = [...f.known];
  const done = f.block();
  const other = f.block();
  if (known[A] !== FLOAT && known[A + 2] !== FLOAT) {
    const notIntegers = f.block();
    for (const r of [A, A + 2]) {
      if (known[r] !== INTEGER) f.tag(r).i32(INTEGER).do("i32.ne").branchIf(notIntegers);
    }
    pushIntegerLimit(f, A, other);
    f.set(f.x1).value(A + 2).do("i64.eqz").branchIf(other);
    f.value(A).set(f.x0);
    const count = (from: number, to: number, step: () => unknown) => {
      f.get(from).get(to).do("i64.gt_s").jumpIf(skip);
      f.get(to).get(from).do("i64.sub");
      step();
      f.do("i64.div_u").set(f.x1);
    };
    f.value(A + 2).i64(0n).do("i64.gt_s").if();
    count(f.x0, f.x1, () => f.value(A + 2));
    f.else();
    count(f.x1, f.x0, () => f.i64(0n).value(A + 2).do("i64.sub"));
    f.end();
    f.put(A + 1, INTEGER, f.x1).put(A + 3, INTEGER).branch(done).end();
    f.known = [...known];
  }
  if (known[A] !== INTEGER || known[A + 2] !== INTEGER) {
    pushNumber(f, register(f, A), other);
    f.set(f.f0);
    pushNumber(f, register(f, A + 1), other);
    f.set(f.f1);
    pushNumber(f, register(f, A + 2), other);
    f.do("i64.reinterpret_f64").tee(f.x1).do("f64.reinterpret_i64").f64(0).do("f64.eq").branchIf(
      other,
    );
    f.get(f.x1).do("f64.reinterpret_i64").f64(0).do("f64.gt").if(I32);
    f.get(f.f1).get(f.f0).do("f64.lt").else().get(f.f0).get(f.f1).do("f64.lt").end().jumpIf(skip);
    f.get(f.f1).do("i64.reinterpret_f64").set(f.x0).put(A + 1, FLOAT).put(A + 2, FLOAT, f.x1);
    f.get(f.f0).do("i64.reinterpret_f64").set(f.x0).put(A, FLOAT).put(A + 3, FLOAT).branch(done);
    f.known = [...known];
  }
  f.end().leave(pc).end();
}

/** Pushes the limit of an integer loop, a float rounded towards the start. */
function pushIntegerLimit(f: Frame, A: number, otherwise: number): void {
  if (f.known[A + 1] === INTEGER) {
    f.value(A + 1);
    return;
  }
  f.tag(A + 1).i32(INTEGER).do("i32.eq").if(I64).value(A + 1).else();
  f.tag(A + 1).i32(FLOAT).do("i32.ne").branchIf(otherwise);
  f.float(A + 1).set(f.f0);
  f.get(f.f0).f64(TOO_LARGE).do("f64.lt").get(f.f0).f64(-TOO_LARGE).do(
    "f64.ge",
    "i32.and",
    "i32.eqz",
  );
  f.branchIf(otherwise);
  f.value(A + 2).i64(0n).do("i64.gt_s").if(I64);
  f.get(f.f0).do("f64.floor").truncate().else().get(f.f0).do("f64.ceil").truncate().end().end();
}

/** OP_FORLOOP, which burns also when the loop ends. */
export function countLoop(f: Frame, pc: number, { A, Bx }: Instruction): void {
  const body = pc + 1 - Bx;
  const known = f.known[A]!;
  const integer = () => {
    f.value(A + 1).i64(0n).do("i64.ne").if();
    f.value(A + 1).i64(1n).do("i64.sub").set(f.x1).put(A + 1, INTEGER, f.x1);
    f.value(A).value(A + 2).do("i64.add").set(f.x0).put(A, INTEGER).put(A + 3, INTEGER);
    f.burnAndJump(body).end();
  };
  const float = () => {
    f.float(A).float(A + 2).do("f64.add").tee(f.f0).do("i64.reinterpret_f64").set(f.x0);
    f.float(A + 2).f64(0).do("f64.gt").if(I32);
    f.get(f.f0).float(A + 1).do("f64.le").else().float(A + 1).get(f.f0).do("f64.le").end().if();
    f.put(A, FLOAT).put(A + 3, FLOAT).burnAndJump(body).end();
  };
  if (known === INTEGER) integer();
  else if (known === FLOAT) float();
  else {
    f.tag(A + 2).i32(INTEGER).do("i32.eq").if();
    integer();
    f.else();
    float();
    f.end();
  }
  f.burn(pc + 1);
}

/** OP_TFORPREP: the first call of the iterator, and its test; a value to be closed is left to the interpreter. */
export function prepareGenericLoop(f: Frame, pc: number, { A, Bx }: Instruction): void {
  f.isFalse(A + 3, FALSE).do("i32.eqz").if().leave(pc).end();
  const at = pc + 1 + Bx;
  callIterator(f, at, f.instruction(at));
  f.tag(A + 4).i32(15).do("i32.and", "i32.eqz").jumpIf(at + 2);
  f.copyRegister(A + 2, A + 4).jump(pc + 1);
}

/**
 * OP_TFORCALL: R[A + 4], … := R[A](R[A + 1], R[A + 2]). `next` of a table is done here, and what `ipairs` answers where
 * the array holds the next item.
 */
export function callIterator(f: Frame, pc: number, i: Instruction): void {
  const { A, C } = i;
  const done = f.block();
  const other = f.block();
  f.tag(A).i32(C_FUNCTION).do("i32.ne").branchIf(other);
  f.tag(A + 1).i32(TABLE).do("i32.ne").branchIf(other);
  // A call would make room first, which takes memory and fuel: where there is none, it is called.
  f.get(CI).load("i32", CALL_INFO.next).do("i32.eqz").branchIf(other);
  f.get(L).load("i32", STATE.stackLast).address(A + 7).do("i32.sub");
  f.i32(16 * STACK_OF_C).do("i32.le_s").branchIf(other);
  f.pointer(A).i32(f.iterators.next).do("i32.eq").if();
  f.copyRegister(A + 4, A + 2);
  f.get(L).pointer(A + 1).address(A + 4).shared("next").tee(f.t1).i32(2).do("i32.eq")
    .branchIf(other);
  f.get(f.t1).if().reload(A + 4, 2).else();
  f.putTag(A + 4, NIL).putTag(A + 5, NIL).end();
  for (let r = A + 6; r < A + 4 + C; r++) f.putTag(r, NIL);
  f.takeFromGlobal(f.t0).i32(0).do("i32.lt_s").if();
  f.get(L).get(CI).i32(f.pcAddress(pc + 1)).lua("compiled_spent").if();
  leaveBehindLoop(f, pc, A);
  f.end().end().branch(done).end();
  f.pointer(A).i32(f.iterators.ipairs).do("i32.eq").if();
  nextItem(f, i, other);
  f.branch(done).end().end();
  for (let r = 0; r < 3; r++) f.copyRegister(A + 4 + r, A + r);
  f.savePc(pc + 1).get(L).address(A + 7).store("i32", STATE.top);
  f.get(L).address(A + 4).i32(C).lua("luaD_call");
  f.get(L).get(CI).shared("settle").if().reloadBase();
  leaveBehindLoop(f, pc, A);
  f.end().reloadBase().reload(A + 4, C).end();
  f.forget(A + 4);
}

/** Leaves for the instruction behind OP_TFORLOOP, ahead of which the interpreter does not look for hooks. */
function leaveBehindLoop(f: Frame, pc: number, A: number): void {
  const [control, first] = [16 * (A + 2), 16 * (A + 4)];
  f.get(f.base).load("u8", first + 8).i32(15).do("i32.and").if();
  f.get(f.base).get(f.base).load("i64", first).store("i64", control);
  f.get(f.base).get(f.base).load("u8", first + 8).store("u8", control + 8);
  f.savePc(pc + 2 - f.instruction(pc + 1).Bx).else().savePc(pc + 2).end();
  f.answer(CODE.interpret);
}

/** A round of `ipairs` over the array of a table. It has to leave fuel, for then nothing else happens. */
function nextItem(f: Frame, { A, C }: Instruction, otherwise: number): void {
  f.global().i32(ITEM).do("i32.le_s").branchIf(otherwise);
  f.tag(A + 2).i32(INTEGER).do("i32.ne").branchIf(otherwise);
  f.value(A + 2).i64(1n).do("i64.add").set(f.x0).pointer(A + 1).set(f.t1);
  arraySlotOr(f, () => f.get(f.x0), otherwise);
  f.global().i32(ITEM + 1).do("i32.sub").setGlobal();
  f.put(A + 4, INTEGER).copyFrom(A + 5, f.t2);
  for (let r = A + 6; r < A + 4 + C; r++) f.putTag(r, NIL);
}

/** OP_TFORLOOP, which does not burn. */
export function genericLoop(f: Frame, pc: number, { A, Bx }: Instruction): void {
  f.known[A + 4] = UNKNOWN;
  f.tag(A + 4).i32(15).do("i32.and").if();
  f.copyRegister(A + 2, A + 4).jump(pc + 1 - Bx).end();
}
