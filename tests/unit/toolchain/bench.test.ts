import { expect, test } from "bun:test";
import { type Figure, figureOf, readable, tableOf } from "../../../scripts/bench.ts";

const spawn: Figure = {
  figure: "kernel.spawn",
  value: 228000,
  unit: "1/s",
  better: "higher",
  n: 200000,
  peer: "erlang 25",
  peer_value: 580000,
  ratio: 0.393,
  target: 0.5,
  meets: false,
};
const alone: Figure = {
  ...spawn,
  figure: "binary.start",
  value: 41.2345,
  unit: "ms",
  peer: null,
  peer_value: null,
  ratio: null,
  target: null,
  meets: null,
};

test("figureOf reads a figure and passes over other lines", () => {
  expect(figureOf(JSON.stringify(spawn))).toEqual(spawn);
  for (const line of ["", "spawn: 3 runs", "{broken", '{"other":1}', "[1]"]) {
    expect(figureOf(line)).toBeUndefined();
  }
});

test("readable keeps four digits and groups thousands", () => {
  expect([228000.4, 41.2345, 0.21349, 7].map(readable)).toEqual([
    "228,000",
    "41.23",
    "0.2135",
    "7",
  ]);
});

test("tableOf lines the columns up, with gaps where there is no peer", () => {
  expect(tableOf([spawn, alone]).split("\n")).toEqual([
    "| figure       |   value | unit | peer      | peer's value | ratio | target | met |",
    "| ------------ | ------: | ---- | --------- | -----------: | ----: | -----: | --- |",
    "| kernel.spawn | 228,000 | 1/s  | erlang 25 |      580,000 |  0.39 |    0.5 | no  |",
    "| binary.start |   41.23 | ms   |           |              |       |        |     |",
  ]);
});
