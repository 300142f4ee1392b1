import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";

/** Who may use what only one can use at a time, in the order of asking. */
export class Turns {
  readonly #platform: Pick<Platform, "setTimer" | "precise">;
  readonly #waiting: (() => void)[] = [];
  #taken = false;
  /** Calls that had to wait, and for how many milliseconds in all. */
  waits = 0;
  waited = 0;

  constructor(platform: Pick<Platform, "setTimer" | "precise">) {
    this.#platform = platform;
  }

  get taken(): boolean {
    return this.#taken;
  }

  /**
   * Waits for the turn.
   *
   * @param timeout milliseconds
   * @param late what a call gets that waited for so long
   * @returns ends the turn
   * @throws WippyError `late`; Canceled after an abort
   */
  async take(timeout: number, late: () => WippyError, signal?: AbortSignal): Promise<() => void> {
    if (this.#taken) await this.#wait(timeout, late, signal);
    this.#taken = true;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#taken = false;
    };
  }

  async #wait(timeout: number, late: () => WippyError, signal?: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const next = () => turn.resolve();
    const leave = (error: WippyError) => {
      const at = this.#waiting.indexOf(next);
      if (at < 0) return;
      this.#waiting.splice(at, 1);
      turn.reject(error);
    };
    const abort = () => leave(new WippyError("Canceled", "canceled", { retryable: false }));
    this.#waiting.push(next);
    const begun = this.#platform.precise();
    const stop = this.#platform.setTimer(timeout, () => leave(late()));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    try {
      await turn.promise;
    } finally {
      stop();
      signal?.removeEventListener("abort", abort);
      this.waits += 1;
      this.waited += this.#platform.precise() - begun;
    }
  }
}
