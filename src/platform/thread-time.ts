import { machine } from "./machine.ts";

/** Part of the time from which on a thread counts as busy. */
const much = 0.6;

/** How much of the processor this thread takes. */
export class ThreadTime {
  readonly #interval: number;
  #since = machine.precise();
  #used = used();
  #busy = false;

  /** @param interval milliseconds for which a measurement holds, and over which the next one is made at least */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Whether it was at work for most of the last interval. */
  get busy(): boolean {
    const now = machine.precise();
    const passed = now - this.#since;
    if (passed < this.#interval) return this.#busy;
    const total = used();
    this.#busy = total - this.#used > much * passed;
    this.#since = now;
    this.#used = total;
    return this.#busy;
  }
}

/** Milliseconds of processor time that this thread has taken. */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
