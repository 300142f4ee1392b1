/** Steps that a worker takes ahead of the journal: the outcome of an attempt and the task that it brings, in one commit. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { pack } from "../../../../../src/vm/codec.ts";
import { packCommands, packPlain } from "../../../../../src/workflows/history/history.ts";
import type { ActivityTask, RunAhead } from "../../../../../src/workflows/tasks/tasks.ts";
import {
  Runtime,
  type RuntimeOptions,
  settle,
  VirtualMachine,
} from "../../../../conformance/runtime.ts";
import type { Script } from "../../../../conformance/scripted-engine.ts";
import { SqlitePlace } from "../../../../conformance/sqlite-place.ts";

let places: SqlitePlace[] = [];
let runtimes: Runtime[] = [];
let machine: VirtualMachine;

beforeEach(() => {
  machine = new VirtualMachine();
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

async function open(runsAhead: boolean, options: RuntimeOptions): Promise<Runtime> {
  const place = new SqlitePlace({}, { runsAhead });
  places.push(place);
  const runtime = await Runtime.open({ place, machine, ...options });
  runtimes.push(runtime);
  return runtime;
}

const tenSteps: Script = function* (run) {
  let last: unknown;
  for (let i = 1; i <= 10; i++) last = yield run.activity("app:echo", [i]);
  return last as number;
};
const echo = { "app:echo": (_: ActivityTask, value: unknown) => value as number };

/** A workflow whose activity the test ends, and what the journal said about it. */
async function waiting(script?: Script) {
  const runtime = await open(false, {
    scripts: {
      "app:wait": script ?? function* (run) {
        const value = yield run.activity("app:slow");
        return value;
      },
    },
    activities: { "app:slow": () => new Promise<never>(() => {}) },
  });
  const { runId } = await runtime.start("app:wait", [], { workflowId: "w" });
  await settle();
  const [task] = runtime.attempts;
  const { token, ahead } = task!;
  return { runtime, runId, token, ahead: ahead! };
}

/** A step that ends the run with a value. */
const ending = (token: string, { next }: RunAhead, more = {}) => ({
  type: "step" as const,
  step: {
    outcomes: [{ token, data: packPlain({ seq: 1, attempt: 1, value: pack("outcome") }) }],
    next,
    time: machine.now(),
    commands: packCommands([{ type: "complete_workflow", result: "from the step", at: "" }]),
    logs: true,
    more: false,
    ...more,
  },
});

test("a history is the same with and without", async () => {
  const histories = [];
  for (const runsAhead of [false, true]) {
    const runtime = await open(runsAhead, { scripts: { "app:ten": tenSteps }, activities: echo });
    let tasks = 0;
    const { onTask } = runtime;
    runtime.onTask = (task) => {
      tasks++;
      onTask(task);
    };
    const { runId } = await runtime.start("app:ten", [], { workflowId: "t" });
    await settle(100);
    expect(await runtime.result("t")).toBe(10);
    const history = await runtime.history(runId);
    histories.push(history.map(({ id, type, data }) => ({
      id,
      type,
      data: type === "ExecutionStarted" ? {} : data,
    })));
    expect([runsAhead, tasks, runtime.steps.length]).toEqual(
      runsAhead ? [true, 1, 10] : [false, 11, 0],
    );
    // At its end, and not before.
    expect(runtime.evicted).toEqual([runId]);
  }
  expect(histories[1]).toEqual(histories[0]!);
});

describe("an attempt may be run ahead of", () => {
  test("also if its run waits for others", async () => {
    const runtime = await open(false, {
      scripts: {
        "app:two": function* (run) {
          const both = [run.activity("app:echo", [1]), run.activity("app:echo", [2])];
          for (const one of both) yield one;
          return 0;
        },
      },
      activities: echo,
    });
    await runtime.start("app:two");
    await settle();
    const [one, other] = runtime.attempts.map(({ ahead }) => ahead);
    expect(one).toBeDefined();
    expect(other).toEqual(one!);
  });

  test("and not where a message has come, whose task is out", async () => {
    const { runtime, ahead } = await waiting();
    expect(ahead.since).toBeGreaterThan(0);
    runtime.answering = false;
    await runtime.signal("w", "hello");
    await settle();
    // The next attempt of the same activity.
    runtime.completeActivity(runtime.attempts[0]!.token, {
      status: "failed",
      failure: { kind: "Internal", message: "again" },
    });
    await machine.advance(2_000);
    expect(runtime.attempts.map(({ attempt, ahead: allowed }) => [attempt, allowed === undefined]))
      .toEqual([[1, false], [2, true]]);
  });
});

describe("a step", () => {
  test("is taken whole where the run stands as the worker was told", async () => {
    const { runtime, runId, token, ahead } = await waiting();
    runtime.queue.answer(ending(token, ahead));
    expect(await runtime.result("w")).toBe("from the step");
    expect(runtime.settled).toEqual([runId]);
    expect(runtime.evicted).toEqual([runId]);
  });

  const changes: Record<
    string,
    (token: string, ahead: RunAhead, r: Runtime) => void | Promise<void>
  > = {
    "a message has come": async (token, ahead, r) => {
      await r.signal("w", "hello");
      await settle();
      r.queue.answer(ending(token, ahead));
    },
    "a message comes in the same transaction": async (token, ahead, r) => {
      const sent = r.signal("w", "hello");
      r.queue.answer(ending(token, ahead));
      await sent;
    },
    "its number is not the next": (token, ahead, r) =>
      r.queue.answer(ending(token, ahead, { next: ahead.next - 1 })),
    "it is of another attempt": (token, ahead, r) => {
      r.queue.answer(ending(token.replace(/\d+$/, "7"), ahead));
      r.completeActivity(token, { status: "completed", value: pack("outcome") });
    },
  };
  test.each(Object.entries(changes))(
    "counts as an outcome alone where %s",
    async (_, change) => {
      const { runtime, runId, token, ahead } = await waiting();
      await change(token, ahead, runtime);
      await settle();
      expect(await runtime.result("w")).toBe("outcome");
      // For the step, and at the end.
      expect(runtime.evicted).toEqual([runId, runId]);
      expect(runtime.settled).toEqual([]);
    },
  );

  test("of a closed run changes nothing", async () => {
    const { runtime, runId, token, ahead } = await waiting();
    await runtime.provider.terminate("w", {});
    runtime.queue.answer(ending(token, ahead));
    await settle();
    expect((await runtime.closed("w")).status).toBe("terminated");
    expect((await runtime.eventTypes(runId)).at(-1)).toBe("ExecutionTerminated");
  });

  test("is taken when its commands go on", async () => {
    const { runtime, token, ahead } = await waiting(function* (run) {
      yield run.activity("app:slow");
      yield run.sleep(1_000);
      return "slept";
    });
    const { time, next, since } = { ...ahead, time: machine.now() };
    expect(since).toBeLessThan(next);
    const commands = packCommands([{ type: "start_timer", seq: 1, duration: 1_000, at: "" }]);
    runtime.queue.answer(ending(token, ahead, { time, commands }));
    await machine.advance(1_000);
    // The worker of this test has not run ahead, and so has to replay.
    expect(await runtime.result("w")).toBe("slept");
  });
});

describe("several attempts of a run", () => {
  const wide: Script = function* (run) {
    const all = [1, 2, 3, 4, 5, 6].map((n) => run.activity("app:work", [n]));
    let sum = 0;
    for (const one of all) sum += Number(yield one);
    return sum;
  };
  const apart = (tasks: { count: number }, runtime: Runtime) => {
    const { onTask } = runtime;
    runtime.onTask = (task) => {
      tasks.count++;
      onTask(task);
    };
  };

  test("that end together are one step", async () => {
    const runtime = await open(true, {
      scripts: { "app:wide": wide },
      activities: { "app:work": (_, n) => n as number },
    });
    const tasks = { count: 0 };
    apart(tasks, runtime);
    const { runId } = await runtime.start("app:wide", [], { workflowId: "w" });
    expect(await runtime.result("w")).toBe(21);
    expect(runtime.steps.map(({ outcomes }) => outcomes.length)).toEqual([6]);
    expect(tasks.count).toBe(1);
    expect((await runtime.eventTypes(runId)).slice(-9)).toEqual([
      ...Array<string>(6).fill("ActivityCompleted"),
      "TaskStarted",
      "TaskCompleted",
      "ExecutionCompleted",
    ]);
  });

  test("that end one after another are a step each, and those that end meanwhile one together", async () => {
    const release: (() => void)[] = [];
    const runtime = await open(true, {
      scripts: { "app:wide": wide },
      activities: {
        "app:work": (_, n) =>
          new Promise<number>((resolve) => {
            release.push(() => resolve(n as number));
          }),
      },
    });
    const tasks = { count: 0 };
    apart(tasks, runtime);
    const { runId } = await runtime.start("app:wide", [], { workflowId: "w" });
    await settle();
    release[1]!();
    await settle();
    release[0]!();
    await settle();
    for (const end of release.slice(2)) end();
    expect(await runtime.result("w")).toBe(21);
    expect(runtime.steps.map(({ outcomes, more }) => [outcomes.length, more])).toEqual([
      [1, true],
      [1, true],
      [4, false],
    ]);
    expect(tasks.count).toBe(1);
    expect(await runtime.provider.run(runId)).toMatchObject({ status: "completed" });
  });

  test("are the provider's when something else comes to the run", async () => {
    const release: (() => void)[] = [];
    const runtime = await open(true, {
      scripts: { "app:wide": wide },
      activities: {
        "app:work": (_, n) =>
          new Promise<number>((resolve) => {
            release.push(() => resolve(n as number));
          }),
      },
    });
    await runtime.start("app:wide", [], { workflowId: "w" });
    await settle();
    const { answer } = runtime.queue;
    let signaled = false;
    runtime.queue.answer = (said) => {
      // The signal is in the journal before the step, whose outcomes the others wait for.
      if (said.type === "step" && !signaled) {
        signaled = true;
        void runtime.signal("w", "hello");
        for (const end of release.slice(2)) end();
      }
      answer.call(runtime.queue, said);
    };
    release[0]!();
    await settle();
    release[1]!();
    expect(await runtime.result("w")).toBe(21);
    expect(signaled).toBe(true);
    expect(runtime.reports).toEqual([]);
  });

  test("of which some fail", async () => {
    let failures = 0;
    const runtime = await open(true, {
      scripts: {
        "app:some": function* (run) {
          const all = [1, 2, 3, 4].map((n) =>
            run.activity("app:work", [n], { retryPolicy: { initialInterval: 1_000 } })
          );
          let sum = 0;
          for (const one of all) sum += Number(yield one);
          return sum;
        },
      },
      activities: {
        "app:work": ({ attempt }, n) => {
          if (n !== 2 || attempt > 2) return n as number;
          failures++;
          throw new Error("not yet");
        },
      },
    });
    await runtime.start("app:some", [], { workflowId: "s" });
    await settle();
    await machine.advance(10_000);
    expect(await runtime.result("s")).toBe(10);
    expect(failures).toBe(2);
    expect(runtime.steps.map(({ outcomes }) => outcomes.length)).toEqual([3, 1]);
  });
});

test("what code logs while it is ahead is written when the journal has its step, and dropped with it", async () => {
  const lines: string[] = [];
  const runtime: Runtime = await open(true, {
    scripts: {
      "app:logs": function* (run) {
        runtime.log(run.start.pid, "began");
        runtime.log(run.start.pid, String(yield run.activity("app:echo", ["first"])));
        runtime.log(run.start.pid, String(yield run.activity("app:signals", ["second"])));
        return 0;
      },
    },
    activities: {
      ...echo,
      // The message is in the journal before the step is: the step is refused.
      "app:signals": async (_, value) => {
        await runtime.signal("l", "hello");
        return value as string;
      },
    },
  });
  runtime.onLog = (line) => lines.push(line);
  const { answer } = runtime.queue;
  runtime.queue.answer = (said) => {
    if (said.type === "step") lines.push("step");
    answer.call(runtime.queue, said);
  };
  await runtime.start("app:logs", [], { workflowId: "l" });
  await settle(100);
  expect(await runtime.result("l")).toBe(0);
  // The worker that replays logs again what it shows for the first time.
  expect(lines.filter((line) => line !== "step").slice(0, 2)).toEqual(["began", "first"]);
  expect(lines.filter((line) => line === "second")).toHaveLength(1);
  expect(lines.indexOf("step")).toBeLessThan(lines.indexOf("first"));
});

test("code that begins local activities is shown its outcomes by the journal", async () => {
  const runtime = await open(true, {
    scripts: {
      "app:mixed": function* (run) {
        const values = [];
        for (let i = 1; i <= 3; i++) {
          values.push(yield run.activity("app:echo", [i]));
          values.push(yield run.localActivity("app:local", [i]));
        }
        return values.join();
      },
    },
    activities: echo,
    localActivities: { "app:local": (_, value) => value },
  });
  const { runId } = await runtime.start("app:mixed", [], { workflowId: "m" });
  await settle(100);
  expect(await runtime.result("m")).toBe("1,1,2,2,3,3");
  expect(runtime.locals.map(({ args }) => args[0])).toEqual([1, 2, 3]);
  // It was forgotten once, when it began the first one; afterwards that is known.
  expect(runtime.steps).toEqual([]);
  expect(await runtime.provider.run(runId)).toMatchObject({ status: "completed" });
});
