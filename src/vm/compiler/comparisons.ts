import { CI, CODE, type Frame, L } from "./frame.ts";
import type { Instruction } from "./opcodes.ts";
import { immediate, type Operand, pushTagsAre, register } from "./operands.ts";
import { FALSE, FLOAT, INTEGER, LUA_FUNCTION, NIL, STRING, TRUE } from "./proto.ts";
import { UNKNOWN } from "./types.ts";

/** A condition is in t0: the jump behind the test at `pc` is taken if it equals k. */
function decide(f: Frame, pc: number, k: boolean): void {
  f.get(f.t0);
  decideFromStack(f, pc, k);
}

function decideFromStack(f: Frame, pc: number, k: boolean): void {
  const target = pc + 2 + f.instruction(pc + 1).sJ;
  if (!k) f.do("i32.eqz");
  f.if().burnAndJump(target).end().jump(pc + 2);
}

/** Leaves, for where the condition in t0 leads, if what is on the wasm's stack is not 0. */
function leaveDecided(f: Frame, pc: number, k: boolean): void {
  f.if().get(L).get(CI).get(f.t0);
  if (!k) f.do("i32.eqz");
  f.i32(f.pcAddress(pc + 2 + f.instruction(pc + 1).sJ)).i32(f.pcAddress(pc + 2));
  f.lua("compiled_decided").answer(CODE.interpret).end();
}

/** Behind a comparison that may have run anything, with its condition in t0. */
function settleDecided(f: Frame, pc: number, k: boolean): void {
  f.get(L).get(CI).lua("compiled_settle");
  leaveDecided(f, pc, k);
  f.reloadBase();
}

const INTEGERS = {
  LT: "i64.lt_s",
  LE: "i64.le_s",
  GT: "i64.gt_s",
  GE: "i64.ge_s",
  EQ: "i64.eq",
} as const;
const FLOATS = { LT: "f64.lt", LE: "f64.le", GT: "f64.gt", GE: "f64.ge", EQ: "f64.eq" } as const;
type Relation = keyof typeof INTEGERS;
/** Numbers of metamethods (ltm.h), and of lua_compare's operations. */
const EVENTS = { LT: 20, GT: 20, LE: 21, GE: 21 } as const;
const OPERATIONS = { LT: 1, LE: 2 } as const;

/** Numbers of the same kind, and of a constant with any number; `otherwise` leaves its condition in t0. */
function compareNumbers(
  f: Frame,
  relation: Relation,
  a: Operand,
  b: Operand,
  otherwise: () => void,
) {
  let open = 0;
  const attempt = (tag: number, push: () => void) => {
    const fits = [a, b].every((operand) =>
      operand.known === UNKNOWN || operand.known === tag || operand.constant !== undefined
    );
    if (!fits) return false;
    const tests = pushTagsAre(f, tag, [a, b]);
    if (tests > 0) f.if();
    push();
    f.set(f.t0);
    if (tests > 0) {
      f.else();
      open++;
    }
    return tests === 0;
  };
  const certain = attempt(INTEGER, () => {
    a.value();
    b.value();
    f.do(INTEGERS[relation]);
  }) || attempt(FLOAT, () => {
    for (const operand of [a, b]) {
      if (operand.constant !== undefined) f.f64(Number(operand.constant));
      else {
        operand.value();
        f.do("f64.reinterpret_i64");
      }
    }
    f.do(FLOATS[relation]);
  });
  if (!certain) otherwise();
  while (open-- > 0) f.end();
}

/** OP_LT and OP_LE. */
export function order(f: Frame, pc: number, { op, A, B, k }: Instruction): void {
  const relation = op === "LT" ? "LT" : "LE";
  const [a, b] = [register(f, A), register(f, B)];
  const mixed = () => {
    f.savePc(pc + 1).saveTop();
    f.get(L).address(A).address(B).i32(OPERATIONS[relation]).lua("compiled_compare").set(f.t0);
  };
  if (a.known !== UNKNOWN && b.known !== UNKNOWN && a.known !== b.known) {
    // An integer and a float need no metamethod, so that nothing is burnt.
    const numbers = [a, b].every(({ known }) => known === INTEGER || known === FLOAT);
    mixed();
    if (!numbers) settleDecided(f, pc, k);
    return decide(f, pc, k);
  }
  compareNumbers(f, relation, a, b, () => {
    mixed();
    pushIsNumber(f, a);
    pushIsNumber(f, b);
    f.do("i32.and", "i32.eqz").if();
    settleDecided(f, pc, k);
    f.end();
  });
  decide(f, pc, k);
}

function pushIsNumber(f: Frame, operand: Operand): void {
  operand.tag();
  f.i32(15).do("i32.and").i32(3).do("i32.eq");
}

/** OP_LTI, OP_LEI, OP_GTI, OP_GEI; C says whether the number was a float in the source. */
export function orderImmediate(f: Frame, pc: number, { op, A, sB, C, k }: Instruction): void {
  const relation = op.slice(0, 2) as "LT" | "LE" | "GT" | "GE";
  compareNumbers(f, relation, register(f, A), immediate(f, sB), () => {
    f.savePc(pc + 1).saveTop();
    f.get(L).address(A).i32(sB).i32(relation === "GT" || relation === "GE" ? 1 : 0);
    f.i32(C).i32(EVENTS[relation]).lua("luaT_callorderiTM").set(f.t0);
    settleDecided(f, pc, k);
  });
  decide(f, pc, k);
}

/** OP_EQ, which burns whatever it compares. */
export function equal(f: Frame, pc: number, { A, B, k }: Instruction): void {
  const plain = f.block();
  f.tag(A).tee(f.t1).tag(B).do("i32.eq").if();
  f.get(f.t1).i32(INTEGER).do("i32.eq").if();
  f.value(A).value(B).do("i64.eq").set(f.t0).branch(plain).end();
  f.get(f.t1).i32(STRING).do("i32.eq").get(f.t1).i32(LUA_FUNCTION).do("i32.eq", "i32.or").if();
  f.pointer(A).pointer(B).do("i32.eq").set(f.t0).branch(plain).end();
  f.get(f.t1).i32(FLOAT).do("i32.eq").if();
  f.float(A).float(B).do("f64.eq").set(f.t0).branch(plain).end();
  f.end();
  f.savePc(pc + 1).saveTop();
  f.get(L).address(A).address(B).lua("luaV_equalobj").set(f.t0);
  settleDecided(f, pc, k);
  decide(f, pc, k);
  f.end();
  f.takeFromGlobal(f.t2).i32(0).do("i32.lt_s").if();
  f.get(L).get(CI).i32(f.pcAddress(pc + 1)).lua("compiled_spent");
  leaveDecided(f, pc, k);
  f.end();
  decide(f, pc, k);
}

/** OP_EQK: without metamethods. */
export function equalConstant(f: Frame, pc: number, { A, B, k }: Instruction): void {
  const { tag, pointer, address } = f.constant(B);
  if (tag === STRING) {
    f.tag(A).i32(STRING).do("i32.eq").pointer(A).i32(pointer).do("i32.eq", "i32.and");
  } else if (tag === NIL) f.tag(A).i32(15).do("i32.and", "i32.eqz");
  else if (tag === TRUE || tag === FALSE) f.tag(A).i32(tag).do("i32.eq");
  else f.i32(0).address(A).i32(address).lua("luaV_equalobj");
  decideFromStack(f, pc, k);
}

/** OP_EQI. */
export function equalImmediate(f: Frame, pc: number, { A, sB, k }: Instruction): void {
  const a = register(f, A);
  compareNumbers(f, "EQ", a, immediate(f, sB), () => f.i32(0).set(f.t0));
  decide(f, pc, k);
}

/** OP_TEST: jumps if R[A] is true and k, or false and not k. */
export function test(f: Frame, pc: number, { A, k }: Instruction): void {
  f.isFalse(A, FALSE).do("i32.eqz");
  decideFromStack(f, pc, k);
}

/** OP_TESTSET: if R[B] is as k says, it goes to R[A], and the jump is taken. */
export function testAndSet(f: Frame, pc: number, { A, B, k }: Instruction): void {
  f.isFalse(B, FALSE);
  if (!k) f.do("i32.eqz");
  f.jumpIf(pc + 2).copyRegister(A, B).burnAndJump(pc + 2 + f.instruction(pc + 1).sJ);
}
