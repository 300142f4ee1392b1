import { firstKib } from "../first-kib.ts";
import type { Frame } from "./frame.ts";
import { FLOAT, INTEGER } from "./proto.ts";
import { type Known } from "./types.ts";

/** What an instruction works on: a register or a constant. Each method pushes something on the wasm's stack. */
export interface Operand {
  readonly known: Known;
  /** Of a constant number. */
  readonly constant?: bigint | number;
  /** Its value as an i64. */
  value(): unknown;
  tag(): unknown;
  pointer(): unknown;
  /** The address of a TValue that holds it; an immediate has none. */
  address(): unknown;
}

export function register(f: Frame, r: number): Operand {
  return {
    known: f.known[r]!,
    value: () => f.value(r),
    tag: () => f.tag(r),
    pointer: () => f.pointer(r),
    address: () => f.address(r),
  };
}

export function constant(f: Frame, index: number): Operand {
  const { tag, bits, float, pointer, address } = f.constant(index);
  return {
    known: tag,
    ...(tag === INTEGER ? { constant: bits } : tag === FLOAT ? { constant: float } : {}),
    value: () => f.i64(bits),
    tag: () => f.i32(tag),
    pointer: () => f.i32(pointer),
    address: () => f.i32(address),
  };
}

/** RK(C): a constant if k, else a register. */
export function registerOrConstant(f: Frame, index: number, k: boolean): Operand {
  return k ? constant(f, index) : register(f, index);
}

/** A place for the key of one table access. */
const SCRATCH = firstKib.compiledKey.address;

/** An integer within the instruction. */
export function immediate(f: Frame, value: number): Operand {
  return {
    known: INTEGER,
    constant: BigInt(value),
    value: () => f.i64(BigInt(value)),
    tag: () => f.i32(INTEGER),
    pointer: () => f.i32(value),
    address: () => {
      f.i32(SCRATCH).i64(BigInt(value)).store("i64", 0);
      return f.i32(SCRATCH).i32(INTEGER).store("u8", 8).i32(SCRATCH);
    },
  };
}

/** Pushes a number that is known to be a float, or a constant of any kind, as an f64. */
export function pushFloat(f: Frame, operand: Operand): void {
  if (operand.constant !== undefined) {
    f.f64(Number(operand.constant));
    return;
  }
  operand.value();
  f.do(operand.known === INTEGER ? "f64.convert_i64_s" : "f64.reinterpret_i64");
}

/** Pushes whether all operands whose kind is not known have a tag; answers how many those are. */
export function pushTagsAre(f: Frame, tag: number, operands: readonly Operand[]): number {
  let tests = 0;
  for (const operand of operands) {
    if (operand.known >= 0) continue;
    operand.tag();
    f.i32(tag).do("i32.eq");
    if (tests++ > 0) f.do("i32.and");
  }
  return tests;
}
