import { DEPTH as MOST_DEPTH } from "../transform/compiled_calls.ts";
import {
  C_FUNCTION_TYPE,
  CALL_INFO,
  CODE,
  indexOfShared,
  luaFunction,
  STACK_OF_C,
  STATE,
  YIELDED,
} from "./frame.ts";
import { C_CLOSURE, C_FUNCTION, CLOSURE, LUA_FUNCTION, NIL, PROTO } from "./proto.ts";
import { Body, I32, type Shared } from "./wasm.ts";

const CALL_TYPE = "iiiii:i";
/** Status of the CallInfo of a C function. */
const CALLS_C = 2;
/** Offset of a C closure's function. */
const FUNCTION_OF_CLOSURE = 12;

/**
 * OP_CALL, as `(L, func, results, depth, ci) -> code`, of a Lua function that has compiled code; `callOther` does the
 * rest. It is short, so that WebAssembly's engine puts it into its callers.
 *
 * What is called and its arguments lie from func to L->top, and ci is L->ci.
 */
export function directCall(): Shared {
  const [L, func, results, depth, caller] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const proto = f.local(I32);
  const index = f.local(I32);
  const ci = f.local(I32);
  const top = f.local(I32);
  const size = f.local(I32);
  const other = f.block();
  f.get(func).load("u8", 8).i32(LUA_FUNCTION).do("i32.ne").branchIf(other);
  f.get(func).load("i32", 0).load("i32", CLOSURE.proto).tee(proto);
  f.load("u16", PROTO.compiled).tee(index).do("i32.eqz").branchIf(other);
  f.get(caller).load("i32", CALL_INFO.next).tee(ci).do("i32.eqz").branchIf(other);
  f.get(depth).i32(MOST_DEPTH).do("i32.ge_s").branchIf(other);
  f.get(L).load("i32", STATE.top).tee(top).get(func).do("i32.sub");
  f.get(proto).load("u8", PROTO.parameters).i32(4).do("i32.shl", "i32.le_s").branchIf(other);
  f.get(proto).load("u8", PROTO.registers).i32(4).do("i32.shl").set(size);
  // As C does it: all registers have to fit above the arguments, too.
  f.get(L).load("i32", STATE.stackLast).get(top).do("i32.sub").get(size).do("i32.le_s");
  f.branchIf(other);
  f.get(ci).get(func).store("i32", CALL_INFO.func);
  f.get(ci).get(func).get(size).do("i32.add").i32(16).do("i32.add").store("i32", CALL_INFO.top);
  f.get(ci).get(proto).load("i32", PROTO.code).store("i32", CALL_INFO.savedpc);
  // nresults, and a callstatus of 0.
  f.get(ci).get(results).i32(0xffff).do("i32.and").store("i32", CALL_INFO.results);
  f.get(L).get(ci).store("i32", STATE.ci);
  f.get(L).get(ci).get(depth).i32(1).do("i32.add").get(func).get(index).callIndirect().tee(index);
  f.i32(CODE.begins).do("i32.eq").if();
  f.get(L).get(ci).get(depth).call(indexOfShared("begin")).do("return").end();
  f.get(index).do("return").end();
  f.get(L).get(func).get(results).get(depth).get(caller).call(indexOfShared("callOther"));
  return { type: CALL_TYPE, body: f.finish() };
}

/** Behind a call that answers that L->ci begins, as `(L, ci, depth) -> code`: a tail call may have put that there. */
export function beginAgain(): Shared {
  const [L, ci, depth] = [0, 1, 2] as const;
  const f = new Body<undefined>(3);
  const index = f.local(I32);
  const code = f.local(I32);
  const begins = f.block();
  const again = f.loop();
  f.get(L).load("i32", STATE.ci).get(ci).do("i32.ne").branchIf(begins);
  f.get(ci).load("i32", CALL_INFO.func).load("i32", 0).load("i32", CLOSURE.proto);
  f.load("u16", PROTO.compiled).tee(index).do("i32.eqz").branchIf(begins);
  f.get(L).get(ci).get(depth).i32(1).do("i32.add").get(ci).load("i32", CALL_INFO.func).get(index);
  f.callIndirect().tee(code);
  f.i32(CODE.begins).do("i32.eq").branchIf(again).end();
  f.get(code).do("return").end().i32(CODE.begins);
  return { type: "iii:i", body: f.finish() };
}

/** What `directCall` leaves: C functions and missing arguments; all else goes to `compiled_call`. */
export function callOther(): Shared {
  const [L, func, results, depth, caller] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const ci = f.local(I32);
  const top = f.local(I32);
  const n = f.local(I32);
  const to = f.local(I32);
  const tag = f.local(I32);
  const other = f.block();
  f.get(func).load("u8", 8).tee(tag).i32(LUA_FUNCTION).do("i32.eq").if();
  f.get(func).load("i32", 0).load("i32", CLOSURE.proto).set(n);
  f.get(L).load("i32", STATE.top).set(top);
  f.get(func).i32(16).do("i32.add").get(n).load("u8", PROTO.parameters).i32(4).do("i32.shl");
  f.do("i32.add").tee(to).get(top).do("i32.le_u").branchIf(other);
  // Room is looked for above the arguments that there are, where less is enough.
  f.get(L).load("i32", STATE.stackLast).get(to).do("i32.sub");
  f.get(n).load("u8", PROTO.registers).i32(4).do("i32.shl", "i32.le_s").branchIf(other);
  // Parameters without an argument are nil.
  const fill = f.loop();
  f.get(top).i32(NIL).store("u8", 8).get(top).i32(16).do("i32.add").tee(top);
  f.get(to).do("i32.lt_u").branchIf(fill).end();
  f.get(L).get(top).store("i32", STATE.top);
  f.get(L).get(func).get(results).get(depth).get(caller).call(indexOfShared("call"));
  f.do("return").end();
  callC(f, { L, func, results, caller, tag, ci, top, n, to }, other);
  f.end();
  f.get(L).get(func).get(results).get(depth).callEntry(luaFunction("compiled_call"));
  return { type: CALL_TYPE, body: f.finish() };
}

/** What `callC` reads, and `ci`, `top`, `n` and `to`, which it sets. */
interface CallOfC {
  readonly L: number;
  readonly func: number;
  readonly results: number;
  readonly caller: number;
  readonly tag: number;
  readonly ci: number;
  readonly top: number;
  readonly n: number;
  readonly to: number;
}

/** A call of a C function as precallC and luaD_poscall do it, and burns; branches away where that is not for here. */
function callC(f: Body<undefined>, call: CallOfC, otherwise: number): void {
  const { L, func, results, caller, tag, ci, top, n, to } = call;
  f.get(tag).i32(C_FUNCTION).do("i32.eq").if();
  f.get(func).load("i32", 0).set(n);
  f.else();
  f.get(tag).i32(C_CLOSURE).do("i32.ne").branchIf(otherwise);
  f.get(func).load("i32", 0).load("i32", FUNCTION_OF_CLOSURE).set(n).end();
  f.get(caller).load("i32", CALL_INFO.next).tee(ci).do("i32.eqz").branchIf(otherwise);
  f.get(L).load("i32", STATE.stackLast).get(L).load("i32", STATE.top).tee(top).do("i32.sub");
  f.i32(16 * (STACK_OF_C + 1)).do("i32.lt_s").branchIf(otherwise);
  f.get(L).load("i32", STATE.hooks).branchIf(otherwise);
  // An intrinsic has one result: 1 or all (-1) are wanted.
  f.get(results).i32(1).do("i32.add").i32(~2).do("i32.and", "i32.eqz");
  f.get(tag).i32(C_FUNCTION).do("i32.eq", "i32.and").if();
  f.get(L).get(func).get(n).call(indexOfShared("intrinsic")).if();
  f.i32(CODE.interpret).i32(CODE.returned).get(L).get(caller).call(indexOfShared("settle"));
  f.do("select", "return").end().end();
  f.get(ci).get(func).store("i32", CALL_INFO.func);
  f.get(ci).get(top).i32(16 * STACK_OF_C).do("i32.add").store("i32", CALL_INFO.top);
  // nresults, and the callstatus.
  f.get(ci).get(results).i32(0xffff).do("i32.and").i32(CALLS_C << 16).do("i32.or");
  f.store("i32", CALL_INFO.results);
  f.get(L).get(ci).store("i32", STATE.ci);
  f.get(L).get(n).callIndirect(C_FUNCTION_TYPE).set(n);
  f.get(L).load("u8", STATE.status).i32(YIELDED).do("i32.eq").if().i32(CODE.interpret).do("return")
    .end();
  const returned = f.block();
  const general = f.block();
  f.get(results).i32(1).do("i32.gt_u").branchIf(general);
  f.get(n).i32(255).do("i32.gt_u").branchIf(general);
  f.get(L).load("i32", STATE.hooks).branchIf(general);
  f.get(ci).load("i32", CALL_INFO.func).set(to);
  f.get(results).if();
  f.get(n).if();
  f.get(L).load("i32", STATE.top).get(n).i32(4).do("i32.shl", "i32.sub").set(top);
  f.get(to).get(top).load("i64", 0).store("i64", 0);
  f.get(to).get(top).load("u8", 8).store("u8", 8);
  f.else().get(to).i32(NIL).store("u8", 8).end();
  f.get(to).i32(16).do("i32.add").set(to).end();
  f.get(L).get(to).store("i32", STATE.top);
  f.get(L).get(caller).store("i32", STATE.ci).branch(returned).end();
  f.get(L).get(ci).get(n).callEntry(luaFunction("luaD_poscall")).end();
  f.i32(CODE.interpret).i32(CODE.returned).get(L).get(caller).call(indexOfShared("settle"));
  f.do("select", "return");
}

/**
 * Behind an instruction that may have run anything, as `(L, ci) -> trap`: burns, and answers whether the code has to
 * be left.
 */
export function settle(): Shared {
  const [L, ci] = [0, 1] as const;
  const f = new Body<undefined>(2);
  const fuel = f.local(I32);
  f.takeFromGlobal(fuel).i32(0).do("i32.lt_s").if();
  f.get(L).get(ci).get(ci).load("i32", CALL_INFO.savedpc).callEntry(luaFunction("compiled_spent"));
  f.do("return").end();
  f.get(ci).load("i32", CALL_INFO.trap);
  return { type: "ii:i", body: f.finish() };
}

/**
 * OP_RETURN, as `(L, ci, n) -> code`, of the n values below L->top: what `compiled_return` does without a hook and with
 * fuel left. It is short, so that WebAssembly's engine puts it into its callers.
 */
export function returnResults(): Shared {
  const [L, ci, n] = [0, 1, 2] as const;
  const f = new Body<undefined>(3);
  const wanted = f.local(I32);
  const from = f.local(I32);
  const to = f.local(I32);
  const end = f.local(I32);
  const other = f.block();
  f.get(L).load("i32", STATE.hooks).branchIf(other);
  // The fuel is spent by the return.
  f.global().i32(0).do("i32.le_s").branchIf(other);
  f.get(ci).load("s16", CALL_INFO.results).tee(wanted).i32(-1).do("i32.lt_s").branchIf(other);
  // More of them are paid for.
  f.get(n).i32(255).do("i32.gt_s").branchIf(other);
  f.get(L).load("i32", STATE.top).tee(end).get(n).i32(4).do("i32.shl", "i32.sub").set(from);
  f.get(ci).load("i32", CALL_INFO.func).set(to);
  f.get(wanted).i32(-1).do("i32.eq").if().get(n).set(wanted).end();
  const done = f.block();
  const next = f.loop();
  f.get(wanted).do("i32.eqz").branchIf(done);
  f.get(from).get(end).do("i32.lt_u").if();
  f.get(to).get(from).load("i64", 0).store("i64", 0);
  f.get(to).get(from).load("u8", 8).store("u8", 8);
  f.get(from).i32(16).do("i32.add").set(from);
  f.else().get(to).i32(NIL).store("u8", 8).end();
  f.get(to).i32(16).do("i32.add").set(to);
  f.get(wanted).i32(1).do("i32.sub").set(wanted).branch(next).end().end();
  f.get(L).get(to).store("i32", STATE.top);
  f.get(L).get(ci).load("i32", CALL_INFO.previous).store("i32", STATE.ci);
  f.global().i32(1).do("i32.sub").setGlobal().i32(CODE.returned).do("return").end();
  f.get(L).get(ci).get(n).callEntry(luaFunction("compiled_return"));
  return { type: "iii:i", body: f.finish() };
}
