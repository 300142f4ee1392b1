import { WippyError } from "./error.ts";
import { type LuaExports, type LuaState, REGISTRY, STATUS } from "./exports.ts";
import type { Heap } from "./heap.ts";
import { type Instance, instantiate } from "./instantiate.ts";
import type { ErrorType, HostFunction, RawHostFunction, VmImage, VmOptions } from "./options.ts";
import { jitOfEnvironment, MOST_MEMORY } from "./options.ts";
import { Packer } from "./packing.ts";
import { Parcels } from "./parcels.ts";
import { peekText } from "./peek.ts";
import { prelude } from "./prelude.ts";
import { type Pushable, Pusher } from "./push.ts";
import { DEFAULT_LIMITS, type MarshalLimits, Reader } from "./read.ts";
import { LateCompiler } from "./compiler/late.ts";
import { positionOf, raisedError, type RaisedFailure } from "./raised.ts";
import { closedTrap, isTrap, trapOf, VmTrap } from "./trap.ts";
import { LuaRef, type LuaValue, MultiReturn, type PackedList } from "./value.ts";
export { VmTrap } from "./trap.ts";
export { LuaFloat, LuaRef, type LuaValue, MultiReturn, Packed, PackedList } from "./value.ts";

const DEFAULT_MEMORY_LIMIT = 512 * 1024 * 1024;

/** Bytes up to which a heap may grow to three times what is alive, where the limit is not near. */
const SMALL_HEAP = 12 * 1024 * 1024;
/** Host functions that every VM has: a protected JavaScript function, and the message handler. */
const [ENTER, HANDLE_MESSAGE] = [0, 1];
/** Levels of the stack that are searched for a Lua function when an error has no position. */
const POSITION_LEVELS = 10;

/**
 * A Lua VM: PUC Lua 5.4 with the product's transform, and the crossings to and from JavaScript.
 *
 * Lua code finds the host functions and the natives of the transform in the global table `host`:
 *
 * - `host.resume(co, ...)` -> status, values...: runs a unit for at most one slice of fuel. 0: it
 *   returned the values; 1: it yielded them; 2: it parked; 3: its fuel is spent; -1: it raised
 *   the value (its stack is kept for a traceback); 5: it stands before a line at which a debugger stops it.
 * - `host.park()` stops the unit, through every coroutine of its own, up to `host.resume`; answers
 *   what the next `host.resume` passes.
 * - `host.pause()` gives the other units their turn, where that is possible. Chunks named "=lua/…" are preempted only
 *   there.
 * - `host.slice(n)` sets the fuel of each following `host.resume`; `host.fuel()` is what the last
 *   one left, `host.burnt(co)` what a coroutine burnt since it was asked last. One loop, jump or call
 *   burns one.
 * - `host.call_unyieldable(f, ...)` is `pcall`, inside of which nothing can stop; `host.delegate(f)` is a C function
 *   that calls `f`: a tail call of it keeps its caller's frame.
 * - `host.close(co)` is `coroutine.close`, for parked coroutines too.
 * - `host.type(v)` is `type(v)`, but "userdata" for a table whose metatable holds true at 1 ("type": "type") and
 *   was given to `host.mark`, which answers it.
 * - `host.watch_lines(co, on)`, `host.mark_lines(fn, lines)` and `host.settle(co, on)` are for debuggers, see
 *   `transform/breakpoints.ts`; `host.mark_raises(fn)`, see `transform/raises.ts`.
 * - `host.split_lines(text, at, list)` cuts whole lines off a text, see `transform/lines.ts`; more: natives.
 * - `host.now()` is the clock in nanoseconds; `host.memory()` the bytes in use; `host.where([co,] level)` the position
 *   "chunk:LINE" of the function at that level, or nil; `traceback` and `getinfo` are those of `debug`.
 */
export class Vm {
  readonly parcels: Parcels;
  readonly packer: Packer;
  readonly #lua: LuaExports;
  readonly #heap: Heap;
  readonly #reader: Reader;
  readonly #pusher: Pusher;
  readonly #functions: ((L: LuaState) => number)[];
  readonly #main: LuaState;
  readonly #hostFunctionIndex: number;
  /** The thread that runs now: host functions may call back into the VM. */
  #running: LuaState;
  /** What ENTER is to run, and what it threw. */
  #body: ((L: LuaState) => void) | undefined;
  #thrown: { readonly error: unknown } | undefined;
  #failure: RaisedFailure | undefined;
  #messageHandler: LuaRef | undefined;
  #dead: VmTrap | undefined;
  /** Address of the table of `peek`, 0 while there is none. */
  #watched = 0;
  /** Names of the registered host functions, and those that an image has already. */
  readonly #names: string[] = [];
  #expected: readonly string[] = [];
  readonly #instance: Instance;
  #compiling: LateCompiler | undefined;
  /** Where the memory of this VM was not zero when it was new. */
  #fresh: readonly number[] | undefined;

  private constructor(
    instance: Instance,
    limits: MarshalLimits,
    functions: ((L: LuaState) => number)[],
  ) {
    this.#instance = instance;
    this.#lua = instance.lua;
    this.#heap = instance.heap;
    this.#functions = functions;
    this.#reader = new Reader(instance.heap, limits);
    this.#pusher = new Pusher(instance.lua, instance.heap, limits);
    this.packer = new Packer(instance.lua, instance.heap, this.#reader, this.#pusher.scratch);
    this.parcels = new Parcels(instance.lua, instance.heap, this.#reader);
    this.#hostFunctionIndex = instance.functionIndex("host_function");
    this.#main = this.#lua.luaL_newstate();
    this.#running = this.#main;
    // The main thread's extra space, which coroutines inherit: not held (suspension.ts).
    this.#heap.u32[(this.#main - 4) >> 2] = 0;
  }

  /** Makes a VM with Lua's standard libraries, for trusted code. */
  static async create(options: VmOptions): Promise<Vm> {
    const memoryLimit = Math.min(options.memoryLimit ?? DEFAULT_MEMORY_LIMIT, MOST_MEMORY);
    const functions: ((L: LuaState) => number)[] = [];
    let made = false;
    const instance = await instantiate(options.module, {
      memoryLimit,
      imaged: options.image !== undefined,
      // While it is made the clock stands still, so that every VM is laid out alike.
      clock: () => made ? options.clock() : 0,
      write: options.write ?? (() => {}),
      toiling: options.toiling ?? (() => {}),
      hostCall: (L, index) => vm.#hostCall(L, index),
    });
    const vm = new Vm(instance, { ...DEFAULT_LIMITS, ...options.limits }, functions);
    made = true;
    if (options.imaging) vm.#fresh = (await import("./imaging.ts")).partsOf(vm.#heap);
    if (options.image) vm.#restore(options.image);
    else vm.#open(instance);
    // An image is to have no garbage that a collection would not have left.
    if (!options.imaging) instance.lua.wait_longer_below(Math.min(SMALL_HEAP, memoryLimit / 4));
    const jit = jitOfEnvironment() ?? options.jit;
    if (jit) {
      const parts = { heap: vm.#heap, exports: instance.exports, main: vm.#main, lua: vm };
      vm.#compiling = await LateCompiler.of(parts, jit === true ? {} : jit);
    }
    return vm;
  }

  /** Makes an image small, see `scrubFree`. */
  async scrub(): Promise<void> {
    (await import("./imaging.ts")).scrubFree(this.#lua, this.#heap);
  }

  /** Takes the place of `#open`: everything that it makes, and what was loaded since, is in the image. */
  #restore(image: VmImage): void {
    if (image.main !== this.#main) throw new Error("the image is of another Lua wasm");
    this.#heap.restore(image);
    this.#functions[ENTER] = () => this.#enter();
    this.#functions[HANDLE_MESSAGE] = (L) => this.#handleMessage(L);
    this.#messageHandler = new LuaRef(image.messageHandler);
    this.#expected = image.hostFunctions;
  }

  /** The state of this VM, while nothing runs in it; to be made after a full collection. */
  async image(): Promise<VmImage> {
    const { imageOf } = await import("./imaging.ts");
    // What is kept back lies in the image, where it need not be cleared for each VM that is made from it.
    this.#lua.keep_memory_reserve();
    return {
      ...imageOf(this.#heap, this.#fresh),
      main: this.#main,
      messageHandler: this.#messageHandler!.id,
      hostFunctions: this.#names,
    };
  }

  #open(instance: Instance): void {
    const lua = this.#lua;
    this.#functions[ENTER] = () => this.#enter();
    this.#functions[HANDLE_MESSAGE] = (L) => this.#handleMessage(L);
    this.#protected((L) => {
      lua.luaL_openlibs(L);
      lua.lua_createtable(L, 0, 32);
      for (const name of instance.functionNames) {
        if (!name.startsWith("host_") || name === "host_function") continue;
        const luaName = name === "host_clock_now" ? "now" : name.slice("host_".length);
        this.#pusher.push(L, luaName);
        lua.lua_pushcclosure(L, instance.functionIndex(name), 0);
        lua.lua_rawset(L, -3);
      }
      this.#setGlobal(L, "host");
      this.#pushHostFunction(L, HANDLE_MESSAGE);
      this.#messageHandler = new LuaRef(lua.luaL_ref(L, REGISTRY));
    });
    this.load(prelude, "=vm");
  }

  /**
   * Makes `host.<name>` in Lua call a JavaScript function with marshalled values. Raised in Lua:
   * a WippyError that it throws, and anything else as an error of kind Internal.
   */
  register(name: string, fn: HostFunction): void {
    this.registerRaw(name, (L) => {
      const reader = this.#reader;
      const count = reader.top(L);
      const args = new Array<LuaValue>(count);
      for (let i = 0; i < count; i++) args[i] = reader.read(L, i + 1);
      const result = fn(...args);
      if (result instanceof MultiReturn) {
        this.#pusher.pushAll(L, result.values);
        return result.values.length;
      }
      if (result === undefined) return 0;
      this.#pusher.push(L, result);
      return 1;
    });
  }

  /** Makes `host.<name>` in Lua call a JavaScript function that works on Lua's stack itself. */
  registerRaw(name: string, fn: RawHostFunction): void {
    const lua = this.#lua;
    const index = this.#functions.length;
    this.#functions.push((L) => fn(L, lua));
    const expected = this.#expected[this.#names.length];
    this.#names.push(name);
    if (expected === name) return;
    if (expected !== undefined) {
      throw new Error(`host.${name} is registered in place of ${expected}`);
    }
    this.#protected((L) => {
      this.#getGlobal(L, "host");
      this.#pusher.push(L, name);
      this.#pushHostFunction(L, index);
      lua.lua_rawset(L, -3);
    });
  }

  /** Tells how Error objects are made and known; until then a WippyError is raised as a string. */
  setErrorType(type: ErrorType): void {
    this.#pusher.errorConstructor = type.construct;
    this.#protected((L) => {
      this.#pusher.push(L, type.metatable);
      this.#reader.errorMetatable = this.#lua.lua_topointer(L, -1);
    });
  }

  /** The value at `index` (from 1) of a raw host function's arguments; `withMetatables` as in `Reader.read`. */
  read(L: LuaState, index: number, withMetatables = false): LuaValue {
    return this.#reader.read(L, index, withMetatables);
  }

  /** The bytes of a string at `index` of a raw host function's arguments, good until it returns; else none. */
  bytes(L: LuaState, index: number): Uint8Array {
    return this.#reader.bytes(L, index);
  }

  /** Whether there is a string at `index` of a raw host function's arguments. */
  isString(L: LuaState, index: number): boolean {
    return this.#reader.isString(L, index);
  }

  /** Bytes that lie in the VM at an address, good until something is allocated in it. */
  view(address: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#heap.u8.subarray(address, address + length) as Uint8Array<ArrayBuffer>;
  }

  /** Number of arguments of a raw host function. */
  top(L: LuaState): number {
    return this.#reader.top(L);
  }

  /** The value at `index` of a raw host function's arguments, packed: what `pack(vm.read(L, index, true))` returns. */
  pack(L: LuaState, index: number): Uint8Array {
    return this.packer.value(L, index);
  }

  /** All arguments of a raw host function from `first` on, as one packed list: see `PackedList`. */
  packList(L: LuaState, first: number): Uint8Array {
    return this.packer.list(L, first);
  }

  /** Pushes a result of a raw host function. */
  push(L: LuaState, value: Pushable): void {
    this.#pusher.push(L, value);
  }

  /**
   * Compiles and runs a trusted chunk with arguments. Returns its results as references. Throws a WippyError for a
   * syntax error and for what it raises. `chunkName` is in Lua's form: "=app:thing" is shown as app:thing.
   */
  load(source: string, chunkName: string, ...args: Pushable[]): LuaRef[] {
    return this.#protected((L) => {
      const syntax = this.#loadChunk(L, source, chunkName);
      if (syntax !== undefined) {
        throw new WippyError("Invalid", syntax, { retryable: false, position: positionOf(syntax) });
      }
      const count = this.#run(L, args);
      const refs: LuaRef[] = [];
      // luaL_ref takes the topmost value.
      for (let i = 0; i < count; i++) refs.unshift(new LuaRef(this.#lua.luaL_ref(L, REGISTRY)));
      return refs;
    });
  }

  /**
   * Calls a function. Metatables of its results are noted (`metatableOf`). Throws a WippyError for what it raises, with
   * traceback and position; VmTrap when the VM died.
   */
  call(ref: LuaRef, ...args: (Pushable | PackedList)[]): LuaValue[] {
    return this.#protected((L) => {
      this.#lua.get_index(L, REGISTRY, ref.id);
      const count = this.#run(L, args);
      const first = this.#reader.top(L) - count;
      const results = new Array<LuaValue>(count);
      for (let i = 0; i < count; i++) results[i] = this.#reader.read(L, first + i + 1, true);
      return results;
    });
  }

  /** Checks the syntax of a chunk without running it; undefined when it is sound. */
  compile(source: string, chunkName: string): { line: number; message: string } | undefined {
    const error = this.#protected((L) => this.#loadChunk(L, source, chunkName));
    if (error === undefined) return undefined;
    const found = /:(\d+): ([^]*)$/.exec(error);
    return { line: Number(found?.[1] ?? 0), message: found?.[2] ?? error };
  }

  /** Bytes that Lua has in use, and the most that it may have. */
  memory(): { used: number; limit: number } {
    return { used: this.#lua.memory_used(this.#main), limit: this.#instance.memoryLimit };
  }

  /** Sets the most that Lua may have from now on, 2 GiB at most. What it has taken stays. */
  limitMemory(bytes: number): void {
    this.#instance.memoryLimit = Math.min(bytes, MOST_MEMORY);
  }

  /** Has `peek` begin at the table that is the first argument of a raw host function, which has no results. */
  watch(L: LuaState): number {
    this.#watched = this.#lua.lua_topointer(L, 1);
    return 0;
  }

  /** The text at the end of a path of fields from the watched table; may be called from `toiling`. */
  peek(...path: string[]): string | undefined {
    return this.#watched === 0 ? undefined : peekText(this.#heap, this.#watched, ...path);
  }

  /** For the beginning of each turn: keeps memory back for the kernel, if there is enough, and compiles what is hot. */
  beginTurn(): void {
    this.#lua.keep_memory_reserve();
    this.#compiling?.compile();
  }

  /** What compiles to WebAssembly; undefined where that is off. */
  get compiling(): LateCompiler | undefined {
    return this.#compiling;
  }

  /** For tests: lets all allocations of the running unit fail after so many more; -1: none. */
  failAllocations(after: number): void {
    this.#lua.fail_allocations(after);
  }

  /** Ends the VM, whose instance another may have. Nothing may be called afterwards. */
  close(): void {
    if (!this.#dead && !this.#body && !this.#compiling?.hot) this.#instance.giveBack();
    this.#dead ??= closedTrap();
  }

  #setGlobal(L: LuaState, name: string): void {
    this.#pusher.push(L, name);
    const address = this.#nameAddress(L);
    this.#lua.lua_rotate(L, -2, 1); // the name stays below, so that its address is good
    this.#lua.lua_setglobal(L, address);
    this.#lua.lua_settop(L, -2);
  }

  #getGlobal(L: LuaState, name: string): void {
    this.#pusher.push(L, name);
    this.#lua.lua_getglobal(L, this.#nameAddress(L));
  }

  /** Address of the C string that the topmost value, a string, is. */
  #nameAddress(L: LuaState): number {
    return this.#lua.lua_tolstring(L, -1, 0);
  }

  #pushHostFunction(L: LuaState, index: number): void {
    this.#lua.lua_pushlightuserdata(L, index);
    this.#lua.lua_pushcclosure(L, this.#hostFunctionIndex, 1);
  }

  /** Leaves the compiled chunk on the stack, or answers the syntax error. */
  #loadChunk(L: LuaState, source: string, chunkName: string): string | undefined {
    const lua = this.#lua;
    const bytes = Buffer.from(source);
    const name = Buffer.from(`${chunkName}\0`);
    const address = lua.malloc(bytes.length + name.length + 2);
    if (address === 0) throw new WippyError("Unavailable", "not enough memory in the Lua VM");
    try {
      this.#heap.u8.set(bytes, address);
      this.#heap.u8.set(name, address + bytes.length);
      const mode = address + bytes.length + name.length;
      this.#heap.u8[mode] = "t".charCodeAt(0);
      this.#heap.u8[mode + 1] = 0;
      const status = lua.luaL_loadbufferx(
        L,
        address,
        bytes.length,
        address + bytes.length,
        mode,
      );
      if (status === STATUS.ok) return undefined;
      return String(this.#reader.read(L, this.#reader.top(L)));
    } finally {
      lua.free(address);
    }
  }

  /** Calls the function on top of the stack; answers the number of its results. */
  #run(L: LuaState, args: readonly (Pushable | PackedList)[]): number {
    const lua = this.#lua;
    const reader = this.#reader;
    const base = reader.top(L);
    this.#pusher.push(L, this.#messageHandler);
    lua.lua_rotate(L, base, 1);
    this.#pusher.pushAll(L, args);
    const status = lua.lua_pcallk(L, reader.top(L) - base - 1, -1, base, 0, 0);
    if (status !== STATUS.ok) throw this.#toError(status, reader.read(L, base + 1));
    return reader.top(L) - base;
  }

  /** The WippyError of what was raised, with what the message handler saw, which is then done with. */
  #toError(status: number, value: LuaValue): WippyError {
    const seen = this.#failure;
    this.#failure = undefined;
    return raisedError(status, value, seen);
  }

  /** Runs where the error was raised, with the raised value on the stack, which it answers. */
  #handleMessage(L: LuaState): number {
    const lua = this.#lua;
    let where: string | undefined;
    for (let level = 1; level < POSITION_LEVELS && where === undefined; level++) {
      lua.luaL_where(L, level); // "chunk:LINE: ", or "" for a function that is not Lua's
      const text = this.#reader.read(L, this.#reader.top(L));
      if (typeof text === "string" && text !== "") where = text.slice(0, -2);
      lua.lua_settop(L, -2);
    }
    lua.luaL_traceback(L, L, 0, 1);
    const traceback = String(this.#reader.read(L, this.#reader.top(L)));
    lua.lua_settop(L, -2);
    this.#failure = { position: where, traceback };
    return 1;
  }

  /** Runs `body` so that Lua may raise in it; the stack is as before afterwards. */
  #protected<Result>(body: (L: LuaState) => Result): Result {
    if (this.#dead !== undefined) throw this.#dead;
    const lua = this.#lua;
    const L = this.#running;
    const top = this.#reader.top(L);
    const outerBody = this.#body;
    let result: Result | undefined;
    this.#body = (state) => void (result = body(state));
    let status: number;
    try {
      status = lua.protect(L, ENTER);
    } catch (error) {
      throw this.#trap(error);
    } finally {
      this.#body = outerBody;
    }
    const thrown = this.#thrown;
    this.#thrown = undefined;
    if (status !== STATUS.ok) {
      throw this.#toError(status, this.#reader.read(L, this.#reader.top(L)));
    }
    lua.lua_settop(L, top);
    if (thrown !== undefined) throw thrown.error;
    return result as Result;
  }

  #enter(): number {
    const body = this.#body!;
    const L = this.#running;
    try {
      body(L);
    } catch (error) {
      if (error instanceof WebAssembly.Exception || isTrap(error)) throw error;
      this.#thrown = { error };
    }
    return 0;
  }

  /** The import behind every host function: answers the number of results, or -1 for an error. */
  #hostCall(L: LuaState, index: number): number {
    const outer = this.#running;
    this.#running = L;
    try {
      return this.#functions[index]!(L);
    } catch (error) {
      // A Lua error, on its way from a call in here to its handler.
      if (error instanceof WebAssembly.Exception) throw error;
      if (isTrap(error)) throw this.#trap(error);
      this.#pusher.push(L, WippyError.from(error));
      return -1;
    } finally {
      this.#running = outer;
    }
  }

  #trap(error: unknown): VmTrap {
    return error instanceof VmTrap ? error : this.#dead = trapOf(error);
  }
}
