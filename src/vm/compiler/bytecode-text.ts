import type { Heap } from "../heap.ts";
import { STRING as STRING_LAYOUT } from "../layout.ts";
import { ARITHMETIC, type Instruction, type Opcode, TESTS } from "./opcodes.ts";
import {
  type Constant,
  FALSE,
  FLOAT,
  INTEGER,
  LONG_STRING,
  NIL,
  PROTO,
  type Proto,
  STRING,
  TRUE,
} from "./proto.ts";

const OFFSET_SBX = 65_535;
/** A step of a line that is too large for a byte. */
const ABSOLUTE = -128;

/** Which operand is a constant's number. */
const CONSTANT: Readonly<Partial<Record<Opcode, "B" | "C">>> = {
  GETTABUP: "C",
  GETFIELD: "C",
  SETTABUP: "B",
  SETFIELD: "B",
  EQK: "B",
};

/** The line of each instruction of a function. */
export function linesOf(heap: Heap, proto: Proto): number[] {
  const word = (at: number) => heap.u32[at >> 2]!;
  const absolute = new Map<number, number>();
  const first = word(proto.address + PROTO.absoluteLines);
  for (let i = 0; i < word(proto.address + PROTO.absoluteLineCount); i++) {
    absolute.set(word(first + 8 * i), word(first + 8 * i + 4));
  }
  const steps = word(proto.address + PROTO.lines);
  let line = word(proto.address + PROTO.lineDefined);
  return proto.code.map((_, pc) => {
    const step = (heap.u8[steps + pc]! << 24) >> 24;
    line = step === ABSOLUTE ? absolute.get(pc) ?? line : line + step;
    return line;
  });
}

/** An instruction as `luac -l` lists it, with the number of instructions beginning at 1. */
export function textOfInstruction(heap: Heap, proto: Proto, pc: number): string {
  const instruction = proto.code[pc]!;
  const comment = commentOf(heap, proto, pc, instruction);
  const text = `${instruction.op.padEnd(10)} ${operands(instruction)}`.trimEnd();
  return comment === undefined ? text : `${text.padEnd(24)} ; ${comment}`;
}

function operands({ op, A, B, C, k, Bx, sJ, Ax }: Instruction): string {
  switch (op) {
    case "LOADI":
    case "LOADF":
      return `${A} ${Bx - OFFSET_SBX}`;
    case "LOADK":
    case "FORLOOP":
    case "FORPREP":
    case "TFORPREP":
    case "TFORLOOP":
    case "CLOSURE":
      return `${A} ${Bx}`;
    case "JMP":
      return `${sJ}`;
    case "EXTRAARG":
      return `${Ax}`;
    case "RETURN0":
      return "";
    case "LOADTRUE":
    case "LOADFALSE":
    case "LFALSESKIP":
    case "CLOSE":
    case "TBC":
    case "RETURN1":
      return `${A}`;
    case "MOVE":
    case "GETUPVAL":
    case "SETUPVAL":
    case "UNM":
    case "BNOT":
    case "NOT":
    case "LEN":
    case "CONCAT":
    case "LOADNIL":
      return `${A} ${B}`;
    default:
      return `${A} ${B} ${C}${k ? " k" : ""}`;
  }
}

function commentOf(heap: Heap, proto: Proto, pc: number, i: Instruction): string | undefined {
  const constant = (index: number) => textOfConstant(heap, proto.constants[index]!);
  const { op } = i;
  if (op === "LOADK") return constant(i.Bx);
  const which = CONSTANT[op];
  const value = (op === "SETTABUP" || op === "SETFIELD") && i.k ? ` ${constant(i.C)}` : "";
  if (which !== undefined) return constant(i[which]) + value;
  if (op === "SELF" && i.k || ARITHMETIC.get(op)?.with === "constant") return constant(i.C);
  if ((op === "SETTABLE" || op === "SETI") && i.k) return constant(i.C);
  const to = jumpOf(pc, i);
  return to === undefined ? undefined : `to ${to + 1}`;
}

function jumpOf(pc: number, { op, sJ, Bx }: Instruction): number | undefined {
  if (op === "JMP") return pc + 1 + sJ;
  if (op === "FORLOOP" || op === "TFORLOOP") return pc + 1 - Bx;
  if (op === "FORPREP") return pc + 2 + Bx;
  if (op === "TFORPREP") return pc + 1 + Bx;
  return TESTS.has(op) ? pc + 2 : undefined;
}

function textOfConstant(heap: Heap, { tag, bits, float, pointer }: Constant): string {
  switch (tag) {
    case NIL:
      return "nil";
    case FALSE:
      return "false";
    case TRUE:
      return "true";
    case INTEGER:
      return `${bits}`;
    case FLOAT:
      return Number.isInteger(float) ? `${float}.0` : `${float}`;
    case STRING:
    case LONG_STRING: {
      const length = tag === STRING
        ? heap.u8[pointer + STRING_LAYOUT.shortLength]!
        : heap.u32[(pointer + STRING_LAYOUT.longLength) >> 2]!;
      const start = pointer + STRING_LAYOUT.contents;
      return JSON.stringify(heap.buffer.toString("utf8", start, start + length));
    }
  }
  return "?";
}
