/**
 * Crashing processes on workers that are killed: no message out of order for a pair of sender and receiver, no monitor
 * without an end, no unit left over, no memory that grows. The application in `processes` keeps the account.
 * @module
 */
import { WippyError } from "../../src/vm/error.ts";
import { growth, type LoadReport, resident, type SoakOptions, SoakRuntime } from "./runtime.ts";

/** What the processes did. */
export interface ProcessesReport extends LoadReport {
  spawned: number;
  ended: number;
  messages: number;
  /** Sends that were told that nobody is there. */
  refused: number;
  restarts: number;
  /** Drivers that died with their worker, and so gave no account. */
  lostDrivers: number;
}

interface DriverReport {
  spawned: number;
  ended: number;
  messages: number;
  refused: number;
  restarts: number;
  wrong: string[];
}

/** Drivers that run at once. */
const drivers = 4;

/** Runs for about so many seconds. */
export async function soakProcesses(
  { seconds, seed, workers }: SoakOptions,
): Promise<ProcessesReport> {
  const runtime = await SoakRuntime.start("processes", workers);
  const report: ProcessesReport = {
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
    const end = performance.now() + seconds * 1000;
    let next = seed;
    const drive = async () => {
      for (let left = seconds; left > 0.5; left = (end - performance.now()) / 1000) {
        // Short runs, so that the death of a worker takes little account with it.
        const span = Math.min(2, left);
        try {
          const done = await runtime.node.call("soak:run", [span, next++]);
          const counted = done as unknown as DriverReport;
          for (const name of ["spawned", "ended", "messages", "refused", "restarts"] as const) {
            report[name] += counted[name];
          }
          if (Array.isArray(counted.wrong)) report.wrong.push(...counted.wrong);
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
    await Promise.all([
      ...Array.from({ length: drivers }, drive),
      runtime.killWorkers(Math.min(6000, seconds * 150), end - 1300),
      measure,
    ]);
    report.memory.late = resident();
    report.workersKilled = runtime.workersKilled;
    await Bun.sleep(300);
    report.wrong.push(...await runtime.leftOver(/^soak:/), ...growth(report.memory));
    return report;
  } finally {
    await runtime.stop();
  }
}
