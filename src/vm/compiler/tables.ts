import { CI, type Frame, L, STATE } from "./frame.ts";
import type { Instruction } from "./opcodes.ts";
import { immediate, type Operand, register, registerOrConstant } from "./operands.ts";
import { COLLECTABLE, type Constant, INTEGER, STRING, TABLE } from "./proto.ts";
import { MOST_LAID_OUT } from "../transform/new_tables.ts";
import { UNKNOWN } from "./types.ts";

/** Offsets in a table, a node of its hash part, a string. */
export const FIELDS = {
  marked: 5,
  flags: 6,
  logNodes: 7,
  arrayLimit: 8,
  array: 12,
  nodes: 16,
  lastFree: 20,
  metatable: 24,
};
export const NODE = { tag: 8, keyTag: 9, next: 12, key: 16, size: 24 } as const;
/** Bits of a table's flags that say which metamethods are absent. */
export const ABSENT = 0x3f;
const STRING_LENGTH = 7;
/** Bits of what is collected: black, and white of either kind. */
export const BLACK = 32;
export const WHITE = 24;

/** What is indexed: a register, or an upvalue. */
interface Indexed {
  readonly known: number;
  tag(): unknown;
  pointer(): unknown;
  address(): unknown;
}

/** Pushes the address of an upvalue's value: the closure's upvalues are at 16, and UpVal.v at 8. */
function pushUpvalue(f: Frame, index: number): Frame {
  return f.get(f.closure).load("i32", 16 + 4 * index).load("i32", 8);
}

function upvalue(f: Frame, index: number): Indexed {
  return {
    known: UNKNOWN,
    tag: () => pushUpvalue(f, index).load("u8", 8),
    pointer: () => pushUpvalue(f, index).load("i32", 0),
    address: () => pushUpvalue(f, index),
  };
}

/** OP_GETUPVAL. */
export function getUpvalue(f: Frame, { A, B }: Instruction): void {
  pushUpvalue(f, B).set(f.t0);
  f.copyFrom(A, f.t0);
}

/** OP_SETUPVAL. */
export function setUpvalue(f: Frame, { A, B }: Instruction): void {
  const known = f.known[A]!;
  pushUpvalue(f, B).set(f.t0);
  f.get(f.t0).value(A).store("i64", 0).get(f.t0).tag(A).store("u8", 8);
  if (known !== UNKNOWN && !(known & COLLECTABLE)) return;
  f.tag(A).i32(COLLECTABLE).do("i32.and").if();
  f.get(f.closure).load("i32", 16 + 4 * B).tee(f.t1).load("u8", FIELDS.marked);
  f.i32(BLACK).do("i32.and").if();
  f.pointer(A).load("u8", FIELDS.marked).i32(WHITE).do("i32.and").if();
  f.get(L).get(f.t1).pointer(A).lua("luaC_barrier_").end().end().end();
}

/** luaC_barrierback of the table in t1 for a value. */
function barrier(f: Frame, value: Operand): void {
  const { known } = value;
  if (known !== UNKNOWN && !(known & COLLECTABLE)) return;
  if (known === UNKNOWN) {
    value.tag();
    f.i32(COLLECTABLE).do("i32.and").if();
  }
  f.get(f.t1).load("u8", FIELDS.marked).i32(BLACK).do("i32.and").if();
  value.pointer();
  f.load("u8", FIELDS.marked).i32(WHITE).do("i32.and").if();
  f.get(L).get(f.t1).lua("luaC_barrierback_").end().end();
  if (known === UNKNOWN) f.end();
}

/** Branches away unless something is a table, and leaves its address in t1. */
function tableOr(f: Frame, object: Indexed, otherwise: number): void {
  if (object.known !== TABLE) {
    object.tag();
    f.i32(TABLE).do("i32.ne").branchIf(otherwise);
  }
  object.pointer();
  f.set(f.t1);
}

/**
 * The slot, in t2, of a short string in the table in t1, where it holds a value; else branches away. Only the first
 * node of its chain is looked at here.
 */
function slotOr(f: Frame, key: Constant, otherwise: number): void {
  f.get(f.t1).load("i32", FIELDS.nodes);
  f.i32(1).get(f.t1).load("u8", FIELDS.logNodes).do("i32.shl").i32(1).do("i32.sub");
  f.i32(key.hash).do("i32.and").i32(NODE.size).do("i32.mul", "i32.add").tee(f.t2);
  f.load("i32", NODE.key).i32(key.pointer).do("i32.eq");
  f.get(f.t2).load("u8", NODE.keyTag).i32(STRING).do("i32.eq", "i32.and").if();
  f.get(f.t2).load("u8", NODE.tag).i32(15).do("i32.and", "i32.eqz").branchIf(otherwise).else();
  f.get(f.t1).i32(key.pointer).shared("findSlot").tee(f.t2).do("i32.eqz").branchIf(otherwise).end();
}

function getField(f: Frame, pc: number, to: number, object: Indexed, index: number): void {
  const key = f.constant(index);
  const done = f.block();
  const slow = f.block();
  tableOr(f, object, slow);
  slotOr(f, key, slow);
  f.copyFrom(to, f.t2).branch(done).end();
  f.savePc(pc + 1).saveTop().get(L).get(CI);
  object.address();
  f.i32(key.address).address(to).shared("getField").trapped().reloadBase().reload(to).end();
}

function setField(f: Frame, pc: number, object: Indexed, index: number, value: Operand): void {
  const key = f.constant(index);
  const done = f.block();
  const slow = f.block();
  tableOr(f, object, slow);
  slotOr(f, key, slow);
  store(f, value);
  f.branch(done).end();
  f.savePc(pc + 1).saveTop().get(L).get(CI);
  object.address();
  f.i32(key.address);
  value.address();
  f.shared("setField").trapped().reloadBase().end();
}

/** A value goes to the slot in t2 of the table in t1. */
function store(f: Frame, value: Operand): void {
  f.get(f.t2);
  value.value();
  f.store("i64", 0).get(f.t2);
  value.tag();
  f.store("u8", 8);
  barrier(f, value);
}

/** Branches away unless a key is an integer. */
function integerOr(f: Frame, key: Operand, otherwise: number): void {
  if (key.known === INTEGER) return;
  key.tag();
  f.i32(INTEGER).do("i32.ne").branchIf(otherwise);
}

/**
 * The slot, in t2, of the integer that `key` pushes in the array of the table in t1, where it holds a value; else
 * branches away.
 */
export function arraySlotOr(f: Frame, key: () => unknown, otherwise: number): void {
  key();
  f.i64(1n).do("i64.sub").tee(f.x1).get(f.t1).load("i32", FIELDS.arrayLimit);
  f.do("i64.extend_i32_u", "i64.ge_u").branchIf(otherwise);
  f.get(f.t1).load("i32", FIELDS.array).get(f.x1).do("i32.wrap_i64").i32(4).do(
    "i32.shl",
    "i32.add",
  );
  f.tee(f.t2).load("u8", 8).i32(15).do("i32.and", "i32.eqz").branchIf(otherwise);
}

function getIndex(f: Frame, pc: number, to: number, object: Indexed, key: Operand): void {
  const done = f.block();
  const slow = f.block();
  tableOr(f, object, slow);
  integerOr(f, key, slow);
  arraySlotOr(f, () => key.value(), slow);
  f.copyFrom(to, f.t2).branch(done).end();
  f.savePc(pc + 1).saveTop().get(L).get(CI);
  object.address();
  key.address();
  f.address(to).shared("getIndex").trapped().reloadBase().reload(to).end();
}

function setIndex(f: Frame, pc: number, object: Indexed, key: Operand, value: Operand): void {
  const done = f.block();
  const slow = f.block();
  tableOr(f, object, slow);
  integerOr(f, key, slow);
  arraySlotOr(f, () => key.value(), slow);
  store(f, value);
  f.branch(done).end();
  f.savePc(pc + 1).saveTop().get(L).get(CI);
  object.address();
  key.address();
  value.address();
  f.shared("setIndex").trapped().reloadBase().end();
}

/** OP_GETTABUP, OP_GETFIELD, OP_GETTABLE, OP_GETI. */
export function get(f: Frame, pc: number, { op, A, B, C }: Instruction): void {
  if (op === "GETTABUP") getField(f, pc, A, upvalue(f, B), C);
  else if (op === "GETFIELD") getField(f, pc, A, register(f, B), C);
  else getIndex(f, pc, A, register(f, B), op === "GETI" ? immediate(f, C) : register(f, C));
}

/** OP_SETTABUP, OP_SETFIELD, OP_SETTABLE, OP_SETI. */
export function set(f: Frame, pc: number, { op, A, B, C, k }: Instruction): void {
  const value = registerOrConstant(f, C, k);
  if (op === "SETTABUP") setField(f, pc, upvalue(f, A), B, value);
  else if (op === "SETFIELD") setField(f, pc, register(f, A), B, value);
  else setIndex(f, pc, register(f, A), op === "SETI" ? immediate(f, B) : register(f, B), value);
}

/** OP_SELF: the object goes to R[A + 1], its method to R[A]. */
export function self(f: Frame, pc: number, { A, B, C, k }: Instruction): void {
  if (!k || f.constant(C).tag !== STRING) {
    f.leave(pc);
    return;
  }
  f.copyRegister(A + 1, B);
  getField(f, pc, A, register(f, B), C);
}

/** OP_NEWTABLE. */
export function newTable(f: Frame, pc: number, { A, B, C, k }: Instruction): void {
  const hash = B > 0 ? 2 ** (B - 1) : 0;
  const array = C + (k ? f.instruction(pc + 1).Ax * 256 : 0);
  f.savePc(pc + 2).get(L).address(A + 1).store("i32", STATE.top);
  f.get(L).lua("luaH_new").do("i64.extend_i32_u").set(f.x0).put(A, TABLE);
  if (hash > 0 || array > 0) {
    f.get(L).get(f.x0).do("i32.wrap_i64").i32(array).i32(hash);
    f.lua(array <= MOST_LAID_OUT && hash <= MOST_LAID_OUT ? "lay_out_table" : "luaH_resize");
  }
  f.collect(() => f.address(A + 1));
}

/** OP_SETLIST. */
export function setList(f: Frame, pc: number, { A, B, C, k }: Instruction): void {
  const first = C + (k ? f.instruction(pc + 1).Ax * 256 : 0);
  f.savePc(pc + 1).get(L).pointer(A).address(A);
  if (B > 0) f.i32(B);
  else {
    f.get(L).load("i32", STATE.top).address(A).do("i32.sub").i32(4).do("i32.shr_s").i32(1).do(
      "i32.sub",
    );
  }
  f.i32(first);
  if (B > 0) f.saveTop();
  f.lua("compiled_set_list");
}

/** OP_LEN, which burns whatever it measures. */
export function length(f: Frame, pc: number, { A, B }: Instruction): void {
  const plain = f.block();
  const slow = f.block();
  const known = f.known[B]!;
  f.tag(B).i32(TABLE).do("i32.eq").if();
  f.pointer(B).load("i32", FIELDS.metatable).branchIf(slow);
  f.pointer(B).shared("length").set(f.x0).branch(plain).end();
  // Long strings, metamethods and errors.
  f.tag(B).i32(STRING).do("i32.ne").branchIf(slow);
  f.pointer(B).load("u8", STRING_LENGTH).do("i64.extend_i32_u").set(f.x0).branch(plain).end();
  f.known[B] = known;
  f.leave(pc).end();
  f.put(A, INTEGER).burn(pc + 1);
  f.known[A] = UNKNOWN;
}
