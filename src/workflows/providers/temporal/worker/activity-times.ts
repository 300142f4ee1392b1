/** Milliseconds that a moment's work takes at most. */
const moment = 5;
/** Weight of the latest attempt. */
const weight = 0.25;

/** How long the attempts of activities take, by their types. */
export class ActivityTimes {
  readonly #times = new Map<string, number>();

  /** Whether an attempt is a moment's work, as far as is known; false for the first. */
  isQuick(type: string): boolean {
    return (this.#times.get(type) ?? Infinity) <= moment;
  }

  /**
   * Notes how long an attempt has taken.
   *
   * @param way whether that includes the way to another thread and back, which says more of the machine than of the
   *   activity: it counts only as an upper bound
   */
  note(type: string, took: number, way: boolean): void {
    const known = this.#times.get(type);
    if (known === undefined) this.#times.set(type, took);
    else if (!way) this.#times.set(type, known + weight * (took - known));
    else if (took < known) this.#times.set(type, took);
  }
}
