import type { Jit } from "../options.ts";
import { SAMPLES } from "../transform/compiled_samples.ts";
import type { LuaRef, LuaValue } from "../value.ts";
import type { FunctionListing } from "./listing.ts";
import { Compiler, type CompilerFigures, type CompilerVm } from "./compiler.ts";
import { indicesOf, INTRINSICS } from "./intrinsics.ts";
import { allProtos } from "./proto.ts";

/** Samples in which a function must have been found: each stands for some tenth of a millisecond. */
const HOT = 2;
/** Functions that are compiled together, a millisecond or two. */
const BATCH = 8;
/** Functions that are counted; beyond it the counts begin anew. */
const COUNTED = 1_000;

/**
 * Where a VM has the C functions that compiled code knows: Lua's `next` and what `ipairs` answers, and the intrinsics.
 * All are light C functions, which are their indices in the function table.
 */
export function functionsOf(
  vm: { load(source: string, chunkName: string): LuaRef[]; call(ref: LuaRef): LuaValue[] },
): Pick<CompilerVm, "iterators" | "intrinsics"> {
  const all = ["next", "(ipairs {})", ...Object.values(INTRINSICS)].map((each) => `at(${each})`)
    .join(", ");
  // The references keep the chunk: what is freed has samples forgotten.
  const [, addresses] = vm.load(
    `local function at(value) return ("%p"):format(value) end
    return host.getinfo(1, "f").func, function() return ${all} end`,
    "=here",
  );
  const [next = NaN, ipairs = NaN, ...rest] = vm.call(addresses!).map(Number);
  if (![next, ipairs, ...rest].every((each) => each > 0)) {
    throw new Error("functions have no addresses");
  }
  return { iterators: { next, ipairs }, intrinsics: indicesOf(rest) };
}

/** Whether a function is among the half that a seed chooses; its address is the same whenever its program runs. */
function isChosen(proto: number, seed: number): boolean {
  return (Math.imul(Math.imul(proto, 0x9e37_79b1) ^ seed, 0x85eb_ca6b) >>> 16 & 1) === 1;
}

/** Compiles the functions of a VM that are found running often enough. */
export class HotFunctions {
  readonly #vm: CompilerVm;
  readonly #compiler: Compiler;
  readonly #samples: WebAssembly.Global;
  readonly #all: boolean;
  readonly #choose: (proto: number) => boolean;
  #listener: ((figures: CompilerFigures) => void) | undefined;
  #seen: number;
  readonly #made: WebAssembly.Global;
  #seenMade = -1;
  readonly #counts = new Map<number, number>();

  constructor(vm: CompilerVm, { most, all = false, seed }: Jit = {}) {
    this.#vm = vm;
    this.#all = all;
    this.#choose = seed === undefined ? () => true : (proto) => isChosen(proto, seed);
    this.#compiler = new Compiler(vm, most);
    this.#samples = vm.exports["compiled:samples"] as WebAssembly.Global;
    this.#seen = this.#samples.value as number;
    this.#made = vm.exports["compiled:made_protos"] as WebAssembly.Global;
  }

  /** Has a function told what is compiled, whenever that has changed. */
  onCompiled(listener: (figures: CompilerFigures) => void): void {
    this.#listener = listener;
  }

  get figures(): CompilerFigures {
    return this.#compiler.figures;
  }

  /** Counts the samples since it was called last, and compiles what is hot; between turns. */
  compile(): void {
    if (this.#all) return this.#compileNew();
    const taken = this.#samples.value as number;
    if (taken === this.#seen) return;
    const { heap } = this.#vm;
    // Samples from before a collection may be of functions that it has freed.
    if (this.#compiler.sweep()) this.#counts.clear();
    else {
      for (let i = Math.max(this.#seen, taken - SAMPLES.count); i < taken; i++) {
        const proto = heap.u32[(SAMPLES.address >> 2) + i % SAMPLES.count]!;
        this.#counts.set(proto, (this.#counts.get(proto) ?? 0) + 1);
      }
    }
    this.#seen = taken;
    const hot = [...this.#counts].filter(([, count]) => count >= HOT).slice(0, BATCH)
      .map(([proto]) => proto);
    for (const proto of hot) this.#counts.delete(proto);
    if (hot.length > 0) {
      this.#compiler.compile(hot);
      this.#listener?.(this.figures);
    }
    if (this.#counts.size > COUNTED) this.#counts.clear();
  }

  /** What the functions of a chunk become, for people; the name is in Lua's form. */
  async list(chunk: string): Promise<FunctionListing[]> {
    const { listFunctions } = await import("./listing.ts");
    return listFunctions(this.#vm, chunk);
  }

  #compileNew(): void {
    const made = this.#made.value as number;
    if (made === this.#seenMade) return;
    this.#seenMade = made;
    this.compileAll();
  }

  /** For tests: compiles all functions that there are, or those that are chosen. */
  compileAll(choose = this.#choose): void {
    this.#compiler.compile(allProtos(this.#vm.heap, this.#vm.main).filter(choose));
    this.#listener?.(this.figures);
  }
}
