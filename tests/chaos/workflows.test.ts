import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkJournal } from "../../src/workflows/providers/sqlite/check.ts";

const root = join(import.meta.dir, "../..");
const jobs = 6;
/** Kills of the short form; `scripts/chaos` makes it longer. */
const kills = Number(process.env["WIPPY_CHAOS_KILLS"] ?? 25);
/** So much work that it lasts for the kills. */
const rounds = Math.max(7, Math.ceil(kills * 0.3));
const seed = Number(process.env["WIPPY_CHAOS_SEED"] ?? Date.now() % 1_000_000);

/** A line of a step: which one, what its workflow had seen by then, what it answered. */
interface Effect {
  id: string;
  digest: number;
  value: string;
}

interface Result {
  /** Digests that the steps were told, as the code of the last replay knows them. */
  told: Record<string, number>;
  values: Record<string, string>;
  parts: number;
  /** How often each update has happened. */
  marks: Record<string, number>;
  /** How many there were, as a query was told after the end. */
  asked: number;
  pid: string;
}

/** A small repeatable generator (mulberry32): fractions from a seed. */
function generator(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The names of all steps that a job has, by its number. */
function stepsOf(job: number): string[] {
  const ids: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    const id = `job-${job}/${round}`;
    ids.push(`${id}/a`, `${id}/b`, `${id}/c`);
    if (round % 3 === 0) ids.push(`${id}/part/1`, `${id}/part/2`, `${id}/part/3`);
  }
  return ids.sort();
}

describe(`a runtime that is killed ${kills} times (seed ${seed})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-chaos-"));
  const effects = (): Effect[] =>
    existsSync(join(folder, "effects.jsonl"))
      ? readFileSync(join(folder, "effects.jsonl"), "utf8").split("\n").slice(0, -1)
        .map((line) => JSON.parse(line) as Effect)
      : [];
  let errors = "";
  let interrupted = 0;
  let results: Record<string, Result> = {};

  function start() {
    return Bun.spawn(
      [process.execPath, join(root, "src/main.ts"), "run", "work", String(jobs), String(rounds)],
      { cwd: folder, stdout: "ignore", stderr: "pipe" },
    );
  }

  beforeAll(async () => {
    cpSync(join(import.meta.dir, "workload"), folder, { recursive: true });
    const random = generator(seed);
    for (let kill = 0; kill < kills; kill++) {
      const before = effects().length;
      const child = start();
      // From the first new effect on, so that the kill meets work and not the start; some meet the start all the same.
      const late = random() < 0.85;
      const wait = random() * 60;
      const stuck = Date.now() + 20_000;
      while (late && child.exitCode === null && effects().length === before) {
        if (Date.now() > stuck) throw new Error(`start ${kill} does nothing; see ${folder}`);
        await Bun.sleep(1);
      }
      await Bun.sleep(wait);
      if (child.exitCode === null) interrupted++;
      child.kill("SIGKILL");
      errors += await new Response(child.stderr).text();
      await child.exited;
      if (existsSync(join(folder, "results.json"))) break;
    }
    const last = start();
    errors += await new Response(last.stderr).text();
    expect({ status: await last.exited, errors }).toEqual({ status: 0, errors: "" });
    results = JSON.parse(readFileSync(join(folder, "results.json"), "utf8"));
  }, 120_000 + kills * 4_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("was interrupted at work", () => {
    expect(interrupted).toBeGreaterThan(kills / 2);
  });

  test("completes every run, with the results of an undisturbed one", () => {
    expect(Object.keys(results).sort()).toEqual(
      Array.from({ length: jobs }, (_, i) => `job-${i + 1}`).sort(),
    );
    for (let job = 1; job <= jobs; job++) {
      const { values, parts, pid } = results[`job-${job}`]!;
      expect(Object.keys(values).sort()).toEqual(stepsOf(job));
      expect(parts).toBe(3 * Math.floor(rounds / 3));
      expect(pid).toContain(`chaos:durable|job-${job}}`);
    }
  });

  test("does each update once, though every start sends all of them", () => {
    const ids = Array.from({ length: rounds }, (_, i) => [`mark-${i + 1}`, 1]);
    for (const { marks, asked } of Object.values(results)) {
      expect(marks).toEqual(Object.fromEntries(ids));
      expect(asked).toBe(rounds);
    }
  });

  test("runs no step again whose result was seen: the seen value is that of its last effect", () => {
    const last = new Map(effects().map(({ id, value }) => [id, value]));
    for (const { values } of Object.values(results)) {
      for (const [id, value] of Object.entries(values)) {
        expect([id, value]).toEqual([id, last.get(id)!]);
      }
    }
  });

  test(
    "leaves a journal in which nothing is wrong, and histories that the code repeats",
    async () => {
      const { runs, faults } = checkJournal(join(folder, ".wippy/journal.db"));
      expect(faults).toEqual([]);
      expect(runs).toBeGreaterThanOrEqual(jobs);
      const command = [process.execPath, join(root, "src/main.ts"), "workflow", "replay", "--all"];
      const replay = Bun.spawn(command, { cwd: folder, stderr: "pipe" });
      const told = await new Response(replay.stdout).text();
      expect(told.match(/^differs .*\n.*/m)?.[0]).toBeUndefined();
      expect(told).toEndWith(`${runs} histories: ${runs} fit, 0 differ\n`);
      expect(await replay.exited).toBe(0);
    },
    120_000,
  );

  test("shows workflow code the same in every replay", () => {
    const told = Object.assign({}, ...Object.values(results).map((result) => result.told));
    for (const { id, digest } of effects()) {
      // The parts have no digest: they are told 0.
      expect([id, digest]).toEqual([id, told[id] ?? 0]);
    }
  });
});
