import type { LuaExports } from "./exports.ts";
import { Heap } from "./heap.ts";
import { BREAK, DATA_END, STATIC_END } from "./layout.ts";

/** What the wasm is given by its host. */
export interface WasmHost {
  /** Most bytes that the wasm's memory may have. */
  readonly memoryLimit: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly clock: () => number;
  /** Takes what Lua writes to its standard output and standard error. */
  readonly write: (text: string) => void;
  /** Called now and then by C code that loops for long, from within: it may not touch Lua. */
  readonly toiling: () => void;
  /** Whether the memory is to be that of an image, and so need not be cleared before. */
  readonly imaged: boolean;
  /** Runs host function `index`; answers the number of results on the stack of L, -1: an error. */
  readonly hostCall: (L: number, index: number) => number;
}

/** An instance of the Lua wasm. */
export interface Instance {
  readonly lua: LuaExports;
  readonly heap: Heap;
  /** All that the wasm exports. */
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
  /** Most bytes that the wasm's memory may have, or go on to have: what has grown does not shrink. */
  memoryLimit: number;
  /** Index in the function table of one of the transform's own functions. */
  readonly functionIndex: (name: string) => number;
  /** Names of the functions that the transform added to the table. */
  readonly functionNames: readonly string[];
  /**
   * Lets another VM have the instance, made what a new one is. To be called when no code runs in it, nor ever will for
   * this VM, and its function table is as it was.
   */
  readonly giveBack: () => void;
}

/** An instance that was given back. */
interface Spare {
  readonly instance: Instance;
  /** Makes it new, for another host. */
  readonly renew: (host: WasmHost) => void;
}

/** Instances that wait for a VM, at most. */
const mostSpare = 4;
const spares = new WeakMap<WebAssembly.Module, Spare[]>();

/** Loaded when Lua asks for a date: most programs never do. */
const calendar = () => require("./calendar.ts") as typeof import("./calendar.ts");

/** Host of an instance that waits: nothing of it runs. */
const nobody: WasmHost = {
  memoryLimit: 0,
  clock: () => 0,
  imaged: false,
  write: () => {},
  toiling: () => {},
  hostCall: () => -1,
};

const PAGE = 65_536;
/** Bytes that the memory has when it first grows, and that it may have for another VM to get the instance. */
const GROWN = 16 * 2 ** 20;
/** Bytes of the stack of C code that making a Lua state may take: far more than it does. */
const STACK_OF_MAKING = 65_536;
const ERRNO = { badFile: 8, noSystemCall: 52, notPermitted: 63 } as const;

/**
 * Instantiates the wasm by hand, without wasmoon's JavaScript: that gives the raw exports, which
 * are what is fast; a memory ceiling that Lua meets as "not enough memory"; a start in one
 * millisecond; and no functions added to the table at run time. There is no file system, no
 * process and no time zone behind it: those calls are refused, and local time is UTC.
 *
 * An instance that a closed VM gave back is taken first: to make it new takes a fraction of a millisecond, to
 * instantiate takes many, as the engine prepares every function anew.
 */
export async function instantiate(
  module: WebAssembly.Module,
  host: WasmHost,
): Promise<Instance> {
  const spare = spares.get(module)?.pop();
  if (spare) {
    spare.renew(host);
    return spare.instance;
  }
  let served = host;
  let decoders = [new TextDecoder(), new TextDecoder()];

  const refuse = () => -ERRNO.noSystemCall;
  const environment = {
    abort: () => {
      throw new WebAssembly.RuntimeError("Lua aborted: an error outside of any protected call");
    },
    host_call: (L: number, index: number) => served.hostCall(L, index),
    now: () => served.clock(),
    toiling: () => served.toiling(),
    // Lua seeds its string hashes and chooses pivots of `table.sort` by the time. Replayed workflows need the same
    // order of keys, and of values that compare as equal, in every VM.
    emscripten_date_now: () => 0,
    _emscripten_get_now_is_monotonic: () => 0,
    emscripten_resize_heap: (requested: number) => {
      const bytes = requested >>> 0;
      const { memoryLimit } = instance;
      const current = heap.memory.buffer.byteLength;
      if (bytes > memoryLimit) return 0;
      // A fifth more than asked for, so that growth does not come in small steps.
      const wanted = Math.min(memoryLimit, Math.max(bytes, current * 1.2, GROWN));
      try {
        heap.memory.grow(Math.ceil((Math.max(wanted, bytes) - current) / PAGE));
      } catch {
        return 0; // the machine has no more: Lua meets that as it meets the limit
      }
      heap.refresh();
      return 1;
    },
    system: () => 0,
    exit: (status: number) => {
      throw new WebAssembly.RuntimeError(`Lua called exit(${status})`);
    },
    strftime: (to: number, size: number, layout: number, tm: number) => {
      const text = Buffer.from(calendar().formatTime(heap, heap.cString(layout), tm));
      if (text.length >= size) return 0;
      heap.u8.set(text, to);
      heap.u8[to + text.length] = 0;
      return text.length;
    },
    _mktime_js: (tm: number) => BigInt(calendar().makeTime(heap, tm)),
    _localtime_js: (time: bigint, tm: number) => calendar().writeTm(heap, Number(time), tm),
    _gmtime_js: (time: bigint, tm: number) => calendar().writeTm(heap, Number(time), tm),
    _tzset_js: (_zone: number, _daylight: number, _names: number) => {},
    __syscall_openat: () => -ERRNO.notPermitted,
    __syscall_fcntl64: refuse,
    __syscall_ioctl: refuse,
    __syscall_dup3: refuse,
    __syscall_unlinkat: () => -ERRNO.notPermitted,
    __syscall_rmdir: () => -ERRNO.notPermitted,
    __syscall_renameat: () => -ERRNO.notPermitted,
    __syscall_readlinkat: () => -ERRNO.notPermitted,
  };

  const wasi = {
    fd_write: (file: number, parts: number, count: number, written: number) => {
      const decoder = decoders[file - 1];
      if (decoder === undefined) return ERRNO.badFile;
      let text = "";
      let bytes = 0;
      for (let part = parts >> 2; part < (parts >> 2) + count * 2; part += 2) {
        const start = heap.u32[part]!;
        const length = heap.u32[part + 1]!;
        text += decoder.decode(heap.u8.subarray(start, start + length), { stream: true });
        bytes += length;
      }
      if (text !== "") served.write(text);
      heap.u32[written >> 2] = bytes;
      return 0;
    },
    fd_read: (_file: number, _parts: number, _count: number, read: number) => {
      heap.u32[read >> 2] = 0;
      return 0;
    },
    fd_close: () => 0,
    fd_seek: () => ERRNO.noSystemCall,
    environ_sizes_get: (count: number, size: number) => {
      heap.u32[count >> 2] = 0;
      heap.u32[size >> 2] = 0;
      return 0;
    },
    environ_get: () => 0,
  };

  const { exports } = await WebAssembly.instantiate(module, {
    env: environment,
    wasi_snapshot_preview1: wasi,
  });
  const lua = exports as unknown as LuaExports;
  const heap = new Heap(lua.memory);
  const data = heap.u8.slice(0, DATA_END);
  const begin = () => {
    lua.emscripten_stack_init();
    lua.__wasm_call_ctors();
  };
  begin();
  // The heap begins where the stack does, which grows downward.
  const stack = heap.u32[BREAK >> 2]!;

  const indices = new Map<string, number>();
  for (const [name, value] of Object.entries(exports)) {
    if (name.startsWith("index:") && value instanceof WebAssembly.Global) {
      indices.set(name.slice("index:".length), value.value as number);
    }
  }
  const renew = (next: WasmHost) => {
    served = next;
    instance.memoryLimit = next.memoryLimit;
    decoders = [new TextDecoder(), new TextDecoder()];
    const end = heap.u32[BREAK >> 2]!;
    heap.u8.fill(0, DATA_END, next.imaged ? STATIC_END : end);
    // What an image restores is cleared then, but C code reads of its stack before it has written there.
    if (next.imaged) heap.u8.fill(0, Math.max(STATIC_END, stack - STACK_OF_MAKING), stack);
    heap.dirty = next.imaged ? end : 0;
    if (!next.imaged || lua.reserve_was_spent() !== 0) heap.clean = [];
    heap.u8.set(data);
    lua.reset_globals();
    begin();
  };
  const instance: Instance = {
    lua,
    heap,
    exports,
    memoryLimit: host.memoryLimit,
    functionIndex: (name) => {
      const index = indices.get(name);
      if (index === undefined) throw new Error(`the Lua wasm has no function ${name}`);
      return index;
    },
    functionNames: [...indices.keys()],
    giveBack: () => {
      served = nobody;
      instance.memoryLimit = 0;
      // What has grown cannot shrink.
      if (heap.memory.buffer.byteLength > GROWN) return;
      const waiting = spares.get(module) ?? [];
      spares.set(module, waiting);
      if (waiting.length < mostSpare) waiting.push({ instance, renew });
    },
  };
  return instance;
}
