import { ARITHMETIC, type Instruction, TESTS } from "./opcodes.ts";

/** A stretch of instructions that becomes a WebAssembly block or loop. */
export interface Region {
  start: number;
  /** Behind its last instruction. */
  end: number;
  readonly loop: boolean;
  /** Where a branch to it goes: a loop's start, a block's end. */
  readonly target: number;
}

/** The bytecode cannot be compiled; the message says why. */
export class Unsupported extends Error {}

/** Where the instruction at `pc` may jump to, apart from the next one; a test jumps as the JMP behind it. */
export function jumpsOf(code: readonly Instruction[], pc: number): number[] {
  const { op, Bx, sJ } = code[pc]!;
  if (TESTS.has(op)) return [pc + 2, pc + 2 + code[pc + 1]!.sJ];
  // Arithmetic skips the metamethod's instruction behind it.
  if (ARITHMETIC.has(op) || op === "SHRI" || op === "SHLI") return [pc + 2];
  switch (op) {
    case "JMP":
      return [pc + 1 + sJ];
    case "FORLOOP":
    case "TFORLOOP":
      return [pc + 1 - Bx];
    case "FORPREP":
      return [pc + 2 + Bx];
    case "TFORPREP":
      // Behind the loop: the first call of the iterator is made where the loop is prepared.
      return [pc + 3 + Bx];
    case "LFALSESKIP":
      return [pc + 2];
    default:
      return [];
  }
}

/**
 * Where compiled code may be entered other than at its beginning: behind calls, where a coroutine goes on, and where
 * jumps go, where it goes on after its fuel was spent.
 */
export function findEntries(code: readonly Instruction[]): Set<number> {
  const entries = new Set<number>();
  code.forEach(({ op, Bx, sJ }, pc) => {
    if (op === "CALL" || op === "TFORCALL") entries.add(pc + 1);
    if (op === "FORLOOP" || op === "TFORLOOP") entries.add(pc + 1 - Bx).add(pc + 1);
    if (op === "JMP") entries.add(pc + 1 + sJ);
  });
  entries.delete(0);
  return entries;
}

/**
 * The regions of a function, from the outside in. WebAssembly has no goto: a jump back becomes a branch to a loop, a
 * jump ahead a branch out of a block, and regions that cross are widened until one lies in the other. Blocks that are
 * jumped out of to an entry begin where the entry's loop does. Throws Unsupported for jumps into loops.
 */
export function findRegions(code: readonly Instruction[], entries: ReadonlySet<number>): Region[] {
  const loops = new Map<number, number>();
  const blocks = new Map<number, number>();
  const block = (target: number, from: number) =>
    blocks.set(target, Math.min(blocks.get(target) ?? from, from));
  for (let pc = 0; pc < code.length; pc++) {
    for (const target of jumpsOf(code, pc)) {
      if (target <= pc) loops.set(target, Math.max(loops.get(target) ?? 0, pc + 1));
      else block(target, pc);
    }
  }
  const regions: Region[] = [];
  for (const [start, end] of loops) regions.push({ start, end, loop: true, target: start });
  for (const entry of entries) {
    for (let from = -1; from !== entry;) {
      const next = stepTowards(regions, from, entry);
      if (next > Math.max(from, 0)) block(next, Math.max(from, 0));
      from = next;
    }
  }
  for (const [end, start] of blocks) regions.push({ start, end, loop: false, target: end });
  for (let changed = true; changed;) {
    changed = false;
    for (const a of regions) {
      for (const b of regions) {
        if (!(a.start < b.start && b.start < a.end && a.end < b.end)) continue;
        if (!b.loop) b.start = a.start;
        else if (a.loop) a.end = b.end;
        else throw new Unsupported("a jump into a loop");
        changed = true;
      }
    }
  }
  return regions.sort((a, b) => a.start - b.start || b.end - a.end || (a.loop ? 1 : -1));
}

/**
 * Where control goes next on its way to an entry, from the function's beginning (-1) or a loop's: to the entry, or to
 * the beginning of the next loop around it.
 */
export function stepTowards(regions: readonly Region[], from: number, entry: number): number {
  let next = entry;
  for (const { loop, start, end } of regions) {
    if (loop && from < start && start < entry && entry < end && start < next) next = start;
  }
  return next;
}
