import type { UpdateStage } from "../../../provider.ts";
import type { UpdateRow } from "../store/store.ts";

/** A question that waits until an update has come to a stage. */
export interface Waiter {
  /** Id of the question. */
  id: number;
  stage: UpdateStage;
}

/** Who waits for which update. Waiting is not durable: who asks again waits again. */
export class UpdateWaits {
  readonly #waiters = new Map<string, Map<number, UpdateStage>>();

  add({ chain, updateId }: UpdateRow, { id, stage }: Waiter): void {
    const key = `${chain} ${updateId}`;
    const waiters = this.#waiters.get(key) ?? new Map<number, UpdateStage>();
    this.#waiters.set(key, waiters.set(id, stage));
  }

  /** Those that wait for the stage; all of them when the update is over. */
  of({ chain, updateId }: UpdateRow, reached: UpdateStage): number[] {
    const waiters = [...this.#waiters.get(`${chain} ${updateId}`) ?? []];
    return waiters.filter(([, stage]) => reached === "completed" || stage === reached)
      .map(([id]) => id);
  }

  delete({ chain, updateId }: UpdateRow, id: number): void {
    const key = `${chain} ${updateId}`;
    const waiters = this.#waiters.get(key);
    waiters?.delete(id);
    if (waiters?.size === 0) this.#waiters.delete(key);
  }
}
