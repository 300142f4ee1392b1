import { CALL_INFO, CI, CODE, DEPTH, type Frame, L, STATE, UPVALUE_LEVEL } from "./frame.ts";
import type { Instruction } from "./opcodes.ts";
import { C_CLOSURE, C_FUNCTION, LUA_FUNCTION } from "./proto.ts";

/** Pushes how many values lie from R[A] to L->top. */
function pushCount(f: Frame, A: number): Frame {
  return f.get(L).load("i32", STATE.top).address(A).do("i32.sub").i32(4).do("i32.shr_s");
}

/** Gives ci->func of a vararg function back its place below the extra arguments; C is its parameters and one. */
function unshift(f: Frame, C: number): void {
  if (C === 0) return;
  f.get(CI).get(CI).load("i32", CALL_INFO.func);
  f.get(CI).load("i32", CALL_INFO.extra).i32(C).do("i32.add").i32(4).do("i32.shl", "i32.sub");
  f.store("i32", CALL_INFO.func);
}

/** OP_CALL. */
export function call(f: Frame, pc: number, { A, B, C }: Instruction): void {
  f.savePc(pc + 1);
  if (B > 0) f.get(L).address(A + B).store("i32", STATE.top);
  f.get(L).address(A).i32(C - 1).get(DEPTH).get(CI).shared("call");
  f.tee(f.t0).if().get(f.t0).do("return").end();
  f.reloadBase().reload(A, C - 1).forget(A);
}

/** Closes the upvalues of this function's registers, if there are. */
function closeUpvalues(f: Frame): void {
  f.get(L).load("i32", STATE.openUpvalues).tee(f.t0).if();
  f.get(f.t0).load("i32", UPVALUE_LEVEL).get(f.base).do("i32.ge_u").if();
  f.get(L).get(f.base).lua("luaF_closeupval").end().end();
}

/** OP_TAILCALL: of a Lua function, which takes this one's place, or of a C function, whose results are returned. */
export function tailCall(f: Frame, pc: number, { A, B, C, k }: Instruction): void {
  const cFunction = f.block();
  f.tag(A).i32(LUA_FUNCTION).do("i32.ne").branchIf(cFunction);
  f.savePc(pc + 1);
  if (B > 0) f.get(L).address(A + B).store("i32", STATE.top);
  if (k) closeUpvalues(f);
  f.get(L).get(CI).address(A);
  if (C > 0) f.get(CI).load("i32", CALL_INFO.extra).i32(C).do("i32.add");
  else f.i32(0);
  f.lua("compiled_tail_call").answer(CODE.begins).end();
  // What has a metamethod is left to the interpreter.
  f.tag(A).i32(C_FUNCTION).do("i32.ne").tag(A).i32(C_CLOSURE).do("i32.ne", "i32.and");
  f.if().leave(pc).end();
  f.savePc(pc + 1);
  if (B > 0) f.get(L).address(A + B).store("i32", STATE.top);
  if (k) closeUpvalues(f);
  f.get(L).address(A).i32(-1).lua("luaD_precall").do("drop");
  f.get(L).load("u8", 6).i32(1).do("i32.eq").if().answer(CODE.interpret).end();
  f.reloadBase();
  pushCount(f, A).set(f.t1);
  unshift(f, C);
  f.get(L).get(CI).get(f.t1).shared("return").do("return");
}

/** OP_RETURN. */
export function returnValues(f: Frame, pc: number, { A, B, C, k }: Instruction): void {
  f.savePc(pc + 1);
  if (B > 0) f.i32(B - 1).set(f.t1);
  else pushCount(f, A).set(f.t1);
  if (k) {
    f.get(L).load("i32", STATE.toBeClosed).get(f.base).do("i32.lt_u").if();
    closeUpvalues(f);
    f.else();
    f.get(CI).get(f.t1).store("i32", 28); // u2.nres
    f.get(L).load("i32", STATE.top).get(CI).load("i32", CALL_INFO.top).do("i32.lt_u").if().saveTop()
      .end();
    f.get(L).get(f.base).i32(-1).i32(1).lua("luaF_close").do("drop").end();
    f.get(L).get(CI).shared("settle").do("drop").reloadBase();
  }
  unshift(f, C);
  f.get(L).address(A).get(f.t1).i32(4).do("i32.shl", "i32.add").store("i32", STATE.top);
  f.get(L).get(CI).get(f.t1).shared("return").do("return");
}

/** OP_RETURN0 and OP_RETURN1. Where more results are wanted than there are, the general return fills up with nil. */
export function returnFew(f: Frame, pc: number, { op, A }: Instruction): void {
  const results = op === "RETURN1" ? 1 : 0;
  f.get(CI).load("s16", CALL_INFO.results).tee(f.t0).i32(results).do("i32.gt_s");
  f.if();
  f.savePc(pc + 1).get(L).address(A + results).store("i32", STATE.top);
  f.get(L).get(CI).i32(results).lua("luaD_poscall").answer(CODE.returned).end();
  f.get(L).get(CI).load("i32", CALL_INFO.previous).store("i32", STATE.ci);
  f.get(f.base).i32(16).do("i32.sub").set(f.t1);
  if (results === 0) f.get(L).get(f.t1).store("i32", STATE.top).answer(CODE.returned);
  else {
    f.get(f.t0).if();
    f.get(f.t1).value(A).store("i64", 0).get(f.t1).tag(A).store("u8", 8);
    f.get(L).get(f.base).store("i32", STATE.top);
    f.else().get(L).get(f.t1).store("i32", STATE.top).end();
    f.answer(CODE.returned);
  }
}

/** OP_VARARGPREP. */
export function prepareVarargs(f: Frame, pc: number): void {
  f.savePc(pc + 1).get(L).get(CI).get(f.closure).load("i32", 12).lua("compiled_adjust_varargs");
  f.settle().reload(0, f.proto.parameters);
}

/** OP_VARARG. */
export function varargs(f: Frame, pc: number, { A, C }: Instruction): void {
  f.protect(pc, () => f.get(L).get(CI).address(A).i32(C - 1).lua("compiled_get_varargs"));
  f.reload(A, C - 1).forget(A);
}

/** OP_CLOSURE. */
export function closure(f: Frame, pc: number, { A, Bx }: Instruction): void {
  f.savePc(pc + 1).saveTop();
  f.get(L).i32(f.proto.protos[Bx]!).get(f.closure).address(A).lua("compiled_closure").reload(A);
  f.collect(() => f.address(A + 1));
}

/** OP_CONCAT. */
export function concatenate(f: Frame, pc: number, { A, B }: Instruction): void {
  f.savePc(pc + 1).get(L).address(A + B).store("i32", STATE.top);
  f.get(L).i32(B).lua("luaV_concat");
  // The collector has its turn before a hook that is seen here.
  f.get(L).get(CI).shared("settle").set(f.t2).reloadBase();
  f.collect(() => f.get(L).load("i32", STATE.top));
  f.get(f.t2).trapped().reload(A).forget(A);
}

/** OP_CLOSE. */
export function close(f: Frame, pc: number, { A }: Instruction): void {
  f.protect(pc, () => f.get(L).address(A).i32(0).i32(1).lua("luaF_close").do("drop"));
}
