/** Which runs can begin anew: decided from their histories. */
import { expect, test } from "bun:test";
import type { EventType, HistoryEvent } from "../../../../src/workflows/history/history.ts";
import { obstacle, startLike, type StoredRun } from "../../../../src/workflows/moving/beginning.ts";

const empty = new Uint8Array();

/** A history with these events after the first one. */
function run(
  more: [EventType, object][] = [],
  { info, ...rest }: Omit<Partial<StoredRun>, "info"> & { info?: object } = {},
): StoredRun {
  const first: [EventType, object] = ["ExecutionStarted", { args: empty }];
  const events = [first, ...more].map(([type, data], index) =>
    ({ id: index + 1, time: 0, type, data }) as HistoryEvent
  );
  return {
    info: {
      workflowId: "w",
      runId: "r",
      firstRunId: "r",
      entry: "app:w",
      hostId: "app:h",
      pid: "",
      status: "running",
      attempt: 1,
      startTime: 1_000,
      historyLength: events.length,
      historySize: 0,
      cancelRequested: false,
      ...info,
    },
    events,
    options: {},
    parentIsOpen: false,
    ...rest,
  };
}

const task: [EventType, object][] = [["TaskStarted", { size: 0 }], ["TaskCompleted", {
  worker: 0,
}]];
const signal: [EventType, object] = ["ExecutionSignaled", {
  name: "n",
  payloads: empty,
  sender: "",
}];
const timer: [EventType, object] = ["TimerStarted", { seq: 1, due: 5 }];

test.each<[string, StoredRun]>([
  ["has not begun", run()],
  ["was shown messages and waits for more", run([...task, signal, ...task])],
  [
    "has said something of itself",
    run([...task, ["AttributesUpserted", {}], ["VersionRecorded", {}]]),
  ],
  ["has given up its timer", run([...task, timer, signal, ...task, ["TimerCanceled", { seq: 1 }]])],
  ["was begun by continue-as-new", run([], { info: { firstRunId: "before" } })],
])("a run that %s can begin anew", (_name, stored) => {
  expect(obstacle(stored, false, 2_000)).toBeUndefined();
});

test.each<[string, StoredRun]>([
  ["it has called app:f (event 4)", run([...task, ["ActivityScheduled", { entry: "app:f" }]])],
  ["it has called app:f (event 2)", run([["LocalActivityRecorded", { entry: "app:f" }]])],
  ["it has started child (event 4)", run([...task, ["ChildInitiated", { workflowId: "child" }]])],
  [
    "it has published a message to app:q (event 4)",
    run([...task, ["MessagePublished", { queue: "app:q" }]]),
  ],
  ["it has sent a message to p (event 4)", run([...task, ["MessageSent", { pid: "p" }]])],
  ["it has asked p to cancel (event 2)", run([["ExternalCancelInitiated", { pid: "p" }]])],
  ["it has received the update u (event 2)", run([["UpdateDelivered", { name: "u" }]])],
  ["another one (event 4)", run([...task, ["SideEffectRecorded", {}]])],
  ["it has waited for a timer (event 5)", run([...task, timer, ["TimerFired", { seq: 1 }]])],
  ["with --restart-timers", run([...task, timer])],
  ["it is attempt 2 of its retry policy", run([], { info: { attempt: 2 } })],
  ["it was asked to cancel", run([], { info: { cancelRequested: true } })],
  ["its parent p waits", run([], { parentIsOpen: true, info: { parentWorkflowId: "p" } })],
  ["its timeout is due", run([], { executionDeadline: 2_000 })],
  ["its timeout is due", run([], { options: { runTimeout: 1_000 } })],
])("a run stays because %s", (why, stored) => {
  expect(obstacle(stored, false, 2_000)).toContain(why);
});

test("a timer may begin anew where that is allowed, unless it has fired", () => {
  expect(obstacle(run([...task, timer]), true, 2_000)).toBeUndefined();
  const fired = run([...task, timer, ["TimerFired", { seq: 1 }]]);
  expect(obstacle(fired, true, 2_000)).toContain("it has waited for a timer");
});

test("the new run has the time that is left", () => {
  const stored = run([], { executionDeadline: 9_000, options: { runTimeout: 5_000 } });
  expect(startLike(stored, "app:h", 2_000).options).toEqual({
    executionTimeout: 7_000,
    runTimeout: 4_000,
  });
  const cron = run([], { heldUntil: 9_000, options: { cronSchedule: "* * * * *" } });
  expect(startLike(cron, "app:h", 2_000).options).toEqual({ cronSchedule: "* * * * *" });
});
