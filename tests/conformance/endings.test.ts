/** What comes while a run does its last task: it is shown to the code, or its sender is told. */
import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack, unpack } from "../../src/vm/codec.ts";
import { WippyError } from "../../src/vm/error.ts";
import type { TaskCompletion } from "../../src/workflows/tasks/tasks.ts";
import type { Place } from "./place.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";
import { machineOf, Runtime, type RuntimeOptions, settle, type VirtualMachine } from "./runtime.ts";
import { type Script, ScriptError, type ScriptRun } from "./scripted-engine.ts";

/** Ways in which code ends a run; what it has seen is in the outcome. */
const endings: Record<string, (run: ScriptRun, seen: string[]) => unknown> = {
  completes: (_run, seen) => seen,
  fails: (_run, seen) => {
    throw new ScriptError({ kind: "Invalid", message: seen.join(), retryable: false });
  },
  "is canceled": (run, seen) =>
    run.issue({
      type: "cancel_workflow_execution",
      failure: { kind: "Canceled", message: seen.join() },
    }),
  "continues as new": (run, seen) => run.continueAsNew("app:next", seen),
};

const sent = ["signal", "cancel", "update"] as const;

/** Waits for `go`, then ends with what it has been shown. */
function ending(how: string): Script {
  return function* (run) {
    yield run.signal();
    const seen = run.signals.splice(0).map(({ name }) => name);
    if (run.cancelReason !== undefined) seen.push("cancel");
    const ended = endings[how]!(run, seen);
    if (how === "continues as new" || how === "is canceled") yield run.sleep(1);
    return ended as string[];
  };
}

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  let place: Place;
  let machine: VirtualMachine;
  let runtime: Runtime;

  beforeEach(() => {
    place = kind.make();
    machine = machineOf(place);
  });

  afterEach(async () => {
    await runtime.provider.close();
    expect(place.faults()).toEqual([]);
    place.remove();
  });

  async function open(options: RuntimeOptions): Promise<Runtime> {
    return runtime = await Runtime.open({ place, machine, ...options });
  }

  function send(what: typeof sent[number]): Promise<unknown> {
    const { provider } = runtime;
    if (what === "signal") return runtime.signal("w", "late");
    if (what === "cancel") return provider.cancel("w", { reason: "enough", sender: "" });
    const update = { name: "late", args: pack([]), sender: "" };
    return provider.update("w", update, "completed").then(({ failure }) => {
      if (failure) throw WippyError.from(failure);
    });
  }

  /** Holds back the completions of tasks. */
  function held(): TaskCompletion[] {
    const completions: TaskCompletion[] = [];
    runtime.onTask = (task) =>
      void Promise.resolve(runtime.taskHandler.run(task)).then((done) => completions.push(done));
    return completions;
  }

  /** Completes what is held back, and holds nothing back any more. */
  function release(completions: TaskCompletion[]): void {
    runtime.onTask = (task) =>
      void Promise.resolve(runtime.taskHandler.run(task)).then((done) =>
        runtime.completeTask(done)
      );
    for (const done of completions.splice(0)) runtime.completeTask(done);
  }

  async function complete(completions: TaskCompletion[]): Promise<void> {
    for (const done of completions.splice(0)) runtime.completeTask(done);
    await settle();
  }

  /** What the code had seen when it ended. */
  async function outcome(): Promise<string> {
    const closed = await runtime.closed("w");
    return closed.value ? (unpack(closed.value) as string[]).join() : closed.failure!.message;
  }

  const all = Object.keys(endings).flatMap((how) => sent.map((what) => [what, how] as const));

  test.each(all)("a %s that comes while a run %s is seen by its code", async (what, how) => {
    await open({
      scripts: { "app:w": ending(how), "app:next": (_run, seen) => seen },
    });
    await runtime.start("app:w", [], { workflowId: "w" });
    await settle();
    const completions = held();
    await runtime.signal("w", "go");
    await settle();
    expect(completions).toHaveLength(1);
    const answered = send(what).then(() => "shown", (error) => error.kind);
    await settle();
    await complete(completions);
    // The task is done again.
    expect((await runtime.provider.describe("w"))?.status).toBe("running");
    release(completions);
    expect(await outcome()).toBe(what === "cancel" ? "cancel" : "late");
    // An update that the code has seen and not answered is over with its run.
    expect(await answered).toBe(what === "update" ? "Canceled" : "shown");
  });

  test.each(sent)(
    "a %s while the task is done again is refused when the run ends",
    async (what) => {
      await open({ scripts: { "app:w": ending("completes") } });
      await runtime.start("app:w", [], { workflowId: "w" });
      await settle();
      const completions = held();
      await runtime.signal("w", "go");
      await settle();
      await runtime.signal("w", "first");
      await complete(completions);
      const answered = send(what).then(() => "taken", (error) => error.kind);
      await settle();
      await complete(completions);
      expect(await outcome()).toBe("first");
      expect(await answered).toBe("NotFound");
    },
  );

  test.each(sent)(
    "a %s while the task is done again is taken when the run goes on",
    async (what) => {
      const script: Script = function* (run) {
        yield run.signal();
        // It ends only where nothing has come meanwhile.
        if (run.signals.length === 0) return [];
        run.signals.splice(0);
        if (run.signals.length === 0 && run.cancelReason === undefined) {
          yield what === "cancel" ? run.canceled() : run.signal();
        }
        return ["late"];
      };
      await open({ scripts: { "app:w": script } });
      await runtime.start("app:w", [], { workflowId: "w" });
      await settle();
      const completions = held();
      await runtime.signal("w", "go");
      await settle();
      await runtime.signal("w", "first");
      await complete(completions);
      const answered = send(what).then(() => "taken", (error) => error.kind);
      await settle();
      release(completions);
      expect(await outcome()).toBe("late");
      expect(await answered).toBe(what === "update" ? "Canceled" : "taken");
    },
  );

  test("who waits while the task is done again is told when the run is terminated", async () => {
    await open({ scripts: { "app:w": ending("completes") } });
    await runtime.start("app:w", [], { workflowId: "w" });
    await settle();
    const completions = held();
    await runtime.signal("w", "go");
    await settle();
    await runtime.signal("w", "first");
    await complete(completions);
    const answered = send("signal").then(() => "taken", (error) => error.kind);
    await settle();
    await runtime.provider.terminate("w", {});
    expect(await answered).toBe("NotFound");
  });

  test("a flood of signals does not keep a run from ending, and each that was taken is seen", async () => {
    await open({
      scripts: {
        "app:w": function* (run) {
          yield run.sleep(1_000);
          return run.signals.splice(0).length;
        },
      },
    });
    await runtime.start("app:w", [], { workflowId: "w" });
    let taken = 0;
    const flood = (async () => {
      try {
        for (;;) {
          await runtime.signal("w", "more");
          taken++;
        }
      } catch (error) {
        return (error as { kind: string }).kind;
      }
    })();
    await machine.advance(1_000);
    expect(await flood).toBe("NotFound");
    expect(await runtime.result("w")).toBe(taken);
  });

  test("what the code has not received goes on to the run that it continues as", async () => {
    await open({
      scripts: {
        "app:w": function* (run) {
          yield run.signal();
          run.issue({
            type: "continue_as_new",
            entry: "app:next",
            args: [],
            messages: run.signals.splice(0),
            cancelRequest: { sender: "{a|1}", reason: "enough" },
          });
          return yield run.sleep(1);
        },
        "app:next": function* (run) {
          const reason = yield run.canceled();
          return [
            reason,
            ...run.signals.splice(0).map((
              { name, sender, payloads },
            ) => [name, sender, ...payloads]),
          ];
        },
      },
    });
    runtime.answering = false;
    await runtime.start("app:w", [], {
      workflowId: "w",
      messages: [
        { name: "go", payloads: pack([]), sender: "" },
        { name: "a", payloads: pack([1, 2]), sender: "{a|1}" },
        { name: "b", payloads: pack([]), sender: "{b|1}" },
      ],
    });
    await settle();
    runtime.answering = true;
    await runtime.signal("w", "c", 3);
    await machine.advance(60_000);
    expect(await runtime.result("w")).toEqual([
      "enough",
      ["a", "{a|1}", 1, 2],
      ["b", "{b|1}"],
      ["c", "{t|1}", 3],
    ]);
  });
});
