import { ARITHMETIC, type Arithmetic, type Instruction } from "./opcodes.ts";
import { FALSE, FLOAT, INTEGER, LUA_FUNCTION, NIL, type Proto, TABLE, TRUE } from "./proto.ts";

/** What is known of a register: the tag of what it holds, or UNKNOWN. */
export type Known = number;
export const UNKNOWN = -1;

export const isNumber = (known: Known): boolean => known === INTEGER || known === FLOAT;

/** Operations whose operands become integers; DIV and POW make them floats. */
const BITWISE: ReadonlySet<Arithmetic> = new Set(["BAND", "BOR", "BXOR", "SHL", "SHR"]);

/** The tag of an operation's result where both operands are numbers of known kinds; else UNKNOWN. */
export function resultOf(operation: Arithmetic, a: Known, b: Known): Known {
  if (!isNumber(a) || !isNumber(b)) return UNKNOWN;
  if (operation === "DIV" || operation === "POW") return FLOAT;
  const integers = a === INTEGER && b === INTEGER;
  if (BITWISE.has(operation)) return integers ? INTEGER : UNKNOWN;
  return integers ? INTEGER : FLOAT;
}

/**
 * Data flow over the bytecode: what is known of each register before each instruction, undefined where control never
 * comes. Only what the code itself says counts: constants, arithmetic on known numbers, loops that count.
 */
export function inferTypes(proto: Proto): (Known[] | undefined)[] {
  const { code, captured, registers } = proto;
  const before: (Known[] | undefined)[] = new Array(code.length + 2);
  before[0] = new Array<Known>(registers).fill(UNKNOWN);
  const work = [0];
  const flow = (pc: number, state: readonly Known[]) => {
    const old = before[pc];
    if (old === undefined) {
      before[pc] = state.slice();
      work.push(pc);
      return;
    }
    let changed = false;
    for (let r = 0; r < registers; r++) {
      if (old[r] === state[r] || old[r] === UNKNOWN) continue;
      old[r] = UNKNOWN;
      changed = true;
    }
    if (changed) work.push(pc);
  };
  const state = new Array<Known>(registers);
  for (let pc = work.pop(); pc !== undefined; pc = work.pop()) {
    const known = before[pc]!;
    for (let r = 0; r < registers; r++) state[r] = known[r]!;
    spread(proto, pc, state, flow);
  }
  // Others may write to a captured register at any time.
  for (const state of before) {
    if (state !== undefined) { for (const r of captured) state[r] = UNKNOWN; }
  }
  return before;
}

/** Tells where control goes from an instruction, and with what: `state`, which it changes; `flow` copies it. */
function spread(
  proto: Proto,
  pc: number,
  state: Known[],
  flow: (next: number, state: readonly Known[]) => void,
): void {
  const { code, constants, captured, registers } = proto;
  const i: Instruction = code[pc]!;
  const { op, A, B, C, Bx } = i;
  const of = (r: number): Known => captured.has(r) ? UNKNOWN : state[r]!;
  const forget = (from: number) => state.fill(UNKNOWN, from, registers);
  const arithmetic = ARITHMETIC.get(op);
  if (arithmetic !== undefined || op === "SHRI" || op === "SHLI") {
    const second = arithmetic?.with === "register"
      ? of(C)
      : arithmetic?.with === "constant"
      ? constants[C]!.tag
      : INTEGER;
    state[A] = resultOf(arithmetic?.of ?? "SHL", of(B), second);
    flow(pc + 2, state);
    if (state[A] === UNKNOWN) flow(pc + 1, state);
    return;
  }
  switch (op) {
    case "MOVE":
      state[A] = of(B);
      break;
    case "LOADI":
      state[A] = INTEGER;
      break;
    case "LOADF":
      state[A] = FLOAT;
      break;
    case "LOADK":
      state[A] = constants[Bx]!.tag;
      break;
    case "LOADFALSE":
      state[A] = FALSE;
      break;
    case "LFALSESKIP":
      state[A] = FALSE;
      flow(pc + 2, state);
      return;
    case "LOADTRUE":
      state[A] = TRUE;
      break;
    case "LOADNIL":
      state.fill(NIL, A, A + B + 1);
      break;
    case "NEWTABLE":
      state[A] = TABLE;
      break;
    case "CLOSURE":
      state[A] = LUA_FUNCTION;
      break;
    case "UNM":
      state[A] = isNumber(of(B)) ? of(B) : UNKNOWN;
      break;
    case "MMBIN":
    case "MMBINI":
    case "MMBINK":
      state[code[pc - 1]!.A] = UNKNOWN;
      break;
    case "SELF":
      state[A] = state[A + 1] = UNKNOWN;
      break;
    case "SETUPVAL":
    case "SETTABUP":
    case "SETTABLE":
    case "SETI":
    case "SETFIELD":
    case "SETLIST":
    case "EXTRAARG":
      break;
    case "CLOSE":
    case "CALL":
    case "CONCAT":
    case "VARARG":
    case "VARARGPREP":
    case "TBC":
      forget(op === "VARARGPREP" ? 0 : A);
      break;
    case "TFORCALL":
      forget(A + 4);
      break;
    case "JMP":
      flow(pc + 1 + i.sJ, state);
      return;
    case "EQ":
    case "LT":
    case "LE":
    case "EQK":
    case "EQI":
    case "LTI":
    case "LEI":
    case "GTI":
    case "GEI":
    case "TEST":
      flow(pc + 1, state);
      flow(pc + 2, state);
      return;
    case "TESTSET":
      flow(pc + 2, state);
      state[A] = of(B);
      break;
    case "RETURN":
    case "RETURN0":
    case "RETURN1":
    case "TAILCALL":
      return;
    case "FORPREP": {
      const [start, step] = [of(A), of(A + 2)];
      const kind = start === INTEGER && step === INTEGER
        ? INTEGER
        : isNumber(start) && isNumber(step)
        ? FLOAT
        : UNKNOWN;
      // The loop keeps its count, or limit, and the step beside the control variable.
      state[A] =
        state[A + 1] =
        state[A + 2] =
        state[A + 3] =
          kind;
      flow(pc + 1, state);
      forget(A);
      flow(pc + 2 + Bx, state);
      return;
    }
    case "FORLOOP":
      state[A + 3] = of(A);
      flow(pc + 1 - Bx, state);
      flow(pc + 1, state);
      return;
    case "TFORPREP":
      // To the call in the loop, which is also made here.
      forget(A);
      flow(pc + 1 + Bx, state);
      flow(pc + 1, state);
      flow(pc + 3 + Bx, state);
      return;
    case "TFORLOOP":
      forget(A + 2);
      flow(pc + 1 - Bx, state);
      flow(pc + 1, state);
      return;
    default:
      state[A] = UNKNOWN;
  }
  flow(pc + 1, state);
}
