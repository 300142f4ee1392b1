import type { Jit } from "../options.ts";
import type { LuaRef, LuaValue } from "../value.ts";
import type { CompilerFigures, CompilerVm } from "./compiler.ts";
import type { HotFunctions } from "./hot.ts";

/** Samples after which the compiler is worth its loading: some ten milliseconds of Lua. Most scripts end before. */
const WORTHWHILE = 100;

/** A VM, and what the compiler needs of it. */
export interface CompiledVm extends Omit<CompilerVm, "iterators" | "intrinsics"> {
  readonly lua: {
    load(source: string, chunkName: string): LuaRef[];
    call(ref: LuaRef): LuaValue[];
  };
}

/** Has the hot functions of a VM compiled, with a compiler that is loaded once the VM has run for long enough. */
export class LateCompiler {
  readonly #vm: CompiledVm;
  readonly #jit: Jit;
  readonly #samples: WebAssembly.Global;
  #hot: HotFunctions | undefined;
  #loading = false;
  #listener: ((figures: CompilerFigures) => void) | undefined;

  private constructor(vm: CompiledVm, jit: Jit) {
    this.#vm = vm;
    this.#jit = jit;
    this.#samples = vm.exports["compiled:samples"] as WebAssembly.Global;
  }

  /** Makes it for a VM; the compiler is loaded at once unless `jit.late`. */
  static async of(vm: CompiledVm, jit: Jit): Promise<LateCompiler> {
    const late = new LateCompiler(vm, jit);
    if (!jit.late) await late.#load();
    return late;
  }

  /** The compiler; undefined until it is loaded. */
  get hot(): HotFunctions | undefined {
    return this.#hot;
  }

  /** Has a function told what is compiled, whenever that has changed. */
  onCompiled(listener: (figures: CompilerFigures) => void): void {
    this.#listener = listener;
    this.#hot?.onCompiled(listener);
  }

  /** Between turns: compiles what is hot. */
  compile(): void {
    if (this.#hot) return this.#hot.compile();
    if (this.#loading || this.#samples.value as number < WORTHWHILE) return;
    // It fails when the VM has ended meanwhile or has no memory left: then everything runs as before.
    this.#load().catch(() => {});
  }

  async #load(): Promise<void> {
    this.#loading = true;
    const { HotFunctions, functionsOf } = await import("./hot.ts");
    const { lua, ...parts } = this.#vm;
    this.#hot = new HotFunctions({ ...parts, ...functionsOf(lua) }, this.#jit);
    if (this.#listener) this.#hot.onCompiled(this.#listener);
  }
}
