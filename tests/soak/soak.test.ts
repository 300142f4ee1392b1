import { expect, test } from "bun:test";
import { kinds } from "./clients.ts";
import { soakNetwork } from "./network.ts";
import { soakProcesses } from "./processes.ts";

test("the short form of scripts/soak --load processes finds nothing wrong", async () => {
  const report = await soakProcesses({ seconds: 8, seed: 1, workers: 2 });
  expect(report.wrong).toEqual([]);
  expect(report.spawned).toBeGreaterThan(100);
  expect(report.ended).toBe(report.spawned);
  expect(report.messages).toBeGreaterThan(1000);
  expect(report.workersKilled).toBeGreaterThan(1);
}, 60_000);

test("the short form of scripts/soak --load network finds nothing wrong", async () => {
  const report = await soakNetwork({ seconds: 3, seed: 1, workers: 2 });
  expect(report.wrong).toEqual([]);
  for (const kind of Object.keys(kinds)) {
    expect([kind, report.done[kind] ?? 0]).not.toEqual([kind, 0]);
  }
  expect(report.workersKilled).toBeGreaterThan(1);
}, 60_000);
