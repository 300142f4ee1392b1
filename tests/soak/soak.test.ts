import { expect, test } from "bun:test";
import { soak } from "./soak.ts";

test("the short form of scripts/soak finds nothing wrong", async () => {
  const report = await soak({ seconds: 8, seed: 1, workers: 2 });
  expect(report.wrong).toEqual([]);
  expect(report.spawned).toBeGreaterThan(100);
  expect(report.ended).toBe(report.spawned);
  expect(report.messages).toBeGreaterThan(1000);
  expect(report.workersKilled).toBeGreaterThan(1);
}, 60_000);
