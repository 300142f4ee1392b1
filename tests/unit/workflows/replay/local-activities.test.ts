import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { pack } from "../../../../src/vm/codec.ts";
import {
  packHistory,
  packPlain,
  unpackCommands,
} from "../../../../src/workflows/history/history.ts";
import type { LocalAttempt } from "../../../../src/workflows/replay/local-activities.ts";
import { checkJournal } from "../../../../src/workflows/providers/sqlite/offline/check.ts";
import { WorkflowTaskHandler } from "../../../../src/workflows/replay/replay.ts";
import { Runtime, settle, VirtualMachine } from "../../../conformance/runtime.ts";
import { SqlitePlace, temporaryFolder } from "../../../conformance/sqlite-place.ts";
import { type Script, ScriptedEngine } from "../../../conformance/scripted-engine.ts";
import type { WorkflowTask } from "../../../../src/workflows/tasks/tasks.ts";

let folder: { path: string; remove: () => void };
let machine: VirtualMachine;
beforeEach(() => {
  folder = temporaryFolder();
  machine = new VirtualMachine();
});
afterEach(() => folder.remove());

const path = () => join(folder.path, "journal.db");
const never = () => new Promise<number>(() => {});

describe("on the journal", () => {
  test("a task is held open for a second, then for what comes", async () => {
    const waits: Script = function* (run) {
      const slow = run.localActivity("app:slow");
      const word = yield run.signal();
      return [(word as { name: string }).name, yield slow];
    };
    let end = (_: number) => {};
    const runtime = await Runtime.open({
      place: new SqlitePlace({}, path()),
      machine,
      scripts: { "app:w": waits },
      localActivities: { "app:slow": () => new Promise<number>((resolve) => end = resolve) },
    });
    const { runId } = await runtime.start("app:w", [], { workflowId: "w" });
    await machine.advance(999);
    const first = ["ExecutionStarted", "TaskStarted"];
    expect(await runtime.eventTypes(runId)).toEqual(first);
    await machine.advance(1);
    const second = [...first, "TaskCompleted", "LocalActivityScheduled", "TaskStarted"];
    expect(await runtime.eventTypes(runId)).toEqual(second);
    await machine.advance(5_000);
    expect(await runtime.eventTypes(runId)).toEqual(second);
    expect((await runtime.provider.run(runId))?.pendingActivities).toMatchObject([
      { seq: 1, activityId: "1", entry: "app:slow", state: "local", attempt: 1 },
    ]);
    await runtime.signal("w", "word");
    await settle();
    const third = [...second, "ExecutionSignaled", "TaskCompleted", "TaskStarted"];
    expect(await runtime.eventTypes(runId)).toEqual(third);
    expect(runtime.engine.activations.at(-1)?.jobs).toMatchObject([{ name: "word" }]);
    const result = runtime.result("w");
    end(3);
    expect(await result).toEqual(["word", 3]);
    expect(await runtime.eventTypes(runId)).toEqual([
      ...third,
      "TaskCompleted",
      "LocalActivityRecorded",
      "ExecutionCompleted",
    ]);
    expect(runtime.locals).toHaveLength(1);
    await runtime.provider.close();
  });

  test("what the code asked for beside them waits for 20 ms only", async () => {
    const both: Script = function* (run) {
      const slow = run.localActivity("app:slow");
      yield run.activity("app:quick");
      return yield slow;
    };
    const runtime = await Runtime.open({
      place: new SqlitePlace({}, path()),
      machine,
      scripts: { "app:w": both },
      localActivities: { "app:slow": never },
      activities: { "app:quick": () => 1 },
    });
    await runtime.start("app:w", [], { workflowId: "w" });
    await machine.advance(19);
    expect(runtime.attempts).toHaveLength(0);
    await machine.advance(1);
    expect(runtime.attempts).toHaveLength(1);
    await runtime.provider.close();
  });

  test("one that is asked to end and does not listen is canceled", async () => {
    const script: Script = function* (run) {
      const slow = run.localActivity("app:slow", [], {
        cancellationType: "wait_cancellation_completed",
      });
      yield run.sleep(100);
      run.cancelLocalActivity(slow.seq);
      try {
        return yield slow;
      } catch (error) {
        return (error as Error).message;
      }
    };
    for (const listening of [false, true]) {
      const runtime = await Runtime.open({
        place: new SqlitePlace({}, join(folder.path, `${listening}.db`)),
        machine,
        scripts: { "app:w": script },
        localActivities: { "app:slow": never },
      });
      runtime.listening = listening;
      await runtime.start("app:w", [], { workflowId: "w" });
      const result = runtime.result("w");
      await machine.advance(200);
      if (listening) {
        expect(runtime.asked).toHaveLength(1);
        runtime.taskHandler.answered(runtime.asked[0]!, "finished", undefined);
      }
      expect(await result).toBe(listening ? "finished" : "operation canceled");
      await runtime.provider.close();
    }
  });

  test("tasks that are held open do not keep others from their turn", async () => {
    const runtime = await Runtime.open({
      place: new SqlitePlace({ maxTasks: 2 }, path()),
      machine,
      scripts: {
        "app:holds": function* (run) {
          return yield run.localActivity("app:slow");
        },
        "app:quick": () => "quick",
      },
      localActivities: { "app:slow": never },
    });
    for (const id of ["a", "b"]) await runtime.start("app:holds", [], { workflowId: id });
    await machine.advance(1_000);
    await runtime.start("app:quick", [], { workflowId: "c" });
    const result = runtime.result("c");
    await settle();
    expect(await result).toBe("quick");
    await runtime.provider.close();
  });
});

test("a journal is checked for local activities that ended twice or that no task waits for", async () => {
  const runtime = await Runtime.open({
    place: new SqlitePlace({}, path()),
    machine,
    scripts: {
      "app:w": function* (run) {
        return [yield run.localActivity("app:quick"), yield run.localActivity("app:slow")];
      },
    },
    localActivities: { "app:quick": () => 1, "app:slow": never },
  });
  await runtime.start("app:w", [], { workflowId: "w" });
  await machine.advance(1_000);
  await runtime.provider.close();
  const messages = () => checkJournal(path()).faults.map(({ message }) => message);
  expect(messages()).toEqual([]);

  const database = new Database(path());
  database.run("UPDATE runs SET task_event = 0");
  const noTask = "its row has the task of event 0, its history that of 6";
  expect(messages()).toEqual([
    noTask,
    "LocalActivity 2 has not ended, and no task is open for it",
  ]);
  database.run("UPDATE runs SET next_event = next_event + 1");
  database.run(
    "INSERT INTO events (run, id, type, time, data) " +
      "SELECT run, (SELECT max(id) + 1 FROM events), type, time, data FROM events WHERE type = 'LocalActivityRecorded'",
  );
  database.close();
  expect(messages()).toEqual([
    "event 7, LocalActivityRecorded, decides LocalActivity 1 again",
    expect.stringMatching(/^its row counts \d+ bytes, its history has \d+$/),
    noTask,
    "LocalActivity 2 has not ended, and no task is open for it",
  ]);
});

describe("on a worker", () => {
  const started = {
    workflowId: "w",
    runId: "run",
    firstRunId: "run",
    entry: "app:w",
    hostId: "app:h",
    pid: "{app:h|w}",
    args: pack([]),
    randomSeed: 1,
    attempt: 1,
  };

  function taskOf(runId: string): WorkflowTask {
    const data = (value: unknown) => packPlain(value);
    const history = packHistory([
      { id: 1, time: 1, type: "ExecutionStarted", data: data({ ...started, runId }) },
      { id: 2, time: 2, type: "TaskStarted", data: data({ size: 1 }) },
    ]);
    return { token: "1.1.1", runId, since: 0, history };
  }

  function setUp(script: Script, start: (attempt: LocalAttempt) => void, maxRuns = 1_000) {
    const engine = new ScriptedEngine({ "app:w": script });
    const canceled: string[] = [];
    const runner = { start, failed() {}, cancel: (token: string) => canceled.push(token) };
    return {
      engine,
      canceled,
      taskHandler: new WorkflowTaskHandler(engine, runner, { platform: machine, maxRuns }),
    };
  }

  test("runs that have some under way stay in memory", async () => {
    const { engine, taskHandler } = setUp(
      function* (run) {
        return yield run.localActivity("app:slow");
      },
      () => {},
      1,
    );
    const tasks = ["a", "b", "c"].map((id) => taskHandler.run(taskOf(id)));
    await machine.advance(1_000);
    expect((await Promise.all(tasks)).map(({ outcome }) => outcome)).toMatchObject([
      { type: "completed", forceNewTask: true },
      { type: "completed", forceNewTask: true },
      { type: "completed", forceNewTask: true },
    ]);
    expect(["a", "b", "c"].map((id) => engine.has(id))).toEqual([true, true, true]);
  });

  test("a run that is dropped ends what it has under way, and gives up its task", async () => {
    const { canceled, taskHandler } = setUp(
      function* (run) {
        return yield run.localActivity("app:slow");
      },
      () => {},
    );
    const task = taskHandler.run(taskOf("run"));
    await settle();
    taskHandler.evict("run");
    expect((await task).outcome).toMatchObject({ type: "failed", failure: { cause: "lost" } });
    expect(canceled).toHaveLength(1);
  });

  test("a task has a bounded number of commands", async () => {
    const { taskHandler } = setUp(
      function* (run) {
        for (;;) yield run.localActivity("app:quick");
      },
      ({ token }) => void taskHandler.answered(token, 1, undefined),
    );
    const { outcome } = await taskHandler.run(taskOf("run"));
    if (outcome.type !== "completed") throw new Error(outcome.failure.message);
    expect(outcome.forceNewTask).toBe(true);
    const commands = unpackCommands(outcome.commands);
    // Each has its outcome in the place of two commands; the last one is under way.
    expect(commands).toHaveLength(501);
    expect(commands.at(-1)?.type).toBe("schedule_local_activity");
  });
});
