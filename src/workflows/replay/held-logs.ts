/**
 * What the code of runs logs while it is ahead of their provider: it is written when the provider has what the code
 * was shown, and dropped when that does not come to pass.
 */
export class HeldLogs<Item> {
  /** PIDs of the runs whose code is ahead at this moment. */
  readonly #ahead = new Map<string, Item[]>();
  /** By run id: what waits for the provider. */
  readonly #waiting = new Map<string, Item[]>();

  /** The code of a run is being shown what its provider does not have. */
  begin(pid: string): void {
    this.#ahead.set(pid, []);
  }

  /** Takes a record of a unit whose logs are held. @returns false when they are not */
  take(pid: string, record: Item): boolean {
    const records = this.#ahead.get(pid);
    records?.push(record);
    return records !== undefined;
  }

  /**
   * The code has come to rest, and what it logged waits, or is dropped unless it is to be kept.
   *
   * @returns whether anything waits
   */
  end(pid: string, runId: string, keep: boolean): boolean {
    const records = this.#ahead.get(pid) ?? [];
    this.#ahead.delete(pid);
    if (records.length === 0 || !keep) return false;
    this.#waiting.set(runId, [...this.#waiting.get(runId) ?? [], ...records]);
    return true;
  }

  /** Returns what waited for a run's provider, which has it now. */
  settled(runId: string): Item[] {
    const records = this.#waiting.get(runId) ?? [];
    this.#waiting.delete(runId);
    return records;
  }

  /** What the code of a run was shown has not come to pass. */
  drop(runId: string): void {
    this.#waiting.delete(runId);
  }
}
