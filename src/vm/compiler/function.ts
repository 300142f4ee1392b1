import { CALL_INFO, CI, CODE, DEPTH, Frame, FUNC, type Iterators } from "./frame.ts";
import { emit, NOT_COMPILED } from "./instructions.ts";
import type { Opcode } from "./opcodes.ts";
import type { Proto } from "./proto.ts";
import { findEntries, findRegions, type Region, stepTowards, Unsupported } from "./regions.ts";
import { inferTypes } from "./types.ts";

/** Instructions of the longest function that is compiled: regions are found in quadratic time. */
export const LONGEST = 2_000;

/**
 * Compiles a function to the body of a WebAssembly function, see `transform/compiled_calls.ts`.
 *
 * @param mark is told at which byte of its code each instruction begins
 * @throws Unsupported when it is left to the interpreter
 */
export function compileFunction(
  proto: Proto,
  iterators: Iterators,
  mark?: (pc: number, at: number) => void,
): Uint8Array {
  const { code } = proto;
  if (code.length > LONGEST) throw new Unsupported(`more than ${LONGEST} instructions`);
  // What a syntax error leaves behind has no end.
  if (!/^RETURN[01]?$/.test(code.at(-1)?.op ?? "")) {
    throw new Unsupported("no end, after an error of the syntax");
  }
  const refused = code.find(({ op }) => NOT_COMPILED.has(op));
  if (refused !== undefined) throw new Unsupported(NOT_COMPILED.get(refused.op)!);
  const types = inferTypes(proto);
  const entries = findEntries(code);
  for (const pc of entries) if (types[pc] === undefined) entries.delete(pc);
  const regions = findRegions(code, entries);
  const f = new Frame(proto, iterators);
  begin(f);
  const dispatch = new Dispatch(f, regions, entries);
  let opened = 0;
  for (let pc = 0; pc < code.length; pc++) {
    while (f.innermost?.end === pc) f.end();
    mark?.(pc, f.size);
    // Ahead of what opens at 0, but for blocks, out of which entries are jumped to.
    let loop: Region | undefined;
    for (let region = regions[opened]; region?.start === pc; region = regions[++opened]) {
      if (region.loop) {
        if (pc === 0) dispatch.from(-1, code.length);
        f.loop(region);
        loop = region;
      } else f.block(region);
    }
    if (pc === 0 && loop === undefined) dispatch.from(-1, code.length);
    if (loop !== undefined) dispatch.from(pc, loop.end);
    if (entries.has(pc) && loop === undefined) f.i32(0).set(f.entry);
    const known = types[pc];
    if (known === undefined) f.do("unreachable");
    else {
      f.known = [...known];
      emit(f, pc);
    }
  }
  while (f.depth > 0) f.end();
  return f.do("unreachable").finish();
}

/** Opcodes that use the closure which runs. */
const OF_CLOSURE: ReadonlySet<Opcode> = new Set<Opcode>([
  "GETUPVAL",
  "SETUPVAL",
  "GETTABUP",
  "SETTABUP",
  "CLOSURE",
  "VARARGPREP",
]);

/** Burns for a call; or reads all registers, where the function goes on at its savedpc. */
function begin(f: Frame): void {
  const { codeAddress, parameters, registers } = f.proto;
  f.get(CI).i32(0).store("i32", CALL_INFO.trap);
  f.get(FUNC).i32(16).do("i32.add").set(f.base);
  if (f.proto.code.some(({ op }) => OF_CLOSURE.has(op))) f.get(FUNC).load("i32", 0).set(f.closure);
  f.get(DEPTH).i32(0).do("i32.lt_s").if();
  f.get(DEPTH).i32(-1).do("i32.xor").set(DEPTH);
  f.get(CI).load("i32", CALL_INFO.savedpc).i32(codeAddress).do("i32.sub").i32(2).do("i32.shr_u");
  f.set(f.entry).reload(0, registers).else();
  f.burn(0).reload(0, parameters).end();
}

/** How code is entered in its middle: from the beginning, and from each loop's, to the next loop around the entry. */
class Dispatch {
  constructor(
    readonly f: Frame,
    readonly regions: readonly Region[],
    readonly entries: ReadonlySet<number>,
  ) {}

  /** At the beginning (-1), or at a loop's that lasts up to `end`: goes on to the wanted entry within. */
  from(from: number, end: number): void {
    const { entries, f } = this;
    const here = [...entries].filter((entry) => entry > from && entry < end);
    if (from >= 0 && here.length === 0) {
      if (entries.has(from)) f.i32(0).set(f.entry);
      return;
    }
    f.get(f.entry).if();
    const stay = f.block();
    const missing = f.block();
    if (here.length === 0) f.branch(missing);
    else {
      const low = Math.min(...here);
      const table = Array.from({ length: Math.max(...here) - low + 1 }, (_, i) => {
        if (!entries.has(low + i)) return missing;
        const next = stepTowards(this.regions, from, low + i);
        return next === 0 ? stay : f.find((region) => region.target === next);
      });
      f.get(f.entry).i32(low).do("i32.sub").branchTable(table, missing);
    }
    f.end();
    // At a loop's beginning, this is the entry.
    if (from < 0) f.answer(CODE.notHere);
    else f.i32(0).set(f.entry);
    f.end().end();
  }
}
