import type { Vm } from "../vm/vm.ts";
import { Liveness } from "./liveness.ts";

/** What all workers of a runtime share, and which of them this is. */
export interface SharedMemory {
  index: number;
  /** Units alive, by worker; below 0 where none runs. */
  loads: Int32Array;
  /** Microseconds of computation that are runnable, by worker, about. */
  backlogs: Int32Array;
  /** Whether each worker has so much to do that another is worth its thread: 1 or 0. */
  crowds: Int32Array;
  /** Processes of each host with limits, on each worker. */
  populations: Int32Array;
  /** Which units live where. */
  liveness: SharedArrayBuffer;
  /** What each worker has compiled, see {@link CompiledFigures}. */
  compiled: Int32Array;
}

/** What a worker has compiled to WebAssembly. */
export interface CompiledFigures {
  functions: number;
  /** Bytes of WebAssembly. */
  bytes: number;
  /** That compiling has taken in all. */
  milliseconds: number;
  /** How often all of it was dropped because it had become too much. */
  drops: number;
}

/** Numbers of one worker's {@link CompiledFigures}. */
export const compiledWords = 4;

/** Writes what a worker has compiled. */
function writeCompiled(memory: Int32Array, index: number, figures: CompiledFigures): void {
  const { functions, bytes, milliseconds, drops } = figures;
  memory.set([functions, bytes, Math.round(milliseconds), drops], index * compiledWords);
}

/** What a worker has compiled, as of its last turn. */
export function readCompiled(memory: Int32Array, index: number): CompiledFigures {
  const at = index * compiledWords;
  const [functions = 0, bytes = 0, milliseconds = 0, drops = 0] = memory.subarray(
    at,
    at + compiledWords,
  );
  return { functions, bytes, milliseconds, drops };
}

/** The other workers that run. */
export function othersOf({ loads, index }: SharedMemory): number[] {
  return [...loads.keys()].filter((i) => i !== index && Atomics.load(loads, i) >= 0);
}

/** Whole numbers of 64 bits each, in the order of bytes of the VM. */
export function numbersOf(bytes: Uint8Array): number[] {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(
    { length: bytes.length / 8 },
    (_, i) => words.getUint32(i * 8, true) + words.getUint32(i * 8 + 4, true) * 2 ** 32,
  );
}

/**
 * Registers the host functions that look into it, so that no message is needed for them.
 *
 * @returns what it knows of the units of all workers
 */
export function registerSharedMemory(vm: Vm, memory: SharedMemory): Liveness {
  const liveness = new Liveness(memory.liveness, memory.index);
  vm.register("alive", (worker, sequence) => liveness.alive(Number(worker), Number(sequence)));
  vm.register("liveness", (what, highest, address, count) => {
    const view = vm.view(Number(address), Number(count) * 8);
    const numbers = numbersOf(view);
    if (what === "reset") liveness.reset(Number(highest), numbers);
    else liveness.update(Number(highest), numbers);
  });
  const { populations, loads, compiled, index } = memory;
  vm.compiling?.onCompiled((figures) => writeCompiled(compiled, index, figures));
  const workers = loads.length;
  vm.register("admit", (counter, limit) => {
    const first = Number(counter) * workers;
    let live = 0;
    for (let i = 0; i < workers; i++) live += Atomics.load(populations, first + i);
    if (live >= Number(limit)) return false;
    Atomics.add(populations, first + index, 1);
    return true;
  });
  vm.register("leave", (counter) => {
    Atomics.sub(populations, Number(counter) * workers + index, 1);
  });
  return liveness;
}
