import { Liveness, livenessMemory } from "../worker/liveness.ts";
import { pulseMemory } from "../worker/pulse.ts";
import { compiledWords, type SharedMemory as WorkerMemory } from "../worker/shared-memory.ts";

/** The memory that all workers of a node share with it. */
export class SharedMemory {
  /** Units alive on each worker, by index, as of its last turn; below 0 where none runs. */
  readonly loads: Int32Array;
  /** Microseconds of computation that are runnable on each worker, by index, as of its last turn. */
  readonly backlogs: Int32Array;
  /** Whether each worker has so much to do that another is worth its thread, by index: 1 or 0. */
  readonly crowds: Int32Array;
  /** Which units live on which worker. */
  readonly liveness: SharedArrayBuffer;
  /** The heartbeats. */
  readonly pulses: SharedArrayBuffer;
  /** Of each host with limits, the processes on each worker. */
  readonly populations: Int32Array;
  /** What each worker has compiled. */
  readonly compiled: Int32Array;
  readonly #workers: number;

  constructor(workers: number, limitedHosts: number) {
    this.#workers = workers;
    this.loads = new Int32Array(new SharedArrayBuffer(workers * 4)).fill(-1);
    this.backlogs = new Int32Array(new SharedArrayBuffer(workers * 4));
    this.crowds = new Int32Array(new SharedArrayBuffer(workers * 4));
    this.compiled = new Int32Array(new SharedArrayBuffer(workers * compiledWords * 4));
    this.liveness = livenessMemory(workers);
    this.pulses = pulseMemory(workers);
    this.populations = new Int32Array(
      new SharedArrayBuffer(Math.max(1, limitedHosts) * workers * 4),
    );
  }

  /** What is handed to each worker. */
  get all(): Omit<WorkerMemory, "index"> & { pulses: SharedArrayBuffer } {
    const { loads, backlogs, crowds, liveness, pulses, populations, compiled } = this;
    return { loads, backlogs, crowds, liveness, pulses, populations, compiled };
  }

  /** A worker runs, with no unit unless it has said otherwise. */
  started(index: number): void {
    Atomics.compareExchange(this.loads, index, -1, 0);
  }

  /** Whether a worker has so much to do that another is worth its thread. */
  isBusy(index: number): boolean {
    return this.crowds[index] === 1;
  }

  /** A worker is gone with all its units. */
  died(index: number): void {
    Atomics.store(this.loads, index, -1);
    Atomics.store(this.backlogs, index, 0);
    Atomics.store(this.crowds, index, 0);
    this.compiled.fill(0, index * compiledWords, (index + 1) * compiledWords);
    new Liveness(this.liveness, index).reset(0, []);
    for (let at = index; at < this.populations.length; at += this.#workers) {
      Atomics.store(this.populations, at, 0);
    }
  }
}
