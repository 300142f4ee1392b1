import { WippyError } from "../../vm/error.ts";
import type { TestFile } from "../library/library.ts";
import type { TestReport } from "../reporters/reporters.ts";
import type { TestCase } from "../testing.ts";
import type { Job } from "./job.ts";

interface FileWork {
  file: TestFile;
  state: "new" | "listing" | "listed";
  cases: TestCase[];
  /** Of the next test to be run. */
  next: number;
  /** By the place of the test in the file. */
  reports: (TestReport | "left out" | undefined)[];
  /** How many of them were told. */
  told: number;
}

/** What is to be run, and who is told what came of it. */
export interface Plan {
  files: readonly TestFile[];
  /** Seed of tests that were not run. */
  seed: number;
  /** Whether a test is to be run or reported at all. */
  wanted(path: readonly string[]): boolean;
  /** Hears of each test, in the order of the files and of the tests in them. */
  tell(report: TestReport): void;
}

/** Gives jobs what is to be done next, and tells in order what has come of it. */
export class Schedule {
  readonly #plan: Plan;
  readonly #work: FileWork[];
  /** The files that jobs were at last. */
  readonly #at = new Map<Job, FileWork>();
  #changed = Promise.withResolvers<void>();
  /** The first file of which not all was told. */
  #first = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#work = plan.files.map((file) => ({
      file,
      state: "new",
      cases: [],
      next: 0,
      reports: [],
      told: 0,
    }));
  }

  /** Whether a job that comes now would find something to do, as far as is known. */
  get isOpen(): boolean {
    return this.#work.some(({ state, next, cases }) => state !== "listed" || next < cases.length);
  }

  /** Has a job do what there is, until nothing is left. */
  async work(job: Job): Promise<void> {
    while (job.gone !== true) {
      const task = this.#next(job);
      if (task !== undefined) {
        await task();
        this.#flush();
        this.#changed.resolve();
        this.#changed = Promise.withResolvers();
      } else if (!this.isOpen) return;
      else await this.#changed.promise;
    }
  }

  /** A job stays at its file, then takes up a new one, then helps with another: each job prepares a file anew. */
  #next(job: Job): (() => Promise<void>) | undefined {
    const left = this.#work.slice(this.#first);
    const isReady = ({ next, cases }: FileWork) => next < cases.length;
    const own = this.#at.get(job);
    const work = own && isReady(own)
      ? own
      : left.find(({ state }) => state === "new") ?? left.find(isReady);
    if (!work) return undefined;
    this.#at.set(job, work);
    if (work.state === "new") {
      work.state = "listing";
      return () => this.#list(job, work);
    }
    const index = work.next++;
    return () => this.#run(job, work, index);
  }

  async #list(job: Job, work: FileWork): Promise<void> {
    const { seed } = this.#plan;
    const file = work.file.path;
    try {
      work.cases = await job.list(work.file);
    } catch (error) {
      const message = WippyError.from(error).message.replace(/^failed to execute script: /, "")
        .replace(
          /attempt to yield .*/,
          "the top level of a file cannot wait; wait in a test, or in before()",
        );
      const path = ["the file cannot be loaded"];
      const outcome = { failure: { message }, crashes: 0, logs: [] };
      work.cases = [{ path, pending: true }];
      work.reports = [{ file, path, status: "failed", duration: 0, seed, outcome }];
      work.next = 1;
    }
    work.state = "listed";
  }

  async #run(job: Job, work: FileWork, index: number): Promise<void> {
    const { path, pending } = work.cases[index]!;
    const { seed } = this.#plan;
    const file = work.file.path;
    if (!this.#plan.wanted(path)) {
      work.reports[index] = "left out";
    } else if (pending) {
      work.reports[index] = { file, path, status: "pending", duration: 0, seed };
    } else {
      const done = await job.run(work.file, index).catch((error) => {
        const { message } = WippyError.from(error);
        return { outcome: { failure: { message }, crashes: 0, logs: [] }, seed, duration: 0 };
      });
      const status = done.outcome.failure ? "failed" : "passed";
      work.reports[index] = { file, path, status, ...done };
    }
  }

  #flush(): void {
    for (; this.#first < this.#work.length; this.#first++) {
      const work = this.#work[this.#first]!;
      for (let report; (report = work.reports[work.told]) !== undefined; work.told++) {
        if (report !== "left out") this.#plan.tell(report);
      }
      if (work.state !== "listed" || work.told < work.cases.length) return;
    }
  }
}
