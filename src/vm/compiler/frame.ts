import { LUA_FUNCTIONS } from "../transform/compiled_imports.ts";
import { indexForCompiledCode } from "../transform/function_table.ts";
import { type Instruction } from "./opcodes.ts";
import { type Constant, type Proto } from "./proto.ts";
import type { Region } from "./regions.ts";
import { type Known, UNKNOWN } from "./types.ts";
import { Body, type Entry, F64, I32, I64, signatures } from "./wasm.ts";

/** What compiled code answers to who called it; see `transform/compiled_calls.ts`. */
export const CODE = {
  returned: 0,
  interpret: 1,
  begins: 2,
  callerInterprets: 3,
  notHere: 4,
} as const;
/** Parameters of compiled code. */
export const L = 0;
export const CI = 1;
export const DEPTH = 2;
export const FUNC = 3;
/** Offsets in a lua_State and a CallInfo. */
export const STATE = {
  status: 6,
  top: 12,
  global: 16,
  ci: 20,
  stackLast: 24,
  openUpvalues: 32,
  toBeClosed: 36,
  hooks: 112,
} as const;
export const CALL_INFO = {
  func: 0,
  top: 4,
  previous: 8,
  next: 12,
  savedpc: 16,
  trap: 20,
  extra: 24,
  results: 32,
};
/** Offset of GCdebt in the global state. */
const GC_DEBT = 12;
/** LUA_MINSTACK: slots that C functions have. */
export const STACK_OF_C = 20;
/** What a lua_State's status is while a coroutine is suspended. */
export const YIELDED = 1;
/** Offset of an open UpVal's v. */
export const UPVALUE_LEVEL = 8;

export type LuaFunction = keyof typeof LUA_FUNCTIONS;
/** Signature of compiled code. */
export const COMPILED_TYPE = "iiii:i";
/** Signatures of what compiled code calls through the table: types of each module, behind its own. */
export const CALLED_TYPES: readonly string[] = Object.values(LUA_FUNCTIONS);
const TYPES = signatures(COMPILED_TYPE, CALLED_TYPES);
/** The index of the type of Lua's C functions in each module. */
export const C_FUNCTION_TYPE = TYPES.indexOf("i:i");
const ENTRIES = new Map(
  Object.entries(LUA_FUNCTIONS).map(([name, type]) => [
    name,
    { index: indexForCompiledCode(name as LuaFunction), type: TYPES.indexOf(type) },
  ]),
);
/** A function of the Lua wasm, for `Body.callEntry`. */
export function luaFunction(name: LuaFunction): Entry {
  return ENTRIES.get(name)!;
}

/** Functions that each module has for itself, see `shared.ts`; their indices follow. */
export const SHARED = [
  "call",
  "begin",
  "callOther",
  "intrinsic",
  "settle",
  "findSlot",
  "getField",
  "setField",
  "getIndex",
  "setIndex",
  "setKey",
  "length",
  "next",
  "return",
] as const;
export type SharedName = typeof SHARED[number];
export function indexOfShared(name: SharedName): number {
  return SHARED.indexOf(name);
}

/** Light C functions whose rounds of loops are compiled: Lua's `next`, and what `ipairs` answers. */
export interface Iterators {
  readonly next: number;
  readonly ipairs: number;
}

/**
 * The code of one function as it is emitted: WebAssembly's instructions, and what Lua's instructions are made of.
 *
 * A register is a slot of Lua's stack. Each has a copy in two locals, its value and its tag, and every write goes to
 * both: so the code can be left before any instruction. Registers that closures capture have no copy.
 */
export class Frame extends Body<Region> {
  /** What is known of each register at the present instruction. */
  known: Known[] = [];
  readonly base = this.local(I32);
  readonly closure = this.local(I32);
  readonly entry = this.local(I32);
  /** Scratch; any method may use them, but for what it says that it answers. */
  readonly t0 = this.local(I32);
  readonly t1 = this.local(I32);
  readonly t2 = this.local(I32);
  readonly x0 = this.local(I64);
  readonly x1 = this.local(I64);
  readonly f0 = this.local(F64);
  readonly f1 = this.local(F64);
  readonly #values: number[] = [];
  readonly #tags: number[] = [];

  constructor(
    readonly proto: Proto,
    readonly iterators: Iterators,
  ) {
    super(4);
    for (let r = 0; r < proto.registers; r++) this.#values.push(this.local(I64));
    for (let r = 0; r < proto.registers; r++) this.#tags.push(this.local(I32));
  }

  /** What a local or parameter is for, to people who read the code. */
  nameOf(local: number): string {
    const { base, closure, entry, t0, t1, t2, x0, x1, f0, f1 } = this;
    const own = {
      L,
      ci: CI,
      depth: DEPTH,
      func: FUNC,
      base,
      closure,
      entry,
      t0,
      t1,
      t2,
      x0,
      x1,
      f0,
      f1,
    };
    const found = Object.entries(own).find(([, index]) => index === local)?.[0];
    if (found !== undefined) return found;
    const value = this.#values.indexOf(local);
    return value >= 0 ? `value${value}` : `tag${this.#tags.indexOf(local)}`;
  }

  instruction(pc: number): Instruction {
    return this.proto.code[pc]!;
  }

  constant(index: number): Constant {
    return this.proto.constants[index]!;
  }

  /** Calls a function of the Lua wasm. */
  lua(name: LuaFunction): this {
    return this.callEntry(luaFunction(name));
  }

  /** Calls a function of this module. */
  shared(name: SharedName): this {
    return this.call(indexOfShared(name));
  }

  // Registers.

  #copied(r: number): boolean {
    return !this.proto.captured.has(r);
  }

  /** Pushes a register's value as an i64. */
  value(r: number): this {
    if (this.#copied(r)) return this.get(this.#values[r]!);
    return this.get(this.base).load("i64", 16 * r);
  }

  /** Pushes its value as a float. */
  float(r: number): this {
    return this.value(r).do("f64.reinterpret_i64");
  }

  /** Pushes its value as an address. */
  pointer(r: number): this {
    return this.value(r).do("i32.wrap_i64");
  }

  tag(r: number): this {
    const known = this.known[r]!;
    if (known !== UNKNOWN) return this.i32(known);
    if (this.#copied(r)) return this.get(this.#tags[r]!);
    return this.get(this.base).load("u8", 16 * r + 8);
  }

  /** Pushes the address of a register's slot. */
  address(r: number): this {
    this.get(this.base);
    return r === 0 ? this : this.i32(16 * r).do("i32.add");
  }

  /** Writes the value in a local, x0 unless given, with a tag. */
  put(r: number, tag: number, from = this.x0): this {
    this.get(this.base).get(from).store("i64", 16 * r);
    if (this.#copied(r)) this.get(from).set(this.#values[r]!);
    return this.putTag(r, tag);
  }

  /** Writes the tag only, of a value that is nothing else; where it is known to be there, nothing. */
  putTag(r: number, tag: number): this {
    if (this.known[r] === tag) return this;
    this.get(this.base).i32(tag).store("u8", 16 * r + 8);
    if (this.#copied(r)) this.i32(tag).set(this.#tags[r]!);
    this.known[r] = UNKNOWN;
    return this;
  }

  /** Writes a boolean: the tag in a local. */
  putTagFrom(r: number, from: number): this {
    this.get(this.base).get(from).store("u8", 16 * r + 8);
    if (this.#copied(r)) this.get(from).set(this.#tags[r]!);
    this.known[r] = UNKNOWN;
    return this;
  }

  /** Copies the value at the address in a local. */
  copyFrom(r: number, from: number): this {
    if (!this.#copied(r)) {
      this.get(this.base).get(from).load("i64", 0).store("i64", 16 * r);
      this.get(this.base).get(from).load("u8", 8).store("u8", 16 * r + 8);
    } else {
      this.get(this.base).get(from).load("i64", 0).tee(this.#values[r]!).store("i64", 16 * r);
      this.get(this.base).get(from).load("u8", 8).tee(this.#tags[r]!).store("u8", 16 * r + 8);
    }
    this.known[r] = UNKNOWN;
    return this;
  }

  copyRegister(to: number, from: number): this {
    const known = this.known[from]!;
    this.value(from).set(this.x0).tag(from).set(this.t0);
    this.get(this.base).get(this.x0).store("i64", 16 * to);
    if (this.#copied(to)) this.get(this.x0).set(this.#values[to]!);
    this.putTagFrom(to, this.t0);
    this.known[to] = known;
    return this;
  }

  /** Reads registers anew from the stack, where they were written behind the copies' back. */
  reload(from: number, count = 1): this {
    for (let r = from; r < Math.min(from + count, this.proto.registers); r++) {
      if (this.#copied(r)) {
        this.get(this.base).load("i64", 16 * r).set(this.#values[r]!);
        this.get(this.base).load("u8", 16 * r + 8).set(this.#tags[r]!);
      }
      this.known[r] = UNKNOWN;
    }
    return this;
  }

  forget(from: number): this {
    this.known.fill(UNKNOWN, from);
    return this;
  }

  /** The stack may have moved. */
  reloadBase(): this {
    return this.get(CI).load("i32", CALL_INFO.func).i32(16).do("i32.add").set(this.base);
  }

  // Leaving.

  answer(code: number): this {
    return this.i32(code).do("return");
  }

  pcAddress(pc: number): number {
    return this.proto.codeAddress + 4 * pc;
  }

  savePc(pc: number): this {
    return this.get(CI).i32(this.pcAddress(pc)).store("i32", CALL_INFO.savedpc);
  }

  /** L->top = ci->top. */
  saveTop(): this {
    return this.get(L).get(CI).load("i32", CALL_INFO.top).store("i32", STATE.top);
  }

  /** Leaves the instruction at `pc`, and what follows, to the interpreter. */
  leave(pc: number): this {
    return this.savePc(pc).answer(CODE.interpret);
  }

  /** Burns one unit of fuel; when it is spent, the code may be left, for the instruction at `next`. */
  burn(next: number): this {
    this.takeFromGlobal(this.t0).i32(0).do("i32.lt_s").if();
    this.get(L).get(CI).i32(this.pcAddress(next)).lua("compiled_spent");
    return this.if().answer(CODE.interpret).end().end();
  }

  /** With a trap on the wasm's stack: leaves when it is set. */
  trapped(): this {
    return this.if().answer(CODE.interpret).end();
  }

  /**
   * A call that may run anything, raise, or move the stack, as the macro Protect of lvm.c: `call` leaves nothing on
   * the wasm's stack; then fuel is burnt, and the code is left when there is a hook.
   */
  protect(pc: number, call: () => unknown): this {
    this.savePc(pc + 1).saveTop();
    call();
    return this.settle();
  }

  /** Behind such a call. */
  settle(): this {
    return this.get(L).get(CI).shared("settle").trapped().reloadBase();
  }

  /** Lets the collector make a step when it is time, with the stack's live part up to what `limit` pushes. */
  collect(limit: () => unknown): this {
    this.get(L).load("i32", STATE.global).load("i32", GC_DEBT).i32(0).do("i32.gt_s").if();
    this.get(L);
    limit();
    this.store("i32", STATE.top).get(L).lua("luaC_step");
    return this.settle().end();
  }

  // Jumps.

  /** A branch to where the instruction at `pc` begins. */
  jump(pc: number): this {
    return this.branch(this.#labelOf(pc));
  }

  /** The same if what is on the wasm's stack is not 0. */
  jumpIf(pc: number): this {
    return this.branchIf(this.#labelOf(pc));
  }

  /** A jump of Lua: burns. */
  burnAndJump(pc: number): this {
    return this.burn(pc).jump(pc);
  }

  #labelOf(pc: number): number {
    const block = this.find((region) => region.target === pc);
    if (block === 0) throw new Error(`instruction ${pc} is no target of a branch`);
    return block;
  }

  /** Pushes whether a register holds nil or false. */
  isFalse(r: number, falseTag: number): this {
    return this.tag(r).tee(this.t0).i32(15).do("i32.and", "i32.eqz")
      .get(this.t0).i32(falseTag).do("i32.eq", "i32.or");
  }
}
