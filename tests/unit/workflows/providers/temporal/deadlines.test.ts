import { expect, test } from "bun:test";
import { Deadlines } from "../../../../../src/workflows/providers/temporal/deadlines.ts";
import { until } from "../../../../until.ts";

test("deadlines pass in their order, whichever was added first, and those that were called off do not", async () => {
  const deadlines = new Deadlines();
  const passed: string[] = [];
  const note = (name: string) => () => void passed.push(name);
  deadlines.add(120, note("third"));
  const off = deadlines.add(20, note("called off"));
  deadlines.add(60, note("second"));
  deadlines.add(1, note("first"));
  off();
  await until(() => passed, ({ length }) => length === 3);
  expect(passed).toEqual(["first", "second", "third"]);
});

test("one that passes may add others, and call others off", async () => {
  const deadlines = new Deadlines();
  const passed: string[] = [];
  const off = deadlines.add(40, () => void passed.push("called off"));
  deadlines.add(5, () => {
    off();
    deadlines.add(0, () => void passed.push("added"));
    deadlines.add(80, () => void passed.push("last"));
  });
  await until(() => passed, (names) => names.includes("last"));
  expect(passed).toEqual(["added", "last"]);
});

test("one that is called off in the same moment by another that has passed does not", async () => {
  const deadlines = new Deadlines();
  const passed: string[] = [];
  deadlines.add(0, () => off());
  const off = deadlines.add(0.001, () => void passed.push("called off"));
  deadlines.add(10, () => void passed.push("last"));
  await until(() => passed, (names) => names.includes("last"));
  expect(passed).toEqual(["last"]);
});

test("after the end none passes", async () => {
  const closed = new Deadlines();
  const open = new Deadlines();
  const passed: string[] = [];
  closed.add(1, () => void passed.push("closed"));
  closed.close();
  open.add(20, () => void passed.push("open"));
  await until(() => passed, ({ length }) => length > 0);
  expect(passed).toEqual(["open"]);
});
