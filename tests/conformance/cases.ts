import { test } from "bun:test";
import { format } from "node:util";
import type { PlaceKind } from "./place.ts";

type Run<Row extends readonly unknown[]> = (...row: [...Row]) => void | Promise<void>;

/** Registers tests, but for those that a kind of place is an exception from. */
interface Cases {
  (name: string, run: () => void | Promise<void>, timeout?: number): void;
  each<Row extends readonly [unknown, ...unknown[]]>(
    rows: readonly Row[],
  ): (name: string, run: Run<Row>) => void;
  each<Item>(
    rows: readonly Item[],
  ): (name: string, run: (item: Item) => void | Promise<void>) => void;
}

/**
 * Returns `test` for a kind of place.
 *
 * @example
 * ```ts
 * describe.each(places)("$name", (kind) => {
 *   const test = casesOf(kind);
 *   test("a cancelled timer does not fire", async () => { … });
 * });
 * ```
 */
export function casesOf({ exceptions = {}, timeout: usual }: PlaceKind): Cases {
  const one = (name: string, run: () => void | Promise<void>, timeout = usual) => {
    if (!(name in exceptions)) test(name, run, timeout);
  };
  const each = (rows: readonly unknown[]) => (name: string, run: Run<unknown[]>) => {
    if (name in exceptions) return;
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      const wanted = name.match(/%s/g)?.length ?? 0;
      one(format(name, ...values.slice(0, wanted)), () => run(...values));
    }
  };
  return Object.assign(one, { each });
}
