/**
 * Chooses the worker for a new unit, from the load that all workers publish in shared memory.
 * @module
 */
import type { Platform } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** Surplus of live units that a worker may have if it starts few: they take memory, but no time. */
const evenLoad = 8;

/** The same if it starts many, which stay together until this worker's memory is short. */
const evenCrowd = 16_384;

/** Part of its memory that a worker has in use when it is short. */
const short = 0.25;

/** Most units that a worker starts in two turns while it counts as starting few. */
const few = 8;

/** Microseconds of expected work at which a unit is placed individually. */
const heavy = 1000;

/** Microseconds of work up to which a unit is no load: a message to another worker takes longer. */
const light = 20;

/** Microseconds that a worker may be behind another before such units, and lighter ones, are placed elsewhere. */
const behindIfHeavy = 1500;
const behind = 10_000;

/** Most units of a block, and light units that stay before the load is checked again. */
const block = 512;
const stay = 64;

/** Places the units that one worker starts. */
export class Placement {
  readonly #memory: Pick<SharedMemory, "index" | "loads" | "backlogs">;
  readonly #platform: Platform;
  readonly #heap: () => { used: number; limit: number };

  /** @param heap bytes of this worker's Lua memory */
  constructor(
    memory: Pick<SharedMemory, "index" | "loads" | "backlogs">,
    platform: Platform,
    heap: () => { used: number; limit: number },
  ) {
    this.#memory = memory;
    this.#platform = platform;
    this.#heap = heap;
  }

  /**
   * Returns the worker for a new unit, and for how many units the choice holds. Their expected work counts immediately,
   * until the worker publishes its load at the end of its next turn.
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
    if (cost > light) Atomics.add(backlogs, worker, count * cost);
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
    if (more > Math.max(evenCrowd, least / 4) && this.#isShort()) return [emptiest, block];
    return [index, cost >= heavy ? 1 : stay];
  }

  #isShort(): boolean {
    const { used, limit } = this.#heap();
    return used > limit * short;
  }

  /** Returns the running worker with the lowest value; this one among equals. */
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
