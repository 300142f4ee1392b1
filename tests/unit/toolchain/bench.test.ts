import { expect, test } from "bun:test";
import { withoutObservation } from "../../../bench/kernel/measurement/blind.ts";
import { figureOf, readable, tableOf } from "../../../scripts/bench.ts";
import { compareExecutables, compareRounds, reportOf } from "../../../scripts/compare.ts";
import type { Figure } from "../../../scripts/figure.ts";
import { makeVm } from "../vm/make_vm.ts";

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

/** Rounds of a figure with these values of the old and the new executable. */
const roundsOf = (old: number[], other: number[], better: Figure["better"] = "higher") => {
  const figures = (values: number[]) => values.map((value) => ({ ...spawn, better, value }));
  return { old: figures(old), new: figures(other) };
};

test.each<[string, number[], number[], Figure["better"], string]>([
  [
    "a change in every round",
    [100, 90, 110, 100, 95],
    [120, 110, 130, 119, 112],
    "higher",
    "better",
  ],
  ["less of what is better", [100, 90, 110, 100, 95], [80, 70, 90, 79, 72], "higher", "worse"],
  ["less of what is worse", [100, 90, 110, 100, 95], [80, 70, 90, 79, 72], "lower", "better"],
  ["hardly a change", [100, 90, 110, 100, 95], [101, 90, 109, 102, 96], "higher", "same"],
  [
    "a change within the tolerance",
    [100, 90, 110, 100, 95],
    [98, 88, 108, 98, 94],
    "higher",
    "same",
  ],
  ["noise", [100, 90, 110, 100, 95], [150, 40, 130, 60, 112], "higher", "unclear"],
  ["too few rounds", [100, 90], [50, 45], "higher", "unclear"],
])("comparing finds %s", (_, old, other, better, verdict) => {
  expect(compareRounds(roundsOf(old, other, better))?.verdict).toBe(verdict as never);
});

test("a machine that gets slower meanwhile is no regression", () => {
  const machine = [1, 0.8, 0.5, 0.3, 0.2];
  const values = machine.map((speed) => 1_000 * speed);
  expect(compareRounds(roundsOf(values, values.map((value) => 1.02 * value)))).toMatchObject({
    verdict: "same",
    old: 500,
  });
});

test("executables are measured by turns, each first in every other round", async () => {
  const order: string[] = [];
  const [old, other] = ["/bin/sh", "/bin/ls"];
  const found = await compareExecutables({ old, new: other, rounds: 5 }, (bench, executable) => {
    if (bench !== "bench/workflows/signals.ts") return Promise.resolve([]);
    order.push(executable === old ? "o" : "n");
    return Promise.resolve([{ ...spawn, value: executable === old ? 10 : 5 }]);
  });
  expect(order.join("")).toBe("onnoonnoon");
  expect(found).toMatchObject([{ figure: "kernel.spawn", ratio: 0.5, verdict: "worse" }]);
  expect(reportOf(found, { "kernel.spawn": { value: 9, unit: "1/s", date: "" } }, readable))
    .toContain("| kernel.spawn | 9 | 10 | 5 | 1/s | 0.50 (0.50–0.50) | **worse** |");
  await expect(
    compareExecutables({ old: "/none", new: other, rounds: 5 }, () => Promise.resolve([])),
  )
    .rejects.toThrow("/none does not exist");
});

test("what bench/kernel/observe.ts leaves out of the kernel is there, and leaves Lua", async () => {
  const vm = await makeVm();
  for (const [file, text] of withoutObservation()) {
    expect(vm.compile(text, `@${file}`), file).toBeUndefined();
    expect(text.includes("elseif timing.on") || text.includes(`unit.observer("exit"`)).toBe(false);
  }
});
