import { expect, test } from "bun:test";
import { Counts, Traffic } from "../../../../src/services/http/traffic.ts";

test("rates and latencies are those of the last minute, of all threads", () => {
  let now = 1_000_000;
  const traffic = new Traffic(() => now);
  const [first, second] = [new Counts(), new Counts()];
  traffic.add(first);
  traffic.add(second);
  expect([traffic.rate, traffic.quantile(0.5)]).toEqual([0, 0]);
  for (let passed = 0; passed < 100; passed++) {
    for (let i = 0; i < 9; i++) (i < 5 ? first : second).record(2, now);
    second.record(passed < 50 ? 10_000 : 100, now);
    now += 1_000;
  }
  expect(traffic.rate).toBeCloseTo(10, 0);
  expect(traffic.quantile(0.5)).toBeGreaterThanOrEqual(2);
  expect(traffic.quantile(0.5)).toBeLessThan(3);
  expect(traffic.quantile(0.99)).toBeGreaterThan(5_000);
  now += 40_000;
  expect(traffic.quantile(0.99)).toBeGreaterThanOrEqual(100);
  expect(traffic.quantile(0.99)).toBeLessThan(150);
  now += 60_000;
  expect([traffic.rate, traffic.quantile(0.99)]).toEqual([0, 0]);
});

test("what takes longer or shorter than can be told apart is in the last and the first bound", () => {
  const traffic = new Traffic(() => 5_000);
  const counts = new Counts();
  traffic.add(counts);
  counts.record(1e9, 5_000);
  expect(traffic.quantile(1)).toBeGreaterThan(500_000);
  counts.record(0, 5_000);
  expect(traffic.quantile(0.5)).toBeCloseTo(0.1);
});

test("requests in hand are those of the threads that run", () => {
  const traffic = new Traffic(() => 5_000);
  const memory = Counts.memory();
  const [here, there] = [new Counts(memory), new Counts(memory)];
  traffic.add(here);
  there.take();
  there.take();
  there.release();
  expect([traffic.total, traffic.inFlight]).toEqual([2, 1]);
  traffic.remove(here);
  traffic.remove(here);
  expect([traffic.total, traffic.inFlight]).toEqual([2, 0]);
});
