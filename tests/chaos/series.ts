/**
 * A series of kills: one folder, one journal, a workload that is started and killed again and again until its work is done,
 * and what is wrong afterwards.
 * @module
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkJournal } from "../../src/workflows/providers/sqlite/offline/check.ts";
import { drawUp, readEffects } from "./account.ts";
import { calls, Faults } from "./faults.ts";
import { type Plan, planOf } from "./plan.ts";
import { program } from "./program.ts";
import { generator } from "./random.ts";
import { tornLogFaults } from "./wal.ts";

export interface SeriesOptions {
  kills: number;
  seed: number;
  /** The library of `compileFaults`: writes fail too, and the clock jumps. */
  library?: string;
}

/** What happened, and what was found wrong. */
export interface Tally {
  /** Kills that met the program alive. */
  kills: number;
  starts: number;
  /** Starts that ended by themselves because of a fault. */
  gaveUp: number;
  runs: number;
  events: number;
  effects: number;
  repeated: number;
  /** Calls that were made to fail. */
  injected: number;
  jumps: number;
  tornLogs: number;
  /** Times that a journal was read as a whole and compared with its invariants. */
  checks: number;
  /** Histories that were replayed. */
  replays: number;
  found: string[];
}

export const noTally: Readonly<Tally> = {
  kills: 0,
  starts: 0,
  gaveUp: 0,
  runs: 0,
  events: 0,
  effects: 0,
  repeated: 0,
  injected: 0,
  jumps: 0,
  tornLogs: 0,
  checks: 0,
  replays: 0,
  found: [],
};

const hour = 3_600_000;

/** What a program may say on standard error while its journal's disk fails. */
/** The records of failures that the workload brings about itself. */
const provoked =
  /\t(?:WARN|ERROR)\t(?:chaos:durable|activities)\t(?:activity|local activity|workflow) chaos:\w+ (?:failed|timed out)/;

const complaint =
  /journal|Unavailable|disk|can be written again|was lost and is tried again|Workflows stand still/;

class Series {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-chaos-"));
  readonly tally: Tally = { ...noTally, found: [] };
  readonly random: () => number;
  readonly plan: Plan;
  readonly #options: SeriesOptions;
  readonly #faults: Faults | undefined;
  #farthest = 0;

  constructor(options: SeriesOptions) {
    this.#options = options;
    this.random = generator(options.seed);
    // So much work that it lasts for the kills.
    this.plan = planOf(Math.max(5, Math.ceil(options.kills * 0.3)));
    cpSync(join(import.meta.dir, "workload"), this.folder, { recursive: true });
    if (options.library) this.#faults = new Faults(join(this.folder, "faults.control"));
  }

  get journal(): string {
    return join(this.folder, ".wippy/journal.db");
  }

  get done(): boolean {
    return existsSync(join(this.folder, "results.json"));
  }

  found(...faults: string[]): void {
    this.tally.found.push(...faults);
  }

  start() {
    const jobs = this.plan.map(({ name, entry, args }) => ({ name, entry, args }));
    this.tally.starts++;
    return Bun.spawn([...program, "run", "work", JSON.stringify(jobs)], {
      cwd: this.folder,
      stdout: "ignore",
      stderr: "pipe",
      env: {
        ...process.env,
        ...(this.#faults && this.#faults.environment(this.#options.library!)),
      },
    });
  }

  /** One life: started, disturbed, killed. */
  async live(): Promise<void> {
    const { random, tally } = this;
    const before = readEffects(this.folder).length;
    const child = this.start();
    const told = new Response(child.stderr).text();
    // From the first new effect on, so that the kill meets work and not the start; some meet the start all the same.
    const late = random() < 0.85;
    const begun = Date.now();
    while (late && child.exitCode === null && readEffects(this.folder).length === before) {
      const waited = Date.now() - begun;
      if (this.#faults) {
        // While the clock stands before what is due nothing happens, and an idle journal looks at it now and then only.
        if (waited > 3_000) break;
        await this.disturb(this.#faults);
      } else if (waited > 30_000) {
        child.kill("SIGKILL");
        throw new Error(`start ${tally.starts} does nothing: ${await told}`);
      }
      await Bun.sleep(1);
    }
    if (this.#faults) {
      for (let times = Math.floor(random() * 6); times > 0; times--) {
        await this.disturb(this.#faults);
      }
    }
    await Bun.sleep(random() * 60);
    if (child.exitCode === null) tally.kills++;
    else if (!this.done) tally.gaveUp++;
    child.kill("SIGKILL");
    await child.exited;
    this.#faults?.end();
    this.#hear(await told);
    this.#look();
  }

  /** One disturbance: writes that fail for a while, or a clock that jumps. */
  async disturb(faults: Faults): Promise<void> {
    const { random } = this;
    await Bun.sleep(random() * 40);
    if (random() < 0.3) {
      this.tally.jumps++;
      faults.clock = Math.round((random() - 0.4) * 24 * hour);
      this.#farthest = Math.max(this.#farthest, faults.clock);
      return;
    }
    const sum = [calls.write, calls.sync, calls.truncate, 7, 7][Math.floor(random() * 5)]!;
    faults.begin({
      error: random() < 0.6 ? "ENOSPC" : "EIO",
      calls: sum,
      spared: Math.floor(random() * 8),
      torn: random() < 0.4,
    });
    await Bun.sleep(random() * 120);
    faults.end();
  }

  /** Without faults nothing is to be complained of but what the workload provokes, with them the journal too. */
  #hear(errors: string): void {
    const lines = errors.split("\n").filter((line) => line !== "" && !provoked.test(line));
    this.found(...lines.filter((line) => !this.#faults || !complaint.test(line)));
  }

  /** The journal as the kill has left it. */
  #look(): void {
    if (!existsSync(this.journal)) return;
    try {
      const { faults } = checkJournal(this.journal);
      this.tally.checks++;
      this.found(...faults.map((fault) => JSON.stringify(fault)));
    } catch (error) {
      // A kill in the first moment leaves a file without tables, or one in which SQLite has something to take back.
      const early = this.tally.checks === 0 && /schema 0|in the middle of a write/;
      if (!early || !early.test(String(error))) this.found(String(error));
    }
    if (this.random() > 0.25) return;
    this.tally.tornLogs++;
    this.found(...tornLogFaults(this.journal, this.random));
  }

  /** Lets the work come to its end, undisturbed. */
  async finish(): Promise<void> {
    // Whatever was set at a later time is due.
    if (this.#faults) this.#faults.clock = this.#farthest + hour;
    if (!this.done) {
      const child = this.start();
      const told = new Response(child.stderr).text();
      const limit = setTimeout(() => child.kill("SIGKILL"), 120_000);
      const status = await child.exited;
      clearTimeout(limit);
      if (status !== 0) this.found(`the last start ended with ${status}: ${await told}`);
    }
    if (this.#faults) {
      this.tally.injected = this.#faults.injected;
      this.#faults.close();
    }
    if (!this.done) {
      this.found("the work did not come to its end");
      this.#look();
      return;
    }
    const { faults, ...counts } = drawUp(this.folder, this.plan);
    Object.assign(this.tally, counts);
    this.found(...faults);
    this.#look();
    await this.#replay();
  }

  async #replay(): Promise<void> {
    const child = Bun.spawn([...program, "workflow", "replay", "--all"], {
      cwd: this.folder,
      stdout: "pipe",
      stderr: "pipe",
    });
    const [told, errors, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    const sum = /(\d+) (?:history|histories): (\d+) match, 0 differ\n$/.exec(told);
    if (status !== 0 || !sum || sum[1] !== sum[2]) {
      const differences = told.split("\n").filter((line) => !line.startsWith("matches")).slice(
        0,
        20,
      );
      this.found(`replay ended with ${status}: ${differences.join("\n")}${errors}`);
      return;
    }
    this.tally.replays = Number(sum[1]);
  }
}

/**
 * Starts the workload and kills it so many times; when its work is done before, it is begun afresh.
 *
 * @returns what happened; the folder is kept when something was found
 */
export async function runSeries(options: SeriesOptions): Promise<Tally> {
  const series = new Series(options);
  try {
    for (let kill = 0; kill < options.kills && !series.done; kill++) await series.live();
    await series.finish();
  } catch (error) {
    series.found(String(error));
  }
  if (series.tally.found.length > 0) series.tally.found.push(`see ${series.folder}`);
  else rmSync(series.folder, { recursive: true, force: true });
  return series.tally;
}

/** The sum of several tallies. */
export function add(a: Readonly<Tally>, b: Readonly<Tally>): Tally {
  const sum = { ...a, found: [...a.found, ...b.found] };
  for (const key of Object.keys(noTally) as (keyof Tally)[]) {
    if (key !== "found") sum[key] = a[key] + b[key];
  }
  return sum;
}
