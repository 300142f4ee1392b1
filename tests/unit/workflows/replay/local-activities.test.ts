/** Whatever what runs local activities does, the run hears of an outcome. */
import { expect, test } from "bun:test";
import type { ScheduleLocalActivity } from "../../../../src/workflows/engine/command.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import {
  LocalActivities,
  type LocalAttempt,
  type LocalRunner,
} from "../../../../src/workflows/replay/local-activities.ts";

/** Local activities under a clock of their own, with one that was asked for. */
function begin(runner: Partial<LocalRunner>, options: ScheduleLocalActivity["options"] = {}) {
  let now = 1000;
  const timers: { due: number; fire: () => void }[] = [];
  const platform = {
    now: () => now,
    setTimer(delay: number, fire: () => void) {
      const timer = { due: now + delay, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
    },
  };
  const attempts: LocalAttempt[] = [];
  const locals = new LocalActivities(platform, {
    start: (attempt) => void attempts.push(attempt),
    failed: () => {},
    cancel: () => {},
    ...runner,
  });
  locals.introduce("run", {
    workflowId: "w",
    runId: "run",
    firstRunId: "run",
    entry: "app:order",
    hostId: "app:durable",
    pid: "p",
    args: new Uint8Array(),
    randomSeed: 1,
    attempt: 1,
  });
  locals.note("run", [{
    type: "schedule_local_activity",
    at: "app:order:1",
    seq: 1,
    entry: "app:step",
    args: [],
    attempt: 1,
    originalScheduleTime: now,
    options,
  }]);
  locals.begin("run");
  return {
    locals,
    attempts,
    outcome: () => locals.next("run", Infinity),
    /** Fires the next timer; what it raises is what the thread would see. */
    fire() {
      timers.sort((left, right) => left.due - right.due);
      const timer = timers.shift()!;
      now = Math.max(now, timer.due);
      try {
        timer.fire();
      } catch (error) {
        return error;
      }
      return undefined;
    },
  };
}

const once = { retryPolicy: { maximumAttempts: 1 } };

function fails(): never {
  throw new Error("out of order");
}

test("an attempt that cannot begin is a failure", async () => {
  const { outcome } = begin({ start: fails }, once);
  expect(await outcome()).toMatchObject({ seq: 1, failure: { message: "out of order" } });
});

test("a later attempt that cannot begin is one too", async () => {
  let begun = 0;
  const starting = (attempt: LocalAttempt) => {
    if (++begun > 1) fails();
    first = attempt.token;
  };
  let first = "";
  const { locals, outcome, fire } = begin({ start: starting }, {
    retryPolicy: { maximumAttempts: 2 },
  });
  locals.answered(first, undefined, new WippyError("Internal", "once"));
  expect(fire()).toBeUndefined();
  expect(begun).toBe(2);
  expect(await outcome()).toMatchObject({ attempt: 2, failure: { message: "out of order" } });
});

test("a log that fails hides neither the outcome nor the next attempt", async () => {
  const last = begin({ failed: fails }, { ...once, startToCloseTimeout: 50 });
  expect(last.fire()).toMatchObject({ message: "out of order" });
  expect(await last.outcome()).toMatchObject({ failure: { kind: "Timeout" } });

  const retried = begin({ failed: fails }, {
    startToCloseTimeout: 50,
    retryPolicy: { maximumAttempts: 2 },
  });
  retried.fire();
  expect(retried.attempts).toHaveLength(1);
  retried.fire();
  expect(retried.attempts).toHaveLength(2);
});

test("an attempt that cannot be ended has timed out all the same", async () => {
  const { outcome, fire } = begin({ cancel: fails }, { ...once, startToCloseTimeout: 50 });
  expect(fire()).toMatchObject({ message: "out of order" });
  expect(await outcome()).toMatchObject({ failure: { kind: "Timeout" } });
});
