/**
 * The runtime that a soak puts under load, in this process: its folder, deaths of its workers, what it has open.
 * @module
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadApplication } from "../../src/app/app.ts";
import { formatProblem } from "../../src/app/problem.ts";
import { Node } from "../../src/node/node.ts";
import { silentSink } from "../../src/observe/log.ts";
import { openDescriptors } from "../open-files.ts";

/** How long a load runs, and on what. */
export interface SoakOptions {
  seconds: number;
  /** The same seed makes the same choices. */
  seed: number;
  workers: number;
}

/** What every load reports. */
export interface LoadReport {
  seconds: number;
  seed: number;
  workersKilled: number;
  /** Resident MiB when everything has run for a while, and at the end. */
  memory: { early: number; late: number };
  /** Everything that was not as it should be. */
  wrong: string[];
}

const mebibyte = 1024 ** 2;

/** Resident MiB after what can be collected is. */
export function resident(): number {
  Bun.gc(true);
  return Math.round(process.memoryUsage.rss() / mebibyte);
}

/** What is wrong with the memory of a load, if something is. */
export function growth({ early, late }: LoadReport["memory"]): string[] {
  // By then every worker was made and all code compiled; after that nothing should stay.
  return late > early * 1.5 + 64 ? [`memory grew from ${early} to ${late} MiB`] : [];
}

/** How many file descriptors this process has open, by kind: `socket`, `pipe`, the path of a file. */
export function openFiles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const target of openDescriptors()) {
    const kind = target.replace(/:\[\d+\]$/, "");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** An application of `tests/soak` that runs in a folder of its own. */
export class SoakRuntime {
  workersKilled = 0;

  private constructor(
    readonly node: Node,
    readonly folder: string,
    readonly workers: number,
  ) {}

  /** @param name of a folder here */
  static async start(name: string, workers: number): Promise<SoakRuntime> {
    const directory = mkdtempSync(join(tmpdir(), `wippy-soak-${name}-`));
    cpSync(join(import.meta.dir, name), directory, { recursive: true });
    const { entries, problems, config } = await loadApplication({ directory, system: {} });
    if (problems.length > 0) throw new Error(problems.map(formatProblem).join("\n"));
    const node = await Node.start({
      entries,
      config,
      directory,
      stateDir: join(directory, ".wippy"),
      workers,
      inline: false,
      log: silentSink,
    });
    await node.launch();
    return new SoakRuntime(node, directory, workers);
  }

  /** Kills one worker after the other, at an interval of milliseconds, until shortly before an instant. */
  async killWorkers(interval: number, end: number): Promise<void> {
    for (;;) {
      await Bun.sleep(interval);
      if (performance.now() > end) return;
      if (this.node.killWorker(this.workersKilled % this.workers)) this.workersKilled++;
    }
  }

  /** Units that are there and should not be: of no entry among `allowed`. */
  async leftOver(own: RegExp, allowed: readonly string[] = []): Promise<string[]> {
    const { units } = await this.node.control.units();
    return units.filter(({ entry }) => own.test(entry) && !allowed.includes(entry))
      .map(({ pid, entry }) => `left over: ${pid} (${entry})`);
  }

  async stop(): Promise<void> {
    await this.node.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
