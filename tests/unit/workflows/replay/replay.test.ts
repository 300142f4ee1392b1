import { describe, expect, test } from "bun:test";
import { pack } from "../../../../src/vm/codec.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import {
  type EventData,
  type EventType,
  packHistory,
  packPlain,
  type StoredEvent,
  unpackCommands,
} from "../../../../src/workflows/history/history.ts";
import {
  type ReplayerOptions,
  WorkflowTaskHandler,
} from "../../../../src/workflows/replay/replay.ts";
import { type Script, ScriptedEngine } from "../../../conformance/scripted-engine.ts";
import type { WorkflowTask } from "../../../../src/workflows/tasks/tasks.ts";

/** Builds a history event by event. */
class History {
  readonly events: StoredEvent[] = [];

  add<Type extends EventType>(type: Type, data: EventData[Type]): this {
    const id = this.events.length + 1;
    this.events.push({ id, time: 1_000 * id, type, data: packPlain(data) });
    return this;
  }

  start(entry = "app:w"): this {
    return this.add("ExecutionStarted", {
      workflowId: "w",
      runId: "run",
      firstRunId: "run",
      entry,
      hostId: "app:h",
      pid: "{app:h|w}",
      args: pack(["input"]),
      randomSeed: 1,
      attempt: 1,
    });
  }

  task(): this {
    return this.add("TaskStarted", { size: 10 * this.events.length });
  }

  done(): this {
    return this.add("TaskCompleted", { worker: "w" });
  }
}

function taskOf(events: StoredEvent[], since = 0): WorkflowTask {
  return {
    token: "1.1.1",
    runId: "run",
    since,
    history: packHistory(events),
  };
}

const twoTimers: Script = function* (run, input) {
  yield run.sleep(10);
  yield run.sleep(20);
  return input;
};

function setUp(script = twoTimers, options: ReplayerOptions = {}) {
  const engine = new ScriptedEngine({ "app:w": script });
  const runner = { start: () => {}, failed: () => {}, cancel: () => {} };
  return { engine, taskHandler: new WorkflowTaskHandler(engine, runner, options) };
}

const half = new History().start().task().done().add("TimerStarted", { seq: 1, due: 9 })
  .add("TimerFired", { seq: 1 }).task();

describe("a whole history", () => {
  test("is replayed, and its open task run", async () => {
    const { engine, taskHandler } = setUp();
    const { outcome, token } = await taskHandler.run(taskOf(half.events));
    expect(token).toBe("1.1.1");
    if (outcome.type !== "completed") throw new Error(outcome.failure.message);
    expect(unpackCommands(outcome.commands)).toMatchObject([{ type: "start_timer", seq: 2 }]);
    expect(engine.activations).toEqual([{
      runId: "run",
      timestamp: 6_000,
      replaying: false,
      historyLength: 6,
      historySize: 50,
      jobs: [{ type: "fire_timer", seq: 1 }],
    }]);
  });

  test("drops what the engine had of the run before", async () => {
    const { taskHandler } = setUp();
    await taskHandler.run(taskOf(half.events));
    const again = await taskHandler.run(taskOf(half.events));
    expect(again.outcome.type).toBe("completed");
  });

  test("shows the events of a refused task again", async () => {
    const { engine, taskHandler } = setUp();
    const events = new History().start().task().done().add("TimerStarted", { seq: 1, due: 9 })
      .add("TimerFired", { seq: 1 }).task()
      .add("ExecutionSignaled", { name: "late", payloads: pack([1]), sender: "" })
      .add("TaskFailed", { message: "refused" }).task().events;
    await taskHandler.run(taskOf(events));
    expect(engine.activations[0]?.jobs.map(({ type }) => type)).toEqual([
      "fire_timer",
      "signal_workflow",
    ]);
  });

  test("shows what came during a task with the next one", async () => {
    const { engine, taskHandler } = setUp();
    const events = new History().start().task()
      .add("ExecutionSignaled", { name: "early", payloads: pack([]), sender: "" })
      .done().add("TimerStarted", { seq: 1, due: 9 }).task().events;
    await taskHandler.run(taskOf(events));
    expect(engine.activations[0]?.jobs.map(({ type }) => type)).toEqual(["signal_workflow"]);
  });

  test("that does not match the code is told with both sides", async () => {
    const { engine, taskHandler } = setUp(function* (run) {
      yield run.activity("app:pay");
      return null;
    });
    const { outcome } = await taskHandler.run(taskOf(half.events));
    expect(outcome).toMatchObject({
      type: "failed",
      failure: {
        cause: "nondeterminism",
        expected: { eventId: 4, event: "TimerStarted #1" },
        actual: { command: "schedule_activity #1 app:pay 1", at: "app:w:1" },
      },
    });
    expect(engine.has("run")).toBe(false);
    expect(engine.activations).toEqual([]);
  });
});

describe("what came since a task", () => {
  const live = new History().start().task();
  const rest = [
    { ...new History().add("TimerFired", { seq: 1 }).events[0]!, id: 5 },
    { ...new History().task().events[0]!, id: 6 },
  ];

  test("goes straight to a worker that holds the run", async () => {
    const { engine, taskHandler } = setUp();
    await taskHandler.run(taskOf(live.events));
    const { outcome } = await taskHandler.run(taskOf(rest, 2));
    expect(outcome.type).toBe("completed");
    expect(engine.activations.map(({ replaying }) => replaying)).toEqual([false, false]);
  });

  test.each<
    [string, (taskHandler: WorkflowTaskHandler, engine: ScriptedEngine) => unknown, number]
  >([
    ["has never seen the run", (taskHandler) => taskHandler.evict("run"), 2],
    ["has dropped it", (_replayer, engine) => engine.evict("run"), 2],
    ["has seen another task last", () => {}, 4],
  ])("is refused by a worker that %s", async (_name, prepare, since) => {
    const { engine, taskHandler } = setUp();
    await taskHandler.run(taskOf(live.events));
    prepare(taskHandler, engine);
    const { outcome } = await taskHandler.run(taskOf(rest, since));
    expect(outcome).toMatchObject({ type: "failed", failure: { cause: "cache_miss" } });
  });

  const early = (events: StoredEvent[]) => ({ ...taskOf(events, 2), early: true });

  test("is answered at once when the provider waits for it", async () => {
    const { engine, taskHandler } = setUp();
    await taskHandler.run(taskOf(live.events));
    expect(taskHandler.run(early(rest))).toMatchObject({ outcome: { type: "completed" } });
    // The run stands behind that task now.
    const again = await taskHandler.run(early(rest));
    expect(again.outcome).toMatchObject({ type: "failed", failure: { cause: "cache_miss" } });
    expect(engine.activations).toHaveLength(2);
  });

  test("is answered when code that runs for longer comes to rest, and the next task waits for that", async () => {
    const { engine, taskHandler } = setUp();
    await taskHandler.run(taskOf(live.events));
    const { promise, resolve } = Promise.withResolvers<void>();
    const activate = engine.activate.bind(engine);
    engine.activate = async (activation) => {
      await promise;
      return activate(activation);
    };
    const first = taskHandler.run(early(rest));
    const second = taskHandler.run({
      ...early(rest.map((e) => ({ ...e, id: e.id + 4 }))),
      since: 6,
    });
    expect(first).toBeInstanceOf(Promise);
    expect(second).toBeInstanceOf(Promise);
    resolve();
    expect((await first).outcome.type).toBe("completed");
    expect((await second).outcome.type).toBe("completed");
    expect(engine.activations.map(({ historyLength }) => historyLength)).toEqual([2, 6, 10]);
  });

  test.each<[string, (engine: ScriptedEngine) => void, Uint8Array]>([
    ["an engine that fails", (engine) => {
      engine.activate = () => {
        throw new WippyError("Internal", "broken");
      };
    }, packHistory(rest)],
    ["an engine that fails later", (engine) => {
      engine.activate = () => Promise.reject(new WippyError("Internal", "broken"));
    }, packHistory(rest)],
    ["a damaged history", () => {}, packHistory(rest).subarray(0, -1)],
  ])("is lost with %s, and the run is forgotten", async (_name, prepare, history) => {
    const { engine, taskHandler } = setUp(twoTimers, {
      logs: { begin: () => {}, end: () => false },
    });
    await taskHandler.run(taskOf(live.events));
    prepare(engine);
    const { outcome } = await taskHandler.run({ ...early(rest), history });
    expect(outcome).toMatchObject({ type: "failed", failure: { cause: "lost" } });
    expect(engine.has("run")).toBe(false);
  });
});

describe("of the runs in memory", () => {
  const first = (runId: string) => ({ ...taskOf(new History().start().task().events), runId });

  test("no more are kept than allowed", async () => {
    const { engine, taskHandler } = setUp(twoTimers, { maxRuns: 2 });
    for (const runId of ["a", "b", "c"]) await taskHandler.run(first(runId));
    expect(["a", "b", "c"].map((runId) => engine.has(runId))).toEqual([false, true, true]);
  });

  test("the oldest are dropped when memory is short, a few at a time", async () => {
    let full = false;
    const { engine, taskHandler } = setUp(twoTimers, { isFull: () => full });
    const runs = ["a", "b", "c", "d", "e"];
    for (const runId of runs.slice(0, 4)) await taskHandler.run(first(runId));
    full = true;
    await taskHandler.run(first("e"));
    expect(runs.filter((runId) => engine.has(runId))).toEqual(["c", "d", "e"]);
  });

  test("one that is at work is kept, however old it is", async () => {
    const { engine, taskHandler } = setUp(twoTimers, { maxRuns: 1 });
    await taskHandler.run(first("busy"));
    const { promise, resolve } = Promise.withResolvers<void>();
    const activate = engine.activate.bind(engine);
    engine.activate = async (activation) => {
      const commands = await activate(activation);
      if (activation.runId === "busy") await promise;
      return commands;
    };
    const rest = new History().start().task().add("TimerFired", { seq: 1 }).task().events.slice(2);
    const working = taskHandler.run({ ...taskOf(rest, 2), runId: "busy" });
    await taskHandler.run(first("other"));
    expect(engine.has("busy")).toBe(true);
    resolve();
    expect((await working).outcome.type).toBe("completed");
  });
});

test("what the code does after it has closed the run is left out", async () => {
  const { engine, taskHandler } = setUp(function* (run) {
    run.continueAsNew("app:w");
    yield run.sleep(1);
    return null;
  });
  const { outcome } = await taskHandler.run(taskOf(new History().start().task().events));
  if (outcome.type !== "completed") throw new Error(outcome.failure.message);
  expect(unpackCommands(outcome.commands).map(({ type }) => type)).toEqual(["continue_as_new"]);
  expect(engine.has("run")).toBe(false);
});

test.each([
  ["broke", new Error("trap"), "lost"],
  [
    "says that the code does not fit",
    new WippyError("Internal", "version 1 is not supported", { details: { nondeterminism: true } }),
    "nondeterminism",
  ],
])("an engine that %s fails the task and nothing else", async (_name, error, cause) => {
  const { engine, taskHandler } = setUp();
  engine.activate = () => Promise.reject(error);
  const { outcome } = await taskHandler.run(taskOf(half.events));
  expect(outcome).toMatchObject({ type: "failed", failure: { cause, message: error.message } });
});

test("a stored history is checked without a task", async () => {
  const closed = new History().start().task().done().add("TimerStarted", { seq: 1, due: 9 })
    .add("TimerFired", { seq: 1 }).task().done().add("TimerStarted", { seq: 2, due: 9 })
    .add("TimerFired", { seq: 2 }).task().done().add("ExecutionCompleted", { value: pack(1) });
  const { taskHandler } = setUp();
  expect(await taskHandler.check("run", packHistory(closed.events))).toBeUndefined();
  const other = setUp(function* (run) {
    yield run.sleep(10);
    return 1;
  });
  expect(await other.taskHandler.check("run", packHistory(closed.events))).toMatchObject({
    cause: "nondeterminism",
    expected: { eventId: 8 },
    actual: { command: "complete_workflow" },
  });
});
