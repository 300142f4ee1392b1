import { WippyError } from "../vm/error.ts";

/** Whoever waits for a change of something. */
export class Changes<Subject> {
  readonly #listeners = new Map<Subject, Set<() => void>>();

  /** It has changed. */
  tell(subject: Subject): void {
    const listeners = this.#listeners.get(subject);
    this.#listeners.delete(subject);
    for (const listener of listeners ?? []) listener();
  }

  /** Resolves at the next change. @throws WippyError Canceled after an abort */
  async next(subject: Subject, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(resolve));
    const abort = () =>
      reject(new WippyError("Canceled", "operation canceled", { retryable: false }));
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      listeners.delete(resolve);
    }
  }
}
