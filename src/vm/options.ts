import type { LuaExports, LuaState } from "./exports.ts";
import type { MemoryImage } from "./heap.ts";
import type { MarshalLimits } from "./read.ts";
import type { LuaRef, LuaValue, MultiReturn } from "./value.ts";

/** What a VM's memory may grow to; Lua counts bytes with 31 bits. */
export const MOST_MEMORY = 2 ** 31;

/** How functions are compiled to WebAssembly. */
export interface Jit {
  /** Bytes of WebAssembly that are kept, 2 MiB unless given; beyond it everything is compiled anew when it is hot. */
  readonly most?: number;
  /** The compiler is loaded when the VM has run for some milliseconds, not when it is made. */
  readonly late?: boolean;
  /** For tests: each function in the turn after it was loaded, hot or not. */
  readonly all?: boolean;
  /** For tests, with `all`: only every other function, by chance; an integer that repeats the choice. */
  readonly seed?: number;
}

/**
 * What the environment variable WIPPY_JIT says for tests: `off`, `all` or `random:SEED`, where SEED is an integer;
 * undefined when it is not set.
 *
 * @throws TypeError where it says something else.
 */
export function jitOfEnvironment(): Jit | false | undefined {
  const mode = process.env["WIPPY_JIT"];
  if (mode === undefined || mode === "") return undefined;
  if (mode === "off") return false;
  if (mode === "all") return { all: true, most: Infinity };
  const [, seed] = /^random:(\d{1,9})$/.exec(mode) ?? [];
  if (seed !== undefined) return { all: true, most: Infinity, seed: Number(seed) };
  throw new TypeError(`WIPPY_JIT is ${JSON.stringify(mode)}, not off, all or random:SEED`);
}

/** How to make a VM. */
export interface VmOptions {
  /** From `loadLuaModule`. */
  readonly module: WebAssembly.Module;
  /** Most bytes of memory that the VM may take, 512 MiB unless given and never more than 2 GiB. Beyond it Lua code
   * meets "not enough memory". */
  readonly memoryLimit?: number;
  /** Milliseconds since the epoch, with a fraction: what `host.now` counts. Lua's own `os` stands at 0. */
  readonly clock: () => number;
  /** Takes what Lua writes to its standard output and standard error; else it is dropped. */
  readonly write?: (text: string) => void;
  /** Called now and then by C code that loops for long, from within: it may not touch Lua. */
  readonly toiling?: () => void;
  /** Whether and how `Vm.beginTurn` compiles functions to WebAssembly, unless WIPPY_JIT says it; not by default. */
  readonly jit?: Jit | boolean;
  /** Bounds of each value that crosses. */
  readonly limits?: Partial<MarshalLimits>;
  /** A VM with the same module that was made and loaded before: this one goes on from there. */
  readonly image?: VmImage;
  /** The VM is made to become an image, which then need not overwrite all of another's memory. */
  readonly imaging?: boolean;
}

/**
 * The state of a VM as plain data. A VM made from it has all that was loaded, and its references; the
 * host functions must be registered again, in the same order.
 */
export interface VmImage extends MemoryImage {
  /** Address of the main thread, to see that the new VM is laid out alike. */
  readonly main: number;
  readonly messageHandler: number;
  readonly hostFunctions: readonly string[];
}

/** A host function; several results are a `MultiReturn`. A WippyError that it throws is raised. */
export type HostFunction = (...args: LuaValue[]) => LuaValue | MultiReturn | void;

/**
 * A host function on Lua's own stack: reads its arguments there, pushes its results and answers
 * how many they are. It may throw a WippyError, which Lua code sees raised.
 */
export type RawHostFunction = (L: LuaState, lua: LuaExports) => number;

/** How Lua's Error objects are made and known. */
export interface ErrorType {
  /** Metatable of Error objects. */
  readonly metatable: LuaRef;
  /** Lua function (kind, message, retryable, details, stack) -> Error object. */
  readonly construct: LuaRef;
}
