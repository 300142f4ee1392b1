import { arithmetic, binaryMetamethod, negate, shift } from "./arithmetic.ts";
import * as calls from "./calls.ts";
import * as comparisons from "./comparisons.ts";
import type { Frame } from "./frame.ts";
import * as loops from "./loops.ts";
import { ARITHMETIC, type Opcode } from "./opcodes.ts";
import { FALSE, FLOAT, INTEGER, NIL, TRUE } from "./proto.ts";
import * as tables from "./tables.ts";

/** Opcodes that are not compiled, and what they mean: a function that has one is left to the interpreter. */
export const NOT_COMPILED: ReadonlyMap<Opcode, string> = new Map<Opcode, string>([
  ["LOADKX", "more than 131,071 constants"],
  ["TBC", "a variable to be closed"],
]);

/** OFFSET_sBx of lopcodes.h. */
const OFFSET_SBX = 65_535;

/** Emits the code of the instruction at `pc`. */
export function emit(f: Frame, pc: number): void {
  const i = f.instruction(pc);
  const { op, A, B, Bx } = i;
  if (ARITHMETIC.has(op)) return arithmetic(f, pc, i);
  switch (op) {
    case "MOVE":
      f.copyRegister(A, B);
      return;
    case "LOADI":
      f.i64(BigInt(Bx - OFFSET_SBX)).set(f.x0).put(A, INTEGER);
      return;
    case "LOADF":
      f.f64(Bx - OFFSET_SBX).do("i64.reinterpret_f64").set(f.x0).put(A, FLOAT);
      return;
    case "LOADK":
      f.i64(f.constant(Bx).bits).set(f.x0).put(A, f.constant(Bx).tag);
      return;
    case "LOADFALSE":
      f.putTag(A, FALSE);
      return;
    case "LFALSESKIP":
      f.putTag(A, FALSE).jump(pc + 2);
      return;
    case "LOADTRUE":
      f.putTag(A, TRUE);
      return;
    case "LOADNIL":
      for (let r = A; r <= A + B; r++) f.putTag(r, NIL);
      return;
    case "GETUPVAL":
      return tables.getUpvalue(f, i);
    case "SETUPVAL":
      return tables.setUpvalue(f, i);
    case "GETTABUP":
    case "GETTABLE":
    case "GETI":
    case "GETFIELD":
      return tables.get(f, pc, i);
    case "SETTABUP":
    case "SETTABLE":
    case "SETI":
    case "SETFIELD":
      return tables.set(f, pc, i);
    case "NEWTABLE":
      return tables.newTable(f, pc, i);
    case "SELF":
      return tables.self(f, pc, i);
    case "SETLIST":
      return tables.setList(f, pc, i);
    case "LEN":
      return tables.length(f, pc, i);
    case "SHRI":
    case "SHLI":
      return shift(f, pc, i);
    case "MMBIN":
    case "MMBINI":
    case "MMBINK":
      return binaryMetamethod(f, pc, i);
    case "UNM":
      return negate(f, pc, i);
    case "NOT":
      f.i32(TRUE).i32(FALSE).isFalse(B, FALSE).do("select").set(f.t1).putTagFrom(A, f.t1);
      return;
    case "JMP":
      f.burnAndJump(pc + 1 + i.sJ);
      return;
    case "EQ":
      return comparisons.equal(f, pc, i);
    case "LT":
    case "LE":
      return comparisons.order(f, pc, i);
    case "EQK":
      return comparisons.equalConstant(f, pc, i);
    case "EQI":
      return comparisons.equalImmediate(f, pc, i);
    case "LTI":
    case "LEI":
    case "GTI":
    case "GEI":
      return comparisons.orderImmediate(f, pc, i);
    case "TEST":
      return comparisons.test(f, pc, i);
    case "TESTSET":
      return comparisons.testAndSet(f, pc, i);
    case "CALL":
      return calls.call(f, pc, i);
    case "TAILCALL":
      return calls.tailCall(f, pc, i);
    case "RETURN":
      return calls.returnValues(f, pc, i);
    case "RETURN0":
    case "RETURN1":
      return calls.returnFew(f, pc, i);
    case "CLOSURE":
      return calls.closure(f, pc, i);
    case "VARARG":
      return calls.varargs(f, pc, i);
    case "VARARGPREP":
      return calls.prepareVarargs(f, pc);
    case "CONCAT":
      return calls.concatenate(f, pc, i);
    case "CLOSE":
      return calls.close(f, pc, i);
    case "FORPREP":
      return loops.prepareLoop(f, pc, i);
    case "FORLOOP":
      return loops.countLoop(f, pc, i);
    case "TFORPREP":
      return loops.prepareGenericLoop(f, pc, i);
    case "TFORCALL":
      return loops.callIterator(f, pc, i);
    case "TFORLOOP":
      return loops.genericLoop(f, pc, i);
    case "EXTRAARG":
      return;
    default:
      f.leave(pc);
  }
}
