/** Lua 5.4's opcodes in the order of their numbers. */
export const OPCODES = [
  "MOVE",
  "LOADI",
  "LOADF",
  "LOADK",
  "LOADKX",
  "LOADFALSE",
  "LFALSESKIP",
  "LOADTRUE",
  "LOADNIL",
  "GETUPVAL",
  "SETUPVAL",
  "GETTABUP",
  "GETTABLE",
  "GETI",
  "GETFIELD",
  "SETTABUP",
  "SETTABLE",
  "SETI",
  "SETFIELD",
  "NEWTABLE",
  "SELF",
  "ADDI",
  "ADDK",
  "SUBK",
  "MULK",
  "MODK",
  "POWK",
  "DIVK",
  "IDIVK",
  "BANDK",
  "BORK",
  "BXORK",
  "SHRI",
  "SHLI",
  "ADD",
  "SUB",
  "MUL",
  "MOD",
  "POW",
  "DIV",
  "IDIV",
  "BAND",
  "BOR",
  "BXOR",
  "SHL",
  "SHR",
  "MMBIN",
  "MMBINI",
  "MMBINK",
  "UNM",
  "BNOT",
  "NOT",
  "LEN",
  "CONCAT",
  "CLOSE",
  "TBC",
  "JMP",
  "EQ",
  "LT",
  "LE",
  "EQK",
  "EQI",
  "LTI",
  "LEI",
  "GTI",
  "GEI",
  "TEST",
  "TESTSET",
  "CALL",
  "TAILCALL",
  "RETURN",
  "RETURN0",
  "RETURN1",
  "FORLOOP",
  "FORPREP",
  "TFORPREP",
  "TFORCALL",
  "TFORLOOP",
  "SETLIST",
  "CLOSURE",
  "VARARG",
  "VARARGPREP",
  "EXTRAARG",
] as const;
export type Opcode = (typeof OPCODES)[number];

/** An operation on two numbers, as its opcode without the K or I. */
export type Arithmetic =
  | "ADD"
  | "SUB"
  | "MUL"
  | "MOD"
  | "POW"
  | "DIV"
  | "IDIV"
  | "BAND"
  | "BOR"
  | "BXOR"
  | "SHL"
  | "SHR";

const OFFSET_SJ = 16_777_215;

/** An instruction's fields, as the macros of lopcodes.h read them. */
export interface Instruction {
  readonly op: Opcode;
  readonly A: number;
  readonly B: number;
  readonly C: number;
  readonly k: boolean;
  readonly Bx: number;
  readonly sB: number;
  readonly sC: number;
  readonly Ax: number;
  /** Of JMP: instructions to skip. */
  readonly sJ: number;
}

/** Takes an instruction apart. */
export function decode(word: number): Instruction {
  return {
    op: OPCODES[word & 127]!,
    A: (word >>> 7) & 255,
    B: (word >>> 16) & 255,
    C: word >>> 24,
    k: ((word >>> 15) & 1) === 1,
    Bx: word >>> 15,
    sB: ((word >>> 16) & 255) - 127,
    sC: (word >>> 24) - 127,
    Ax: word >>> 7,
    sJ: (word >>> 7) - OFFSET_SJ,
  };
}

const BINARY: readonly Arithmetic[] = [
  "ADD",
  "SUB",
  "MUL",
  "MOD",
  "POW",
  "DIV",
  "IDIV",
  "BAND",
  "BOR",
  "BXOR",
  "SHL",
  "SHR",
];
const WITH_CONSTANT = [
  "ADD",
  "SUB",
  "MUL",
  "MOD",
  "POW",
  "DIV",
  "IDIV",
  "BAND",
  "BOR",
  "BXOR",
] as const;

/** An arithmetic instruction's operation, and what its second operand is. */
export interface ArithmeticForm {
  readonly of: Arithmetic;
  readonly with: "register" | "constant" | "sC";
}

/** Arithmetic by opcode. */
export const ARITHMETIC: ReadonlyMap<Opcode, ArithmeticForm> = new Map<Opcode, ArithmeticForm>([
  ...BINARY.map((of): [Opcode, ArithmeticForm] => [of, { of, with: "register" }]),
  ...WITH_CONSTANT.map((of): [Opcode, ArithmeticForm] => [`${of}K`, { of, with: "constant" }]),
  ["ADDI", { of: "ADD", with: "sC" }],
]);

/** Instructions that skip the jump behind them unless their condition is k. */
export const TESTS: ReadonlySet<Opcode> = new Set<Opcode>([
  "EQ",
  "LT",
  "LE",
  "EQK",
  "EQI",
  "LTI",
  "LEI",
  "GTI",
  "GEI",
  "TEST",
  "TESTSET",
]);
