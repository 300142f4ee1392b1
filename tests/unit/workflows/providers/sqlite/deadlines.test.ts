import { expect, test } from "bun:test";
import fc from "fast-check";
import { Deadlines } from "../../../../../src/workflows/providers/sqlite/transaction/deadlines.ts";

const deadline = { kind: "task", run: 1, lease: 1 } as const;

test("deadlines behave like a sorted list under any sequence of changes", () => {
  const change = fc.record({
    key: fc.integer({ min: 0, max: 12 }).map(String),
    due: fc.option(fc.integer({ min: 0, max: 50 })),
  });
  fc.assert(fc.property(fc.array(change, { maxLength: 80 }), fc.nat(50), (changes, now) => {
    const deadlines = new Deadlines();
    const model = new Map<string | number, number>();
    for (const { key, due } of changes) {
      if (due === null) {
        deadlines.delete(key);
        model.delete(key);
      } else {
        deadlines.set(key, due, deadline);
        model.set(key, due);
      }
      expect(deadlines.next()).toBe(model.size ? Math.min(...model.values()) : undefined);
    }
    const due = deadlines.dueAt(now).map(({ key }) => [key, model.get(key)!] as const);
    expect(due.map(([, at]) => at)).toEqual(due.map(([, at]) => at).sort((a, b) => a - b));
    const expected = [...model].filter(([, at]) => at <= now).map(([key]) => key);
    expect(due.map(([key]) => key).sort()).toEqual(expected.sort());
  }));
});
