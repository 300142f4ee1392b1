/** Open calls by the signal that calls them off: the units of a worker have few signals, and ask much with each. */
export class CallsBySignal<Call> {
  readonly #calls = new WeakMap<AbortSignal, Set<Call>>();
  readonly #aborted: (call: Call) => void;

  /** @param aborted is told of each open call of a signal that is aborted */
  constructor(aborted: (call: Call) => void) {
    this.#aborted = aborted;
  }

  add(signal: AbortSignal, call: Call): void {
    const present = this.#calls.get(signal);
    if (present) {
      present.add(call);
      return;
    }
    const calls = new Set([call]);
    this.#calls.set(signal, calls);
    signal.addEventListener("abort", () => {
      for (const each of calls) this.#aborted(each);
    }, { once: true });
  }

  /** The call has ended. */
  delete(signal: AbortSignal, call: Call): void {
    this.#calls.get(signal)?.delete(call);
  }
}
