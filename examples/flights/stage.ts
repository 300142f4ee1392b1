/**
 * A stage for the flights application: a fresh folder with a copy of it and of the data, runs of the
 * `wippy` command in that folder, and a reading of what lies on disk. The demo and the test share it.
 */
import { cp, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compareFigures, type Expected, type Figures } from "./check.ts";

/** The steps of a report, in the order in which the workflow takes them. */
export const STEPS = ["load", "clean", "aggregate", "write", "record", "publish"] as const;

/** One line of the effects log: a step whose work was done once more. */
export interface Effect {
  batch: string;
  step: string;
}

/** What lies in the working folder. */
export interface OnDisk {
  /** Files in work/reports. */
  reports: string[];
  /** Batches in the manifest, in its order: the reports that count. */
  recorded: string[];
  effects: Effect[];
  journalBytes: number;
}

/** The end of a run of the command. */
export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | number | null;
  output: string;
  errors: string;
}

/** The real flights out of the package vega-datasets: 10,000 rows, or twice as many. */
export async function realRows(size: "10k" | "20k"): Promise<Record<string, unknown>[]> {
  const data = join(import.meta.dir, "../../node_modules/vega-datasets/data");
  return JSON.parse(await readFile(join(data, `flights-${size}.json`), "utf8"));
}

/** Rows of our own that break each rule of the cleaning at least once. */
export async function brokenRows(): Promise<Record<string, unknown>[]> {
  return JSON.parse(await readFile(join(import.meta.dir, "broken-rows.json"), "utf8"));
}

/** Copies the application and the rows into `folder`, which must not hold anything yet. */
export async function setStage(folder: string, rows: unknown[]): Promise<void> {
  await mkdir(join(folder, "data"), { recursive: true });
  await cp(join(import.meta.dir, "src"), join(folder, "src"), { recursive: true });
  await cp(join(import.meta.dir, "wippy.lock"), join(folder, "wippy.lock"));
  await writeFile(join(folder, "data/flights.json"), JSON.stringify(rows));
}

/** A run of `wippy` in a stage folder. */
export class Run {
  readonly ended: Promise<Ended>;
  #child: Bun.Subprocess<"ignore", "pipe", "pipe">;

  /**
   * @param command the words that start wippy, such as `["dist/wippy"]`, with absolute paths
   * @param onLine called with every line of standard output as it comes
   */
  constructor(folder: string, command: string[], args: string[], onLine?: (line: string) => void) {
    this.#child = Bun.spawn([...command, "run", ...args], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const output = readLines(this.#child.stdout, onLine);
    const errors = readLines(this.#child.stderr);
    this.ended = Promise.all([this.#child.exited, output, errors]).then(([, out, err]) => ({
      status: this.#child.exitCode,
      signal: this.#child.signalCode,
      output: out,
      errors: err,
    }));
  }

  /** Ends the run at once, as a power cut or the kernel's out-of-memory killer would. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array>,
  onLine?: (line: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let all = "";
  let told = 0;
  for await (const chunk of stream) {
    all += decoder.decode(chunk, { stream: true });
    for (let end = all.indexOf("\n", told); end >= 0; end = all.indexOf("\n", told)) {
      onLine?.(all.slice(told, end));
      told = end + 1;
    }
  }
  return all;
}

/** Reads the working folder; folders and files that are not there yet count as empty. */
export async function readDisk(folder: string): Promise<OnDisk> {
  const text = (path: string) => readFile(join(folder, path), "utf8").catch(ifMissing(""));
  const reports = await readdir(join(folder, "work/reports")).catch(ifMissing<string[]>([]));
  const manifest = wholeLines(await text("work/ledger/manifest.jsonl"));
  const log = wholeLines(await text("work/ledger/effects.log"));
  let journalBytes = 0;
  for (const file of await readdir(join(folder, ".wippy")).catch(ifMissing<string[]>([]))) {
    const status = await stat(join(folder, ".wippy", file)).catch(ifMissing(undefined));
    journalBytes += status?.isFile() ? status.size : 0;
  }
  return {
    reports: reports.sort(),
    recorded: manifest.map((line) => (JSON.parse(line) as { batch: string }).batch),
    effects: log.map((line) => {
      const [batch = "", step = ""] = line.split(" ");
      return { batch, step };
    }),
    journalBytes,
  };
}

function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return value;
    throw error;
  };
}

/** The lines of a file that another program may be appending to just now. */
function wholeLines(text: string): string[] {
  return text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "");
}

/** Says in words where the reports on disk differ from the expected ones. */
export async function compareReports(
  folder: string,
  expected: Map<string, Expected>,
  recorded: string[],
): Promise<string[]> {
  const differences: string[] = [];
  for (const batch of recorded) {
    if (!expected.has(batch)) differences.push(`manifest: ${batch} must not be there`);
    if (recorded.indexOf(batch) !== recorded.lastIndexOf(batch)) {
      differences.push(`manifest: ${batch} stands there more than once`);
    }
  }
  for (const [batch, want] of expected) {
    if (!recorded.includes(batch)) {
      differences.push(`manifest: ${batch} is missing`);
      continue;
    }
    const report = JSON.parse(
      await readFile(join(folder, "work/reports", `${batch}.json`), "utf8"),
    );
    if (report.flights !== want.flights) {
      differences.push(`${batch}: ${report.flights} flights, must be ${want.flights}`);
    }
    const rejected = new Map<string, number>();
    for (const { rule } of report.rejected as { rule: string }[]) {
      rejected.set(rule, (rejected.get(rule) ?? 0) + 1);
    }
    for (const rule of new Set([...rejected.keys(), ...want.rejected.keys()])) {
      if (rejected.get(rule) !== want.rejected.get(rule)) {
        differences.push(
          `${batch}: rule ${rule} turned away ${rejected.get(rule) ?? 0} rows, ` +
            `must be ${want.rejected.get(rule) ?? 0}`,
        );
      }
    }
    differences.push(...compareFigures(batch, want.airports, report.airports));
  }
  return differences;
}

/** Says in words where the answer of `wippy run totals json` differs from the expected totals. */
export function compareTotals(output: string, expected: Map<string, Figures>): string[] {
  const totals = JSON.parse(output) as { airport: string; figures: Figures }[];
  const actual = Object.fromEntries(totals.map((total) => [total.airport, total.figures]));
  return compareFigures("processes", expected, actual);
}

/** What a kill cost, by the effects log. */
export interface Repeats {
  /** Steps whose work was done a second time: the last one before the kill, its result not saved. */
  repeated: Effect[];
  /** What at-least-once does not permit, in words. Empty when all is well. */
  violations: string[];
}

/**
 * Compares the effects before a kill with all effects at the end. A step may be done again only
 * when it was the last of its batch before the kill: every earlier one has a saved result, because
 * the next step was begun with it. And every step of every batch must have been done.
 */
export function judgeRepeats(before: Effect[], all: Effect[], batches: string[]): Repeats {
  const repeated: Effect[] = [];
  const violations: string[] = [];
  for (const batch of batches) {
    const done = before.filter((effect) => effect.batch === batch).map((effect) => effect.step);
    const total = all.filter((effect) => effect.batch === batch).map((effect) => effect.step);
    const again = total.slice(done.length);
    const last = done.at(-1);
    for (const step of STEPS) {
      const times = total.filter((name) => name === step).length;
      if (times === 0) violations.push(`${batch}: step ${step} was never done`);
      if (done.filter((name) => name === step).length > 1) {
        violations.push(`${batch}: step ${step} was done twice before the kill`);
      }
      if (times > 1 && step !== last) {
        violations.push(
          `${batch}: step ${step} was done ${times} times though its result was saved`,
        );
      }
      if (times > 2) violations.push(`${batch}: step ${step} was done ${times} times`);
      if (step === last && again.includes(step)) repeated.push({ batch, step });
    }
  }
  return { repeated, violations };
}
