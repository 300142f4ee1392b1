import { expect, test } from "bun:test";
import { mostSeries } from "../../../src/observe/series.ts";
import { Measures, type Sample } from "../../../src/observe/measures.ts";

function taken(...samples: (Pick<Sample, "kind" | "name"> & Partial<Sample>)[]) {
  const measures = new Measures();
  measures.take(samples.map((sample) => ({ value: 1, labels: {}, ...sample })), 0);
  const shown = [...measures.all].flatMap(({ name, type, series }) =>
    [...series.values()].map(({ labels, value }) => [name, type, labels, value])
  );
  return { shown, dropped: measures.dropped };
}

test("counters add, gauges are set and changed, each by its labels", () => {
  const { shown, dropped } = taken(
    { kind: "counter", name: "c" },
    { kind: "counter", name: "c", value: 2.5 },
    { kind: "counter", name: "c", labels: { b: "1", a: "2" } },
    { kind: "counter", name: "c", labels: { a: "2", b: "1" } },
    { kind: "gauge", name: "g", value: 5 },
    { kind: "change", name: "g", value: -1 },
    { kind: "change", name: "other", value: -1 },
  );
  expect(shown).toEqual([
    ["c", "counter", {}, 3.5],
    ["c", "counter", { a: "2", b: "1" }, 2],
    ["g", "gauge", {}, 4],
    ["other", "gauge", {}, -1],
  ]);
  expect(dropped).toBe(0);
});

test("what is of no use is dropped and counted", () => {
  const { shown, dropped } = taken(
    { kind: "counter", name: "c" },
    { kind: "counter", name: "c", value: -1 },
    { kind: "counter", name: "c", value: NaN },
    { kind: "counter", name: "c", value: Infinity },
    { kind: "gauge", name: "c", value: 7 },
    { kind: "histogram", name: "h", value: NaN },
    { kind: "gauge", name: "" },
  );
  expect(shown).toEqual([["c", "counter", {}, 1]]);
  expect(dropped).toBe(6);
});

test("names become those that Prometheus has", () => {
  const { shown } = taken(
    { kind: "counter", name: "orders.created" },
    { kind: "counter", name: "orders_created", labels: { "a-b": "x" } },
    { kind: "gauge", name: "2xx" },
    { kind: "histogram", name: "h", labels: { le: "5" } },
  );
  expect(shown.map(([name, , labels]) => [name, labels])).toEqual([
    ["orders_created", {}],
    ["orders_created", { a_b: "x" }],
    ["_2xx", {}],
    ["h", { exported_le: "5" }],
  ]);
});

test("series are limited in number", () => {
  const measures = new Measures();
  const sample = (id: number): Sample => ({
    kind: "counter",
    name: "c",
    value: 1,
    labels: { id: String(id) },
  });
  measures.take(Array.from({ length: mostSeries + 5 }, (_, id) => sample(id)), 3);
  measures.take([sample(0)], 0);
  const [counter] = [...measures.all];
  expect(counter!.series.size).toBe(mostSeries);
  expect(counter!.series.get('{"id":"0"}')!.value).toBe(2);
  expect(measures.dropped).toBe(8);
});
