/** Tasks that are out before what they show is durable: a start or a signal is in one commit with what the code does. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { pack } from "../../../../../src/vm/codec.ts";
import type { ProviderPlatform } from "../../../../../src/workflows/provider.ts";
import type { SqliteProviderOptions } from "../../../../../src/workflows/providers/sqlite/sqlite.ts";
import type { WorkflowTask } from "../../../../../src/workflows/tasks/tasks.ts";
import {
  refusal,
  Runtime,
  type RuntimeOptions,
  settle,
  VirtualMachine,
} from "../../../../conformance/runtime.ts";
import type { Script } from "../../../../conformance/scripted-engine.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";

/** Counts the commits that wrote something. */
class CountingMachine extends VirtualMachine implements ProviderPlatform {
  commits = 0;

  committed(): void {
    this.commits++;
  }
}

let places: SqlitePlace[] = [];
let runtimes: Runtime[] = [];
let machine: CountingMachine;

beforeEach(() => {
  machine = new CountingMachine();
});

afterEach(async () => {
  for (const runtime of runtimes) await runtime.provider.close();
  for (const place of places) {
    expect(place.faults()).toEqual([]);
    place.remove();
  }
  places = [];
  runtimes = [];
});

async function open(
  options: RuntimeOptions,
  own: Partial<SqliteProviderOptions> = { earlyTasks: 5 },
): Promise<Runtime> {
  const place = new SqlitePlace(own, { runsAhead: true });
  places.push(place);
  const runtime = await Runtime.open({ place, machine, ...options });
  runtimes.push(runtime);
  return runtime;
}

/** What the worker is given, in its order; `hold` keeps tasks until they are let go. */
function watched(runtime: Runtime) {
  const tasks: WorkflowTask[] = [];
  const answers: (() => void)[] = [];
  const state = { tasks, answers, hold: false };
  const { taskHandler } = runtime;
  const run = taskHandler.run.bind(taskHandler);
  taskHandler.run = async (task) => {
    tasks.push(task);
    const completion = await run(task);
    if (state.hold) await new Promise<void>((resolve) => void answers.push(resolve));
    return completion;
  };
  return state;
}

const echo = { "app:echo": (_: unknown, value: unknown) => value as number };
const tenSteps: Script = function* (run) {
  let last: unknown;
  for (let i = 1; i <= 10; i++) last = yield run.activity("app:echo", [i]);
  return last as number;
};
const counting: Script = function* (run) {
  let signals = 0;
  for (;;) {
    yield run.signal();
    runtimes[0]!.log(run.start.pid, `${++signals}`);
    if (signals === 3) return signals;
  }
};

test("a start and its first task are one commit, and the history is the same", async () => {
  const histories = [];
  for (const earlyTasks of [0, 5]) {
    const runtime = await open(
      { scripts: { "app:ten": tenSteps }, activities: echo },
      { earlyTasks },
    );
    machine.commits = 0;
    const { runId } = await runtime.start("app:ten", [], { workflowId: "t" });
    expect(await runtime.result("t")).toBe(10);
    expect(machine.commits).toBe(earlyTasks ? 11 : 12);
    histories.push((await runtime.history(runId)).map(({ id, type, data }) => ({
      id,
      type,
      data: type === "ExecutionStarted" ? {} : data,
    })));
  }
  expect(histories[1]).toEqual(histories[0]!);
});

test("a signal and its task are one commit; logs of the code wait for it", async () => {
  const runtime = await open({ scripts: { "app:w": counting } });
  const worker = watched(runtime);
  const lines: string[] = [];
  runtime.onLog = (line) => lines.push(line);
  await runtime.start("app:w", [], { workflowId: "w" });
  machine.commits = 0;
  worker.hold = true;
  let answered = false;
  const sent = runtime.signal("w", "one").then(() => answered = true);
  await settle();
  expect(worker.answers).toHaveLength(1);
  expect([answered, lines, machine.commits]).toEqual([false, [], 0]);
  worker.hold = false;
  worker.answers[0]!();
  await sent;
  await settle();
  expect([answered, lines, machine.commits]).toEqual([true, ["1"], 1]);
  await Promise.all([runtime.signal("w", "two"), runtime.signal("w", "three")]);
  expect(await runtime.result("w")).toBe(3);
  expect(lines).toEqual(["1", "2", "3"]);
  expect(machine.commits).toBe(2);
  expect(worker.tasks.map(({ early, since }) => [early, since > 0])).toEqual([
    [true, false],
    [true, true],
    [true, true],
  ]);
});

test("an update, its outcome and what the code does then are one commit, and so is a cancellation", async () => {
  const runtime = await open({
    scripts: {
      "app:w": function* (run) {
        const { sender: updateId } = (yield run.signal()) as { sender: string };
        run.issue({ type: "accept_update", updateId });
        run.issue({ type: "complete_update", updateId, value: "done" });
        const reason = yield run.canceled();
        return reason as string;
      },
    },
  });
  const { runId } = await runtime.start("app:w", [], { workflowId: "w" });
  machine.commits = 0;
  const request = { name: "set", updateId: "u", args: pack([]), sender: "" };
  const result = await runtime.provider.update("w", request, "completed");
  expect(result).toEqual({ updateId: "u", runId, status: "completed", value: pack("done") });
  expect(machine.commits).toBe(1);
  await runtime.provider.cancel("w", { reason: "enough", sender: "" });
  expect(await runtime.result("w")).toBe("enough");
  expect(machine.commits).toBe(2);
});

test("what comes meanwhile is in the same commit", async () => {
  const runtime = await open({ scripts: { "app:w": counting } });
  const worker = watched(runtime);
  worker.hold = true;
  machine.commits = 0;
  const first = runtime.start("app:w", [], { workflowId: "w" });
  await settle();
  const second = runtime.start("app:w", [], { workflowId: "v" });
  const sent = ["w", "w", "v"].map((to) => runtime.signal(to, "more"));
  const refused = refusal(runtime.signal("nobody", "more"));
  await settle();
  expect([worker.answers.length, machine.commits]).toEqual([2, 0]);
  worker.hold = false;
  for (const answer of worker.answers) answer();
  await Promise.all([first, second, ...sent]);
  expect([(await refused).kind, machine.commits]).toEqual(["NotFound", 1]);
  await Promise.all(["w", "v", "v"].map((to) => runtime.signal(to, "last")));
  expect([await runtime.result("w"), await runtime.result("v")]).toEqual([3, 3]);
  const types = await runtime.eventTypes((await first).runId);
  expect(types).toEqual([
    "ExecutionStarted",
    "TaskStarted",
    "ExecutionSignaled",
    "ExecutionSignaled",
    "TaskCompleted",
    "TaskStarted",
    "TaskCompleted",
    "ExecutionSignaled",
    "TaskStarted",
    "TaskCompleted",
    "ExecutionCompleted",
  ]);
});

describe("a commit does not wait", () => {
  test("longer than it may", async () => {
    const runtime = await open({ scripts: { "app:w": counting } });
    const worker = watched(runtime);
    worker.hold = true;
    let started = false;
    const start = runtime.start("app:w", [], { workflowId: "w" }).then(() => started = true);
    await machine.advance(4);
    expect(started).toBe(false);
    await machine.advance(1);
    expect(started).toBe(true);
    await start;
    worker.hold = false;
    worker.answers[0]!();
    for (const name of ["a", "b", "c"]) await runtime.signal("w", name);
    expect(await runtime.result("w")).toBe(3);
    // It was not given twice.
    expect(worker.tasks.filter(({ since }) => since === 0)).toHaveLength(1);
  });

  const others: Record<string, (runtime: Runtime) => Promise<unknown>> = {
    "a question": (runtime) => runtime.provider.describe("w"),
    "the end of the run": (runtime) => runtime.provider.terminate("w", {}),
    "the end of the worker": (runtime) => {
      runtime.provider.disconnect(0, { kind: "Unavailable", message: "it died" });
      return settle();
    },
    "the end of the runtime": (runtime) => runtime.provider.close(),
  };
  test.each(Object.entries(others))("while there is %s", async (_name, act) => {
    const runtime = await open({ scripts: { "app:w": counting } });
    watched(runtime).hold = true;
    let started = false;
    const start = runtime.start("app:w", [], { workflowId: "w" }).then(() => started = true);
    await settle();
    expect(started).toBe(false);
    await act(runtime);
    expect(started).toBe(true);
    await start;
  });
});

test("code that begins local activities does so when its start is durable, and is not early again", async () => {
  const mixed: Script = function* (run) {
    runtimes[0]!.log(run.start.pid, "began");
    return yield run.localActivity("app:local", [1]);
  };
  const commits: number[] = [];
  const runtime = await open({
    scripts: { "app:mixed": mixed },
    localActivities: {
      "app:local": (_, value) => {
        commits.push(machine.commits);
        return value;
      },
    },
  });
  const worker = watched(runtime);
  const lines: string[] = [];
  runtime.onLog = (line) => lines.push(line);
  machine.commits = 0;
  await runtime.start("app:mixed", [], { workflowId: "m" });
  expect(await runtime.result("m")).toBe(1);
  // After the commit of the start: an effect does not come of what may not be.
  expect(commits).toEqual([1]);
  expect(lines).toEqual(["began"]);
  expect(worker.tasks.map(({ early }) => early)).toEqual([true, undefined]);
  await runtime.start("app:mixed", [], { workflowId: "n" });
  expect(await runtime.result("n")).toBe(1);
  expect(worker.tasks.map(({ early }) => early)).toEqual([true, undefined, undefined]);
  expect(runtime.reports).toEqual([]);
});

test("what cannot be committed has not happened, and a late answer to it is void", async () => {
  const runtime = await open({ scripts: { "app:w": counting } }, {
    earlyTasks: 5,
    maxBytes: 400_000,
  });
  const worker = watched(runtime);
  const lines: string[] = [];
  runtime.onLog = (line) => lines.push(line);
  const { runId } = await runtime.start("app:w", [], { workflowId: "w" });
  await runtime.signal("w", "one");
  await settle();
  expect(lines).toEqual(["1"]);

  worker.hold = true;
  const sent = refusal(runtime.signal("w", "two", "x".repeat(1_000_000)));
  await settle();
  expect(worker.answers).toHaveLength(1);
  // The time is over: the commit is tried, and fails.
  await machine.advance(5);
  expect((await sent).kind).toBe("Unavailable");
  expect(runtime.evicted).toEqual([runId]);
  await machine.advance(1_000);
  worker.hold = false;
  const again = runtime.signal("w", "two");
  worker.answers[0]!();
  await again;
  await settle();
  await runtime.signal("w", "three");
  expect(await runtime.result("w")).toBe(3);
  // The script was replayed, and logs its first line whenever it is run.
  expect(lines).toEqual(["1", "1", "2", "3"]);
  const names = (await runtime.history(runId)).flatMap((event) =>
    event.type === "ExecutionSignaled" ? [event.data.name] : []
  );
  expect(names).toEqual(["one", "two", "three"]);
});
