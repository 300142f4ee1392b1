import { expect, test } from "bun:test";
import type { Job } from "../../../../src/testing/jobs/job.ts";
import { Schedule } from "../../../../src/testing/jobs/schedule.ts";
import type { TestFile } from "../../../../src/testing/library/library.ts";
import type { TestReport } from "../../../../src/testing/reporters/reporters.ts";

const file = (path: string): TestFile => ({ path, code: "", imports: {} });

/** A job that notes what it does; each test of the file named `slow` waits for the event that is given. */
function jobThatNotes(tests: number, slow = Promise.resolve()): { job: Job; done: string[] } {
  const done: string[] = [];
  const job: Job = {
    list: ({ path }) => {
      done.push(`list ${path}`);
      const cases = Array.from({ length: tests }, (_, at) => ({ path: [`${at}`], pending: false }));
      return Promise.resolve(cases);
    },
    run: async ({ path }, index) => {
      done.push(`${path} ${index}`);
      if (path === "slow") await slow;
      return { outcome: { crashes: 0, logs: [] }, seed: 1, duration: 0 };
    },
  };
  return { job, done };
}

function scheduleOf(...paths: string[]): { schedule: Schedule; told: string[] } {
  const told: string[] = [];
  const tell = ({ file, path }: TestReport) => void told.push(`${file} ${path}`);
  const plan = { files: paths.map(file), seed: 1, wanted: () => true, tell };
  return { schedule: new Schedule(plan), told };
}

test("a job stays at its file while there are others", async () => {
  const { schedule, told } = scheduleOf("a", "b");
  const [one, other] = [jobThatNotes(2), jobThatNotes(2)];
  await Promise.all([schedule.work(one.job), schedule.work(other.job)]);
  expect([one.done, other.done]).toEqual([
    ["list a", "a 0", "a 1"],
    ["list b", "b 0", "b 1"],
  ]);
  expect(told).toEqual(["a 0", "a 1", "b 0", "b 1"]);
});

test("a job that has nothing left helps with the file of another", async () => {
  const { schedule, told } = scheduleOf("slow", "b");
  const waiting = Promise.withResolvers<void>();
  const [one, other] = [jobThatNotes(3, waiting.promise), jobThatNotes(3)];
  const both = Promise.all([schedule.work(one.job), schedule.work(other.job)]);
  await schedule.work(jobThatNotes(3).job);
  waiting.resolve();
  await both;
  expect(one.done).toEqual(["list slow", "slow 0"]);
  expect(told).toEqual(["slow 0", "slow 1", "slow 2", "b 0", "b 1", "b 2"]);
});
