import type { Heap } from "../heap.ts";
import { compileFunction, LONGEST } from "./function.ts";
import { CALLED_TYPES, COMPILED_TYPE, type Iterators } from "./frame.ts";
import type { Intrinsic } from "./intrinsics.ts";
import { codeSize, isKernelProto, readProto, setCompiledIndex } from "./proto.ts";
import { Unsupported } from "./regions.ts";
import { sharedFunctions } from "./shared.ts";
import { assemble } from "./wasm.ts";

/** What the compiler needs of a VM. */
export interface CompilerVm {
  readonly heap: Heap;
  /** What the Lua wasm exports, see `transform/compiled_imports.ts`. */
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
  /** Address of the main lua_State. */
  readonly main: number;
  readonly iterators: Iterators;
  /** Of the intrinsics in the function table. */
  readonly intrinsics: Readonly<Record<Intrinsic, number>>;
}

/** What was compiled. */
export interface CompilerFigures {
  /** Functions that have compiled code now, and those that were found not to be compiled. */
  readonly functions: number;
  readonly refused: number;
  /** Bytes of WebAssembly of the modules that they are in. */
  readonly bytes: number;
  /** Milliseconds that compiling has taken in all. */
  readonly milliseconds: number;
  /** How often all compiled code was dropped because it had become too much. */
  readonly drops: number;
}

/** Functions that were compiled together: their module stays as long as one of them does. */
interface Module {
  readonly bytes: number;
  functions: number;
}

/** The index of compiled code has 16 bits. */
const MOST_INDEX = 0xffff;

/**
 * Compiles Lua functions of one VM to WebAssembly, and has the Lua wasm run that instead. To be used between turns.
 *
 * A compiled function behaves as the interpreted one, and burns the same fuel; see docs/contributing/compiler.md.
 */
export class Compiler {
  readonly #vm: CompilerVm;
  readonly #limit: number;
  readonly #imports: Record<string, WebAssembly.ExportValue>;
  readonly #table: WebAssembly.Table;
  readonly #freed: WebAssembly.Global;
  #seenFreed: number;
  /** By Proto: the index of its code; without a module: it cannot be compiled. */
  readonly #done = new Map<number, { index: number; module?: Module }>();
  readonly #free: number[] = [];
  #bytes = 0;
  #milliseconds = 0;
  #drops = 0;

  /** @param limit bytes of WebAssembly with which it starts afresh, 2 MiB unless given */
  constructor(vm: CompilerVm, limit = 2 * 1024 * 1024) {
    this.#vm = vm;
    this.#limit = limit;
    const { exports } = vm;
    this.#table = exports.__indirect_function_table as WebAssembly.Table;
    this.#imports = {
      memory: exports.memory!,
      table: this.#table,
      fuel: exports["compiled:fuel"]!,
      toil: exports["compiled:toil"]!,
    };
    this.#freed = exports["compiled:freed_protos"] as WebAssembly.Global;
    this.#seenFreed = this.#freed.value as number;
  }

  get figures(): CompilerFigures {
    const compiled = [...this.#done.values()].filter(({ index }) => index > 0).length;
    return {
      functions: compiled,
      refused: this.#done.size - compiled,
      bytes: this.#bytes,
      milliseconds: this.#milliseconds,
      drops: this.#drops,
    };
  }

  /** Compiles functions by the addresses of their Protos; those of the kernel are left out. */
  compile(protos: readonly number[]): void {
    const begun = performance.now();
    this.sweep();
    if (this.#bytes >= this.#limit) this.#drop();
    this.#compile(protos);
    this.#milliseconds += performance.now() - begun;
  }

  /**
   * Drops all compiled code. Nothing says which of it still runs; what is hot is compiled again soon. What is suspended
   * goes on in the interpreter.
   */
  #drop(): void {
    this.#drops += 1;
    for (const [address, { index }] of this.#done) {
      if (index === 0) continue;
      setCompiledIndex(this.#vm.heap, address, 0);
      this.#table.set(index, null);
      this.#forget(address);
    }
  }

  /** A function has no compiled code any more. */
  #forget(address: number): void {
    const { index, module } = this.#done.get(address)!;
    this.#done.delete(address);
    if (module === undefined) return;
    this.#free.push(index);
    module.functions -= 1;
    if (module.functions === 0) this.#bytes -= module.bytes;
  }

  #compile(protos: readonly number[]): void {
    const { heap, iterators } = this.#vm;
    const compiled: { address: number; body: Uint8Array }[] = [];
    let bytes = this.#bytes;
    for (const address of new Set(protos)) {
      if (this.#done.has(address) || isKernelProto(heap, address)) continue;
      if (bytes >= this.#limit) break;
      try {
        if (codeSize(heap, address) > LONGEST) throw new Unsupported("too long");
        const body = compileFunction(readProto(heap, address), iterators);
        compiled.push({ address, body });
        bytes += body.length;
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        this.#done.set(address, { index: 0 });
      }
    }
    if (compiled.length === 0) return;
    const code = assemble(
      COMPILED_TYPE,
      CALLED_TYPES,
      sharedFunctions(this.#vm.intrinsics),
      compiled.map(({ body }) => body),
    );
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), {
      lua: this.#imports as never,
    });
    const module: Module = { bytes: code.length, functions: 0 };
    compiled.forEach(({ address }, i) => {
      const index = this.#free.pop() ?? (this.#table.length > MOST_INDEX ? 0 : this.#table.grow(1));
      if (index === 0) {
        this.#done.set(address, { index });
        return;
      }
      this.#table.set(index, exports[`f${i}`] as never);
      setCompiledIndex(heap, address, index);
      this.#done.set(address, { index, module });
      module.functions += 1;
    });
    if (module.functions > 0) this.#bytes += module.bytes;
  }

  /** Whether functions were freed since it was asked last: then addresses that were known may be those of others. */
  sweep(): boolean {
    if (this.#freed.value === this.#seenFreed) return false;
    this.#seenFreed = this.#freed.value as number;
    for (const [address, { index }] of this.#done) {
      if (index === 0 || this.#table.get(index) === null) this.#forget(address);
    }
    return true;
  }
}
