/**
 * Runs crashing processes on several workers, kills workers, and checks the account that tests/soak/app keeps: no
 * message out of order for a pair of sender and receiver, no monitor without an end, no unit left over, no memory that
 * grows. `scripts/soak [--minutes N] [--seed N] [--workers N]`.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadApplication } from "../../src/app/app.ts";
import { Node } from "../../src/node/node.ts";
import { silentSink } from "../../src/observe/log.ts";
import { WippyError } from "../../src/vm/error.ts";

/** What a soak counted. */
export interface SoakReport {
  seconds: number;
  seed: number;
  spawned: number;
  ended: number;
  messages: number;
  /** Sends that were told that nobody is there. */
  refused: number;
  restarts: number;
  workersKilled: number;
  /** Drivers that died with their worker, and so gave no account. */
  lostDrivers: number;
  /** Resident MiB after the first fifth, and at the end. */
  memory: { early: number; late: number };
  /** Everything that was not as it should be. */
  wrong: string[];
}

interface DriverReport {
  spawned: number;
  ended: number;
  messages: number;
  refused: number;
  restarts: number;
  wrong: string[];
}

const mebibyte = 1024 ** 2;
/** Drivers that run at once. */
const drivers = 4;
/** Units that may be there at the end: none of the application's own. */
const own = /^soak:/;

/** Resident MiB after what can be collected is. */
function resident(): number {
  Bun.gc(true);
  return Math.round(process.memoryUsage.rss() / mebibyte);
}

/** Runs for about so many seconds. */
export async function soak(
  { seconds, seed, workers }: { seconds: number; seed: number; workers: number },
): Promise<SoakReport> {
  const state = mkdtempSync(join(tmpdir(), "wippy-soak-"));
  const directory = join(import.meta.dir, "app");
  const { entries, config } = await loadApplication({ directory, system: {} });
  const node = await Node.start({
    entries,
    config,
    directory,
    stateDir: state,
    workers,
    inline: false,
    log: silentSink,
  });
  const report: SoakReport = {
    seconds,
    seed,
    spawned: 0,
    ended: 0,
    messages: 0,
    refused: 0,
    restarts: 0,
    workersKilled: 0,
    lostDrivers: 0,
    memory: { early: 0, late: 0 },
    wrong: [],
  };
  try {
    await node.launch();
    const end = performance.now() + seconds * 1000;
    let next = seed;
    const drive = async () => {
      for (let left = seconds; left > 0.5; left = (end - performance.now()) / 1000) {
        // Short runs, so that the death of a worker takes little account with it.
        const span = Math.min(2, left);
        try {
          const done = await node.call("soak:run", [span, next++]) as unknown as DriverReport;
          for (const name of ["spawned", "ended", "messages", "refused", "restarts"] as const) {
            report[name] += done[name];
          }
          if (Array.isArray(done.wrong)) report.wrong.push(...done.wrong);
        } catch (error) {
          report.lostDrivers++;
          if (!/worker|gone|stopped/.test(WippyError.from(error).message)) {
            report.wrong.push(`a driver failed: ${WippyError.from(error).message}`);
          }
          await Bun.sleep(20);
        }
      }
    };
    const measure = Bun.sleep(seconds * 200).then(() => report.memory.early = resident());
    const kill = async () => {
      while (end - performance.now() > 2500) {
        await Bun.sleep(Math.min(6000, seconds * 150));
        if (node.killWorker(report.workersKilled % workers)) report.workersKilled++;
      }
    };
    await Promise.all([...Array.from({ length: drivers }, drive), kill(), measure]);
    report.memory.late = resident();
    await Bun.sleep(300);
    for (const unit of (await node.control.units()).units) {
      if (own.test(unit.entry)) report.wrong.push(`left over: ${unit.pid} (${unit.entry})`);
    }
    // The first fifth has made every worker and compiled all code; after that nothing should stay.
    const most = report.memory.early * 1.5 + 64;
    if (report.memory.late > most) {
      report.wrong.push(`memory grew from ${report.memory.early} to ${report.memory.late} MiB`);
    }
    return report;
  } finally {
    await node.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string" },
      workers: { type: "string", default: "2" },
    },
  });
  const report = await soak({
    seconds: Number(values.minutes) * 60,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    workers: Number(values.workers),
  });
  console.log(JSON.stringify(report, undefined, 2));
  process.exitCode = report.wrong.length > 0 ? 1 : 0;
}
