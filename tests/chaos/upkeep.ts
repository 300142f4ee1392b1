/**
 * Kills and full disks in the middle of what is done to a whole journal: migrations, compaction, backups, retention.
 * @module
 */
import { Database } from "bun:sqlite";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkJournal } from "../../src/workflows/providers/sqlite/offline/check.ts";
import { type EventRow, eventsOf } from "../../src/workflows/providers/sqlite/store/event-rows.ts";
import { schemaVersion } from "../../src/workflows/providers/sqlite/migrations.ts";
import { calls, compileFaults, Faults } from "./faults.ts";
import { program } from "./program.ts";
import { generator } from "./random.ts";

const fixtures = join(import.meta.dir, "../fixtures/journals");

/** Files of journals of earlier schemas, the oldest first. */
export const earlier: readonly string[] = readdirSync(fixtures).filter((file) =>
  file.endsWith(".db")
).sort();

/** What happened to one operation. */
export interface UpkeepTally {
  name: string;
  kills: number;
  /** Kills that met the operation at work. */
  met: number;
  injected: number;
  found: string[];
}

interface Counts {
  runs: number;
  events: number;
}

/** Works on a database and closes it. */
function using<Result>(path: string, work: (database: Database) => Result): Result {
  const database = new Database(path);
  database.run("PRAGMA busy_timeout = 5000");
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Rows that hold several events count as these. */
function countsOf(path: string): Counts {
  return using(path, (database) => {
    const { runs } = database.query<Pick<Counts, "runs">, []>(
      "SELECT count(*) AS runs FROM runs",
    ).get()!;
    const rows = database.query<EventRow, []>("SELECT run, id, type, time, data FROM events");
    let events = 0;
    for (const row of rows.iterate()) events += [...eventsOf(row)].length;
    return { runs, events };
  });
}

function versionOf(path: string): number {
  return using(
    path,
    (database) =>
      database.query<{ user_version: number }, []>("PRAGMA user_version").get()!.user_version,
  );
}

/**
 * Multiplies the runs of a journal, whatever its schema is: tables with a column `run` get copies of their rows, under
 * other numbers and identities.
 */
export function grow(path: string, copies: number): Counts {
  using(path, (database) => {
    const tables = database.query<{ name: string }, []>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    ).all().map(({ name }) => name);
    const step = database.query<{ n: number }, []>("SELECT max(run) AS n FROM runs").get()!.n;
    database.run(
      `CREATE TEMP TABLE copy AS WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ${copies})
       SELECT k FROM n`,
    );
    database.transaction(() => {
      for (const table of tables) {
        const columns = database.query<{ name: string }, []>(
          `SELECT name FROM pragma_table_info('${table}')`,
        ).all().map(({ name }) => name);
        if (!columns.includes("run")) continue;
        const kept = columns.filter((column) => column !== "position" || table !== "events");
        const values = kept.map((column) =>
          column === "run" || column === "parent_run"
            ? `t.${column} + k * ${step}`
            : ["run_id", "workflow_id", "first_run_id", "chain"].includes(column)
            ? `t.${column} || '-' || k`
            : `t.${column}`
        );
        database.run(
          `INSERT INTO ${table} (${kept.join()}) SELECT ${values.join()} FROM ${table} t, copy
           WHERE t.run <= ${step}`,
        );
      }
    })();
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
  });
  return countsOf(path);
}

/** A stage: an application with a large journal, in a folder of its own. */
class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), "wippy-upkeep-"));
  readonly journal = join(this.folder, ".wippy/journal.db");
  readonly counts: Counts;
  readonly tally: UpkeepTally;
  readonly #grown = join(this.folder, "grown");

  constructor(name: string, fixture: string, copies: number) {
    this.tally = { name, kills: 0, met: 0, injected: 0, found: [] };
    cpSync(join(fixtures, "app"), this.folder, { recursive: true });
    mkdirSync(join(this.folder, ".wippy"));
    copyFileSync(join(fixtures, fixture), this.#grown);
    grow(this.#grown, copies);
    this.counts = countsOf(this.#grown);
  }

  /** Puts the large journal into its place, as it was. */
  restore(): void {
    for (const file of readdirSync(join(this.folder, ".wippy"))) {
      rmSync(join(this.folder, ".wippy", file));
    }
    rmSync(join(this.folder, "copy.db"), { force: true });
    copyFileSync(this.#grown, this.journal);
  }

  start(args: string[], env: Record<string, string> = {}) {
    return Bun.spawn([...program, ...args], {
      cwd: this.folder,
      stdout: "pipe",
      stderr: "pipe",
      env: { ...process.env, ...env },
    });
  }

  /** Runs a command to its end. */
  async run(args: string[], env: Record<string, string> = {}) {
    const child = this.start(args, env);
    const [output, errors, status] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { output, errors, status };
  }

  /** Milliseconds that a command works after `sign` has come. */
  async measure(args: string[], sign: () => boolean): Promise<number> {
    const child = this.start(args);
    while (child.exitCode === null && !sign()) await Bun.sleep(1);
    const begun = performance.now();
    await child.exited;
    return performance.now() - begun;
  }

  /** Starts a command and kills it at an instant within that many milliseconds after the sign, if one comes soon. */
  async kill(args: string[], sign: () => boolean, within: number): Promise<void> {
    const child = this.start(args);
    const end = performance.now() + 3_000;
    while (child.exitCode === null && !sign() && performance.now() < end) await Bun.sleep(1);
    await Bun.sleep(within);
    if (child.exitCode === null) this.tally.met++;
    this.tally.kills++;
    child.kill("SIGKILL");
    await child.exited;
  }

  found(...faults: string[]): void {
    this.tally.found.push(...faults);
  }

  /** The journal is whole, and as large as it was. */
  expectWhole(path: string, when: string): void {
    try {
      const { faults, runs, events } = checkJournal(path);
      const counts = { runs, events };
      this.found(...faults.slice(0, 5).map((fault) => `${when}: ${JSON.stringify(fault)}`));
      if (!Bun.deepEquals(counts, this.counts)) {
        this.found(`${when}: ${JSON.stringify(counts)}, not ${JSON.stringify(this.counts)}`);
      }
    } catch (error) {
      this.found(`${when}: ${error}`);
    }
  }

  remove(): UpkeepTally {
    if (this.tally.found.length > 0) this.found(`see ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true });
    return this.tally;
  }
}

export interface UpkeepOptions {
  kills: number;
  seed: number;
  /** How often the runs of the fixture are copied. */
  copies?: number;
}

/** Kills in the middle of `wippy journal migrate` of a journal with an earlier schema. */
export async function killMigrations(
  fixture: string,
  { kills, seed, copies = 4_000 }: UpkeepOptions,
): Promise<UpkeepTally> {
  const stage = new Stage(`migration of ${fixture}`, fixture, copies);
  const random = generator(seed);
  const command = ["journal", "migrate"];
  const old = versionOf(join(fixtures, fixture));
  const sign = () => existsSync(`${stage.journal}.lock`);
  stage.restore();
  const time = await stage.measure(command, sign);
  for (let kill = 0; kill < kills; kill++) {
    stage.restore();
    await stage.kill(command, sign, random() * time);
    const version = versionOf(stage.journal);
    if (version !== old && version !== schemaVersion) {
      stage.found(`killed in a migration from ${old}: the schema is ${version}`);
    }
    const { status, errors } = await stage.run(command);
    if (status !== 0) stage.found(`after a kill, migrate ends with ${status}: ${errors}`);
    else stage.expectWhole(stage.journal, "migrated after a kill");
  }
  return stage.remove();
}

/** Kills in the middle of `wippy journal compact`. */
export async function killCompactions(
  { kills, seed, copies = 4_000 }: UpkeepOptions,
): Promise<UpkeepTally> {
  const stage = new Stage("compaction", earlier.at(-1)!, copies);
  const random = generator(seed);
  const command = ["journal", "compact"];
  const sign = () => existsSync(`${stage.journal}.lock`);
  stage.restore();
  await stage.run(["journal", "migrate"]);
  const time = await stage.measure(command, sign);
  for (let kill = 0; kill < kills; kill++) {
    stage.restore();
    await stage.run(["journal", "migrate"]);
    rmSync(`${stage.journal}.lock`);
    await stage.kill(command, sign, random() * time);
    stage.expectWhole(stage.journal, "after a kill in a compaction");
    const { status, errors } = await stage.run(command);
    if (status !== 0) stage.found(`after a kill, compact ends with ${status}: ${errors}`);
    stage.expectWhole(stage.journal, "compacted after a kill");
  }
  return stage.remove();
}

/** Kills in the middle of `wippy journal backup`: there is a whole copy or none. */
export async function killBackups(
  { kills, seed, copies = 4_000 }: UpkeepOptions,
): Promise<UpkeepTally> {
  const stage = new Stage("backup", earlier.at(-1)!, copies);
  const random = generator(seed);
  const command = ["journal", "backup", "copy.db"];
  const target = join(stage.folder, "copy.db");
  const sign = () => existsSync(`${target}.part`) || existsSync(target);
  stage.restore();
  await stage.run(["journal", "migrate"]);
  const time = await stage.measure(command, sign);
  for (let kill = 0; kill < kills; kill++) {
    rmSync(target, { force: true });
    await stage.kill(command, sign, random() * time);
    stage.expectWhole(stage.journal, "the original, after a kill in a backup");
    if (existsSync(target)) stage.expectWhole(target, "a copy whose backup was killed");
    rmSync(target, { force: true });
    // What the kill has left of the copy is in nobody's way.
    const { status, errors } = await stage.run(command);
    if (status !== 0) stage.found(`after a kill, backup ends with ${status}: ${errors}`);
    else stage.expectWhole(target, "a copy made after a kill");
  }
  return stage.remove();
}

/** Kills in the middle of a runtime's sweep for runs that are kept no longer. */
export async function killSweeps(
  { kills, seed, copies = 4_000 }: UpkeepOptions,
): Promise<UpkeepTally> {
  const stage = new Stage("retention", earlier.at(-1)!, copies);
  const random = generator(seed);
  const index = join(stage.folder, "src/_index.yaml");
  const text = readFileSync(index, "utf8");
  const entry = text.replace("kind: workflow.host,", "kind: workflow.host, retention: 1ms,");
  if (entry === text) throw new Error("the application of the fixtures has no workflow host");
  writeFileSync(index, entry);
  stage.restore();
  await stage.run(["journal", "migrate"]);
  const open = using(
    stage.journal,
    (database) =>
      database.query<{ n: number }, []>("SELECT count(*) AS n FROM runs WHERE status = 'running'")
        .get()!.n,
  );
  let last = stage.counts.runs;
  // On a slow machine the first kills may all come before the sweep does.
  const most = 30;
  const swept = () => last < stage.counts.runs;
  for (let kill = 0; (kill < kills || !swept()) && kill < most && last > open; kill++) {
    const log = `${stage.journal}-wal`;
    const written = () => statSync(log, { throwIfNoEntry: false })?.mtimeMs;
    const before = written();
    // The first write takes the journal over, before the sweep begins: each kill leaves it more time than the last.
    await stage.kill(["run"], () => written() !== before, kill * 300 + random() * 200);
    const { faults, runs } = checkJournal(stage.journal);
    stage.found(...faults.slice(0, 5).map((fault) => JSON.stringify(fault)));
    if (runs > last || runs < open) {
      stage.found(`of ${last} runs there are ${runs}, ${open} are open`);
    }
    last = runs;
  }
  if (!swept()) stage.found("the sweep has removed nothing");
  return stage.remove();
}

/** A full disk under each operation: it says so, and leaves the original whole and no half copy. */
export async function fillDisk(
  { seed, copies = 500 }: Omit<UpkeepOptions, "kills">,
): Promise<UpkeepTally> {
  const stage = new Stage("full disk", earlier.at(-1)!, copies);
  const random = generator(seed);
  const library = compileFaults(stage.folder);
  const faults = new Faults(join(stage.folder, "control"));
  const target = join(stage.folder, "copy.db");
  const env = (part: string) => faults.environment(library, part);
  for (const command of ["migrate", "compact", "backup"]) {
    stage.restore();
    if (command !== "migrate") await stage.run(["journal", "migrate"]);
    const args = ["journal", command, ...command === "backup" ? ["copy.db"] : []];
    for (const error of ["ENOSPC", "EIO"] as const) {
      faults.begin({ error, calls: calls.write, spared: Math.floor(random() * 20), torn: true });
      const { status, errors } = await stage.run(
        args,
        env(command === "backup" ? "copy.db" : "journal.db"),
      );
      faults.end();
      const words = error === "ENOSPC" ? /cannot grow/ : /cannot grow|cannot be written/;
      if (status !== 1 || !words.test(errors) || errors.includes("    at ")) {
        stage.found(`${command} with ${error} ends with ${status}: ${errors}`);
      }
      if (existsSync(target) || existsSync(`${target}.part`)) {
        stage.found(`a backup with ${error} has left a copy`);
      }
    }
    const { status, errors } = await stage.run(args);
    if (status !== 0) stage.found(`with space again, ${command} ends with ${status}: ${errors}`);
    stage.expectWhole(stage.journal, `after ${command} on a full disk`);
    if (command === "backup" && status === 0) stage.expectWhole(target, "the copy");
  }
  stage.tally.injected = faults.injected;
  faults.close();
  return stage.remove();
}
