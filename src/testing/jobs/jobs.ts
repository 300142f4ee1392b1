/**
 * Runs the tests of an application side by side.
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../../platform/machine.ts";
import type { TestedApplication } from "../world.ts";
import { type JobSettings, OwnJob } from "./job.ts";
import { type Plan, Schedule } from "./schedule.ts";
import { ThreadJob } from "./thread-job.ts";

/** Milliseconds after which tests that are not done are worth more threads. */
const patience = 300;

/** How tests are run side by side. */
export interface JobsSettings extends Omit<JobSettings, "folder"> {
  /** Tests at a time. @default one per core, when they take more than a moment */
  jobs?: number;
}

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** Waits for work, but not for long. */
async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = machine.setTimer(milliseconds, late.resolve);
  await Promise.race([work, late.promise]);
  cancel();
}

/** Runs all tests of a plan; nothing of them is left when it returns, nor when a signal ends the process. */
export async function runJobs(
  application: TestedApplication,
  plan: Plan,
  { jobs, ...given }: JobsSettings,
): Promise<void> {
  const settings = { ...given, folder: mkdtempSync(join(tmpdir(), "wippy-test-")) };
  const threads: ThreadJob[] = [];
  const end = () => {
    for (const thread of threads) thread.end();
    rmSync(settings.folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const handlers = Object.entries(signals).map(([signal, status]) => {
    const handler = () => {
      end();
      process.exit(status);
    };
    process.once(signal, handler);
    return () => process.off(signal, handler);
  });
  try {
    const schedule = new Schedule(plan);
    const own = schedule.work(new OwnJob(application, settings));
    if (jobs === undefined) await atMost(patience, own);
    const work = [own];
    for (let count = jobs ?? availableParallelism(); count > 1 && schedule.isOpen; count--) {
      const thread = new ThreadJob(application, settings);
      threads.push(thread);
      work.push(schedule.work(thread));
    }
    await Promise.all(work);
  } finally {
    for (const remove of handlers) remove();
    end();
  }
}
