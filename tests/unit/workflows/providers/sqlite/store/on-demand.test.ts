import { expect, test } from "bun:test";
import { onDemand } from "../../../../../../src/workflows/providers/sqlite/store/on-demand.ts";

test("a field is made when it is first read, and once", () => {
  const made: string[] = [];
  const make = (name: string) => () => (made.push(name), { name });
  const fields = onDemand({ one: make("one"), other: make("other") });
  expect(made).toEqual([]);
  expect(fields.one).toBe(fields.one);
  expect([fields.one.name, made]).toEqual(["one", ["one"]]);
});

test("a field that cannot be made is tried again", () => {
  let tries = 0;
  const fields = onDemand({
    one: () => {
      if (++tries === 1) throw new Error("no such table");
      return tries;
    },
  });
  expect(() => fields.one).toThrow("no such table");
  expect(fields.one).toBe(2);
});
