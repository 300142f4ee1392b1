/**
 * Which worker a new unit is started on: from what all workers know of each other in shared memory.
 * @module
 */
import type { Platform } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** Units alive on one worker from which on another worker is worth its thread. */
export const crowded = 32;

/** Microseconds of work that waits on one worker, from which on another is worth its thread. */
export const busy = 20_000;

/** Units that a worker may have more than another, where it starts few: they cost memory, if no time. */
const evenLoad = 8;

/** The same where it starts many, which stay together. */
const evenCrowd = 16_384;

/** Units that a worker starts in two turns at most while it counts as one that starts few. */
const few = 8;

/** Microseconds of a unit's work from which on it is placed by itself. */
const heavy = 1000;

/** Microseconds that a worker may be behind another: for such units, and for lighter ones. */
const behindIfHeavy = 1500;
const behind = 10_000;

/** Units of a block at most, and how many light ones stay before the load is looked at again. */
const block = 512;
const stay = 64;

/** Places the units that one worker starts. */
export class Placement {
  readonly #memory: SharedMemory;
  readonly #platform: Platform;

  constructor(memory: SharedMemory, platform: Platform) {
    this.#memory = memory;
    this.#platform = platform;
  }

  /**
   * The worker for a new unit, and for how many it is to hold. What they are expected to take is counted at once, until
   * the worker's next turn says how it is.
   *
   * @param cost microseconds that a unit is expected to take
   * @param recent units that this worker has started lately
   */
  place(cost: number, recent: number): [worker: number, count: number] {
    const { loads, backlogs } = this.#memory;
    const [worker, count] = this.#platform instanceof Simulation
      ? [this.#chosen(this.#platform), 1]
      : this.#choose(cost, recent);
    Atomics.add(loads, worker, count);
    Atomics.add(backlogs, worker, count * cost);
    return [worker, count];
  }

  /** In a simulation the seed chooses. */
  #chosen(simulation: Simulation): number {
    const { index, loads } = this.#memory;
    const running = [...loads.keys()].filter((i) => Atomics.load(loads, i) >= 0);
    return running[simulation.choose(running.length)] ?? index;
  }

  #choose(cost: number, recent: number): [worker: number, count: number] {
    const { index, loads, backlogs } = this.#memory;
    const idlest = this.#least(backlogs);
    const ahead = Atomics.load(backlogs, index) - Atomics.load(backlogs, idlest);
    if (ahead > (cost >= heavy ? behindIfHeavy : behind)) {
      return [idlest, Math.min(Math.max(1, Math.floor(ahead / 2 / cost)), block)];
    }
    const emptiest = this.#least(loads);
    const least = Atomics.load(loads, emptiest);
    const more = Atomics.load(loads, index) - least;
    if (recent <= few && more > Math.max(evenLoad, least / 4)) return [emptiest, 1];
    if (more > Math.max(evenCrowd, least / 4)) return [emptiest, block];
    return [index, cost >= heavy ? 1 : stay];
  }

  /** The running worker with the least; this one among equals. */
  #least(values: Int32Array): number {
    const { index, loads } = this.#memory;
    let best = index;
    for (let i = 0; i < loads.length; i++) {
      if (Atomics.load(loads, i) >= 0 && Atomics.load(values, i) < Atomics.load(values, best)) {
        best = i;
      }
    }
    return best;
  }
}
