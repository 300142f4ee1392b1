import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Transaction } from "../../../../../src/workflows/providers/sqlite/transaction/transaction.ts";
import { Slots } from "../../../../../src/workflows/providers/sqlite/transaction/slots.ts";

/** As much of a transaction as slots need. */
function transaction(): Transaction {
  return { undo: [] as (() => void)[] } as Transaction;
}

function rollBack(tx: Transaction): void {
  for (const step of tx.undo.reverse()) step();
}

/** Takes a slot, or waits for one: what the journal does with an attempt. */
function begin(slots: Slots, tx: Transaction, token: string): void {
  if (!slots.take(tx, token)) slots.enqueue(tx, token);
}

/** The tokens that would get a slot now, if all that are taken were given back. */
function waiting(slots: Slots, taken: Iterable<string>): string[] {
  const tx = transaction();
  for (const token of taken) slots.release(tx, token);
  const tokens: string[] = [];
  for (let token = slots.next(tx); token !== undefined; token = slots.next(tx)) {
    tokens.push(token);
    slots.release(tx, token);
  }
  rollBack(tx);
  return tokens;
}

test("without a limit every attempt has its slot", () => {
  const slots = new Slots();
  expect([slots.take(transaction(), "a"), slots.take(transaction(), "b")]).toEqual([true, true]);
  expect(slots.next(transaction())).toBeUndefined();
});

test("those who wait come before those who ask later", () => {
  const slots = new Slots(1);
  const tx = transaction();
  for (const token of ["a", "b", "c"]) begin(slots, tx, token);
  slots.release(tx, "a");
  expect(slots.take(tx, "d")).toBe(false);
  expect(slots.next(tx)).toBe("b");
  expect(slots.next(tx)).toBeUndefined();
});

test("never more than allowed, none lost, and a rolled back transaction leaves nothing", () => {
  const step = fc.record({ begin: fc.boolean(), pick: fc.nat(), rolledBack: fc.boolean() });
  fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step), (limit, steps) => {
    const slots = new Slots(limit);
    let taken: string[] = [];
    let queue: string[] = [];
    steps.forEach(({ begin: begins, pick, rolledBack }, i) => {
      const tx = transaction();
      const nextTaken = [...taken];
      const nextQueue = [...queue];
      if (begins) {
        const token = `t${i}`;
        begin(slots, tx, token);
        if (taken.length < limit && queue.length === 0) nextTaken.push(token);
        else nextQueue.push(token);
      } else if (taken.length > 0) {
        const [ended] = nextTaken.splice(pick % taken.length, 1);
        slots.release(tx, ended!);
        for (let token = slots.next(tx); token !== undefined; token = slots.next(tx)) {
          expect(token).toBe(nextQueue.shift()!);
          nextTaken.push(token);
        }
      }
      expect(nextTaken.length).toBeLessThanOrEqual(limit);
      if (rolledBack) rollBack(tx);
      else [taken, queue] = [nextTaken, nextQueue];
      expect(waiting(slots, taken)).toEqual(queue);
    });
  }));
});
