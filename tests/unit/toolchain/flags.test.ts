import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";

test.each<[program: string, flags: string]>([
  ["scripts/bench.ts", "--nonsense"],
  ["scripts/bench.ts", "--compare"],
  ["scripts/bench.ts", "dist/wippy"],
  ["scripts/bench.ts", "--compare dist/wippy --rounds 4"],
  ["scripts/chaos.ts", "--nonsense"],
  ["scripts/chaos.ts", "--kills many"],
  ["scripts/profile.ts", "--nonsense"],
  ["scripts/release.ts", "--nonsense"],
  ["tests/fuzz/fuzz.ts", "--nonsense"],
  ["tests/fuzz/fuzz.ts", "--seed red"],
  ["tests/fuzz/fuzz.ts", "something"],
  ["tests/soak/soak.ts", "--nonsense"],
  ["tests/soak/soak.ts", "--minutes 0"],
  ["tests/soak/soak.ts", "--load everything"],
  ["build.ts", "--nonsense"],
])("%s %s is refused in one line", (program, flags) => {
  const run = Bun.spawnSync([process.execPath, join(root, program), ...flags.split(" ")]);
  expect(run.exitCode).toBeGreaterThan(0);
  expect(run.stdout.toString()).toBe("");
  expect(run.stderr.toString().trimEnd()).toMatch(/^[^\n]+$/);
});
