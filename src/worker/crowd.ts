import type { Platform } from "../platform/platform.ts";
import { Simulation } from "../platform/simulation.ts";
import { ThreadTime } from "../platform/thread-time.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** Live units on one worker at which another worker is started. */
const many = 32;

/** Microseconds of waiting computation on one worker at which another worker is started. */
const waiting = 20_000;

/** Milliseconds over which is looked at how busy a worker is. */
const interval = 1_000;

/**
 * Whether a worker has so much to do that another is worth its thread. Units stay where they live, so many of them are
 * enough. Runs of workflows go on wherever there is time, so many of those are enough only when this thread has none.
 */
export class Crowd {
  readonly #memory: Pick<SharedMemory, "crowds" | "index">;
  readonly #busy: () => boolean;

  constructor(memory: Pick<SharedMemory, "crowds" | "index">, platform: Platform) {
    this.#memory = memory;
    const time = new ThreadTime(interval);
    // The time of a simulation is none of its own.
    this.#busy = platform instanceof Simulation ? () => true : () => time.busy;
  }

  /**
   * Notes what is there, for the node.
   *
   * @param units that live here, with the runs
   * @param backlog microseconds of computation that are runnable, about
   * @returns whether there are too many from now on
   */
  forms(units: number, runs: number, backlog: number): boolean {
    const { crowds, index } = this.#memory;
    const are = backlog >= waiting ||
      units >= many && (units - runs >= many || this.#busy());
    return Atomics.exchange(crowds, index, are ? 1 : 0) === 0 && are;
  }
}
