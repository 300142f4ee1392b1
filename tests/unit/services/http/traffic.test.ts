import { expect, test } from "bun:test";
import { Traffic } from "../../../../src/services/http/traffic.ts";

test("rates and latencies are those of the last minute", () => {
  let now = 1_000_000;
  const traffic = new Traffic(() => now);
  expect([traffic.rate, traffic.quantile(0.5)]).toEqual([0, 0]);
  for (let second = 0; second < 100; second++) {
    for (let i = 0; i < 9; i++) traffic.record(2);
    traffic.record(second < 50 ? 10_000 : 100);
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

test("what takes longer than can be told apart is in the last bound", () => {
  const traffic = new Traffic(() => 5_000);
  traffic.record(1e9);
  expect(traffic.quantile(1)).toBeGreaterThan(500_000);
});
