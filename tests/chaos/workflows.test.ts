/**
 * Trials by failure in their short form; `scripts/chaos` is the long one. `WIPPY_CHAOS_KILLS` kills more often,
 * `WIPPY_CHAOS_SEED` repeats a run.
 */
import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileFaults, noFaults } from "./faults.ts";
import { runSeries } from "./series.ts";
import {
  earlier,
  fillDisk,
  killBackups,
  killCompactions,
  killMigrations,
  killSweeps,
} from "./upkeep.ts";

const kills = Number(process.env["WIPPY_CHAOS_KILLS"] ?? 14);
const seed = Number(process.env["WIPPY_CHAOS_SEED"] ?? Date.now() % 1_000_000);
const withFaults = noFaults === undefined ? test : test.skip;
const why = noFaults === undefined ? "" : `: ${noFaults}`;
const patience = 120_000 + kills * 10_000;

test(
  `a runtime that is killed ${kills} times loses and doubles nothing (seed ${seed})`,
  async () => {
    const { found, ...tally } = await runSeries({ kills, seed });
    expect(found).toEqual([]);
    // The kills met work, and some of it had to be done again.
    expect(tally.kills).toBeGreaterThan(kills / 2);
    expect(tally.repeated).toBeGreaterThan(0);
    expect(tally.replays).toBe(tally.runs);
  },
  patience,
);

withFaults(
  `the same with a disk that fails and a clock that jumps (seed ${seed})${why}`,
  async () => {
    const library = compileFaults(mkdtempSync(join(tmpdir(), "wippy-faults-")));
    const lives = Math.ceil(kills / 2);
    const { found, ...tally } = await runSeries({ kills: lives, seed, library });
    expect(found).toEqual([]);
    expect(tally.injected).toBeGreaterThan(0);
    expect(tally.replays).toBe(tally.runs);
  },
  patience,
);

const upkeep = { kills: Math.ceil(kills / 7), seed, copies: 2_000 };

test.each(earlier)(`a kill in the migration of %s (seed ${seed})`, async (file) => {
  expect((await killMigrations(file, upkeep)).found).toEqual([]);
}, patience);

test.each([
  ["compaction", killCompactions],
  ["backup", killBackups],
  ["sweep for old runs", killSweeps],
])(`a kill in a %s (seed ${seed})`, async (_, kill) => {
  expect((await kill(upkeep)).found).toEqual([]);
}, patience);

withFaults(`a full disk in migration, compaction and backup (seed ${seed})${why}`, async () => {
  const { found, injected } = await fillDisk({ seed });
  expect(found).toEqual([]);
  expect(injected).toBeGreaterThan(0);
}, patience);
