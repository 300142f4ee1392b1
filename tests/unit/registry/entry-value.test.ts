import { expect, test } from "bun:test";
import { entryValue } from "../../../src/registry/entry-value.ts";

test("integers of more than 64 bits are the nearest floats, at any depth", () => {
  const entry = {
    id: "a:b",
    kind: "registry.entry",
    meta: { n: 2n ** 63n, m: 2n ** 63n - 1n },
    data: { list: [1, { x: -(2n ** 63n) - 1n }], text: "t", none: null, y: -(2n ** 63n), nan: NaN },
  };
  expect(entryValue(entry)).toEqual({
    id: "a:b",
    kind: "registry.entry",
    meta: { n: 2 ** 63, m: 2n ** 63n - 1n },
    data: { list: [1, { x: -(2 ** 63) }], text: "t", none: null, y: -(2n ** 63n), nan: NaN },
  });
  expect(entry.meta.n).toBe(2n ** 63n);
});

test("other data is the same object", () => {
  const data = { list: [1, { x: 2n ** 60n }], nan: NaN };
  expect((entryValue({ id: "a:b", kind: "k", meta: {}, data }) as { data: unknown }).data).toBe(
    data,
  );
});
