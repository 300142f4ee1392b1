/**
 * The end of something long-lived, such as a connection, for which many short waits look out. `Promise.race` with one
 * promise that stays open would keep the outcome of every wait until that promise settles.
 *
 * @example
 * ```ts
 * const lost = new Interruption();
 * socket.on("error", (error) => lost.interrupt(error));
 * const answer = await lost.race(socket.ask(question));
 * ```
 */
export class Interruption {
  readonly #waits = new Set<(reason: unknown) => void>();
  #reason: { reason: unknown } | undefined;

  /** Rejects all waits, and those to come, with a reason; only the first one counts. */
  interrupt(reason: unknown): void {
    if (this.#reason) return;
    this.#reason = { reason };
    for (const reject of this.#waits) reject(reason);
    this.#waits.clear();
  }

  /** The outcome of `work`, unless the interruption comes first: it rejects with its reason. */
  race<Result>(work: Promise<Result>): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    if (this.#reason) reject(this.#reason.reason);
    else this.#waits.add(reject);
    work.then((result) => {
      this.#waits.delete(reject);
      resolve(result);
    }, (error) => {
      this.#waits.delete(reject);
      reject(error);
    });
    return promise;
  }
}
