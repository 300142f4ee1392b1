import { readFileSync, readlinkSync } from "node:fs";
import { machine } from "./machine.ts";
import { stateOf } from "./task-state.ts";

/** The number that Linux gives the thread that calls; 0 on other systems. */
export function currentThread(): number {
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return 0;
  }
}

/** Whether a thread of this process is runnable, and the milliseconds for which it has run, on Linux. */
function sample(thread: number): { runnable: boolean; ran: number } {
  const folder = `/proc/self/task/${thread}`;
  const runnable = stateOf(folder) === "R";
  const [ran] = readFileSync(`${folder}/schedstat`, "latin1").split(" ");
  return { runnable, ran: Number(ran) / 1e6 };
}

/** Tells a thread that does nothing from one that gets no processor. */
export class ThreadRun {
  readonly #thread: number;
  #since = machine.precise();
  #ran: number | undefined;

  /** @param thread what `currentThread` was in it */
  constructor(thread: number) {
    this.#thread = thread;
    this.#ran = this.#sample()?.ran;
  }

  #sample() {
    if (this.#thread === 0) return undefined;
    try {
      return sample(this.#thread);
    } catch {
      // It has ended, or this system does not say.
      return undefined;
    }
  }

  /**
   * The part of the time since the last call, from 0 to 1, that the thread had for itself: less than 1 only of a thread
   * that would run but waits for a processor.
   */
  share(): number {
    const now = machine.precise();
    const passed = now - this.#since;
    const [before, after] = [this.#ran, this.#sample()];
    this.#since = now;
    this.#ran = after?.ran;
    if (before === undefined || !after?.runnable || passed <= 0) return 1;
    return Math.min(1, (after.ran - before) / passed);
  }
}
