import type { Transaction } from "../transaction/transaction.ts";

/** Runs removed in one transaction, so that callers never wait long. */
const batch = 50;

/**
 * Removes runs that were closed longer than `retention` milliseconds ago, each with its whole
 * history.
 *
 * @returns whether there may be more.
 */
export function removeOld(tx: Transaction, retention: number): boolean {
  const old = tx.store.closedBefore(tx.now - retention, batch);
  for (const { run } of old) tx.runs.delete(run);
  return old.length === batch;
}
