import { describe, expect, test } from "bun:test";
import { machine } from "../../../src/platform/machine.ts";
import { Placement } from "../../../src/worker/placement.ts";

const memory = (values: number[]) => {
  const shared = new Int32Array(new SharedArrayBuffer(values.length * 4));
  shared.set(values);
  return shared;
};

/** Worker 0 of several, with so many units alive and so many microseconds of work each, and part of its memory in use. */
function place(loads: number[], backlogs: number[], used = 0) {
  const shared = { index: 0, loads: memory(loads), backlogs: memory(backlogs) };
  return { ...shared, placement: new Placement(shared, machine, () => ({ used, limit: 1 })) };
}

/** How many of `count` units that are started together stay on worker 0. */
function spread(count: number, cost: number, loads = [0, 0], backlogs = [0, 0]): number {
  const { placement } = place(loads, backlogs);
  let here = 0;
  for (let i = 0; i < count;) {
    const [worker, block] = placement.place(cost, 1000 + i);
    if (worker === 0) here += Math.min(block, count - i);
    i += block;
  }
  return here;
}

describe("placement", () => {
  test("units that take time are spread one by one", () => {
    for (const count of [2, 4, 8, 9]) {
      expect(spread(count, 5000)).toBe(Math.ceil(count / 2));
      expect(Math.abs(spread(count, 2000) - count / 2)).toBeLessThanOrEqual(1);
    }
  });

  test("light ones that are started together stay, however many wait for messages", () => {
    expect(spread(1000, 5, [10_000, 0])).toBe(1000);
  });

  test("they go away in blocks when this worker has much to run", () => {
    const { placement } = place([100, 100], [30_000, 0]);
    const [worker, count] = placement.place(5, 1000);
    expect([worker, count > 100]).toEqual([1, true]);
    expect(place([100, 100], [30_000, 25_000]).placement.place(5, 1000)[0]).toBe(0);
  });

  test("what is started now and then goes where the fewest live", () => {
    expect(place([50, 10], [0, 0]).placement.place(5, 1)).toEqual([1, 1]);
    expect(place([15, 10], [0, 0]).placement.place(5, 1)[0]).toBe(0);
  });

  test("a crowd that would fill the memory of one worker is spread", () => {
    expect(place([20_000, 10], [0, 0], 0.3).placement.place(5, 1000)).toEqual([1, 512]);
  });

  test("while there is memory it stays together", () => {
    expect(place([200_000, 10], [0, 0], 0.2).placement.place(5, 1000)[0]).toBe(0);
  });

  test("units that take less time than a message to another worker are no work that waits", () => {
    const { placement, backlogs } = place([0, 0], [0, 0]);
    for (let i = 0; i < 1000; i++) placement.place(5, 1000);
    expect([...backlogs]).toEqual([0, 0]);
  });

  test("a worker that does not run gets nothing", () => {
    expect(place([1000, -1], [90_000, 0]).placement.place(5000, 1)[0]).toBe(0);
    expect(place([1000, -1, 900], [90_000, 0, 50_000]).placement.place(5000, 100)[0]).toBe(2);
  });

  test("what was placed counts until the worker says how it is", () => {
    const { placement, loads, backlogs } = place([0, 0], [10_000, 0]);
    const [worker, count] = placement.place(2000, 100);
    expect([worker, count]).toEqual([1, 2]);
    expect([...loads, ...backlogs]).toEqual([0, 2, 10_000, 4000]);
  });
});
