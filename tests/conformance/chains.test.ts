import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack } from "../../src/vm/codec.ts";
import type { LuaValue } from "../../src/vm/value.ts";
import type { StartOptions } from "../../src/workflows/options/options.ts";
import {
  machineOf,
  refusal,
  Runtime,
  type RuntimeOptions,
  settle,
  type VirtualMachine,
} from "./runtime.ts";
import { type Script, ScriptError } from "./scripted-engine.ts";
import type { Place } from "./place.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  let place: Place;
  let machine: VirtualMachine;
  let runtime: Runtime | undefined;

  beforeEach(() => {
    place = kind.make();
    machine = machineOf(place);
  });

  afterEach(async () => {
    await runtime?.provider.close();
    runtime = undefined;
    expect(place.faults()).toEqual([]);
    place.remove();
  });

  async function open(options: RuntimeOptions): Promise<Runtime> {
    runtime = await Runtime.open({ place, machine, ...options });
    return runtime;
  }

  async function reopen(options: RuntimeOptions): Promise<Runtime> {
    await runtime?.provider.close();
    return open(options);
  }

  const scripts: Record<string, Script> = {
    "app:idle": function* (run) {
      return yield run.signal();
    },
    "app:done": (_run, value) => value,
    "app:fail": () => {
      throw new ScriptError({ kind: "Invalid", message: "no" });
    },
  };

  describe("the policies for a workflow id in use", () => {
    const idle = (options: StartOptions = {}, more = {}) =>
      runtime!.start("app:idle", [], { workflowId: "x", options, ...more });

    test("an open run is handed back by default, and gets the startup messages", async () => {
      const r = await open({ scripts });
      const first = await idle();
      const messages = [{ name: "hello", payloads: pack([1]), sender: "" }];
      const second = await idle({}, { messages });
      expect(second).toEqual({ ...first, existed: true });
      expect(await r.result("x")).toEqual({ name: "hello", payloads: [1], sender: "" });
    });

    test("fail and errorWhenAlreadyStarted refuse it", async () => {
      await open({ scripts });
      await idle();
      expect(await refusal(idle({ idConflictPolicy: "fail" }))).toMatchObject({
        kind: "AlreadyExists",
      });
      expect(await refusal(idle({ errorWhenAlreadyStarted: true }))).toMatchObject({
        kind: "AlreadyExists",
      });
      await settle();
    });

    test("terminate_existing replaces it", async () => {
      const r = await open({ scripts });
      const first = await idle();
      const closed = r.closed("x", first.runId);
      const second = await idle({ idConflictPolicy: "terminate_existing" });
      expect(await closed).toMatchObject({ status: "terminated", runId: first.runId });
      expect(second).toMatchObject({ pid: first.pid, existed: false });
      expect(second.runId).not.toBe(first.runId);
    });

    test("a closed run is followed by a new one by default", async () => {
      const r = await open({ scripts });
      await r.start("app:done", [1], { workflowId: "x" });
      await r.result("x");
      const second = await r.start("app:done", [2], { workflowId: "x" });
      expect(second.existed).toBe(false);
      expect(await r.result("x")).toBe(2);
    });

    test("reject_duplicate and allow_duplicate_failed_only look at the last run", async () => {
      const r = await open({ scripts });
      const failedOnly = { idReusePolicy: "allow_duplicate_failed_only" } as const;
      await r.start("app:fail", [], { workflowId: "x" });
      await r.closed("x");
      const second = await r.start("app:done", [2], { workflowId: "x", options: failedOnly });
      expect(second.existed).toBe(false);
      await r.result("x");
      expect(await r.start("app:done", [3], { workflowId: "x", options: failedOnly })).toEqual({
        ...second,
        existed: true,
      });
      const reject = { idReusePolicy: "reject_duplicate", idConflictPolicy: "fail" } as const;
      expect(await refusal(r.start("app:done", [3], { workflowId: "x", options: reject })))
        .toMatchObject({ kind: "AlreadyExists" });
      const messages = [{ name: "late", payloads: pack([]), sender: "" }];
      expect(
        await refusal(r.start("app:done", [3], { workflowId: "x", options: failedOnly, messages })),
      ).toMatchObject({ kind: "NotFound" });
      await settle();
    });

    test("an id must not be empty nor hold a bar", async () => {
      const r = await open({ scripts });
      for (const workflowId of ["", "a|b"]) {
        expect(await refusal(r.start("app:done", [], { workflowId }))).toMatchObject({
          kind: "Invalid",
        });
      }
      const generated = await r.start("app:done", [5]);
      expect(await r.result(generated.workflowId)).toBe(5);
    });
  });

  test("a delayed start waits, and survives a restart", async () => {
    const r = await open({ scripts });
    await r.start("app:done", [1], { workflowId: "d", options: { startDelay: 600_000 } });
    await machine.advance(5_000);
    expect(r.engine.activations).toHaveLength(0);
    const again = await reopen({ scripts });
    await machine.advance(machine.exact ? 594_999 : 1);
    expect(again.engine.activations).toHaveLength(0);
    await machine.advance(1);
    expect(await again.result("d")).toBe(1);
  });

  test("a failed run is tried again as new runs of the same chain, its end is told once", async () => {
    const r = await open({
      scripts: {
        "app:third": function* (run, fruit) {
          yield run.sleep(1);
          if (run.start.attempt < 3) {
            throw new ScriptError({ kind: "Unavailable", message: `attempt ${run.start.attempt}` });
          }
          return [fruit, run.start.attempt];
        },
      },
    });
    const first = await r.start("app:third", ["fig"], {
      workflowId: "t",
      options: { retryPolicy: { initialInterval: 1_000, maximumAttempts: 5 } },
    });
    let told = 0;
    r.provider.watch("t", () => told++, first.runId);
    await machine.advance(10_000);
    expect(told).toBe(1);
    expect(await r.result("t")).toEqual(["fig", 3]);
    const { runs } = await r.provider.list({ workflowId: "t" });
    const attempts = await Promise.all(runs.map(({ runId }) => r.provider.run(runId)));
    expect(attempts.map((run) => [run!.status, run!.attempt])).toEqual([
      ["completed", 3],
      ["failed", 2],
      ["failed", 1],
    ]);
    expect(new Set(attempts.map((run) => run!.firstRunId))).toEqual(new Set([first.runId]));
  });

  test("run and execution timeouts close a run", async () => {
    const r = await open({ scripts });
    await r.start("app:idle", [], { workflowId: "r", options: { runTimeout: 100_000 } });
    await r.start("app:idle", [], {
      workflowId: "e",
      options: { executionTimeout: 600_000, runTimeout: 300_000, retryPolicy: {} },
    });
    await machine.advance(100_000);
    expect(await r.closed("r")).toMatchObject({
      status: "timed_out",
      failure: { kind: "Timeout", details: { timeout_type: "start_to_close" } },
    });
    expect((await r.provider.describe("e"))?.status).toBe("running");
    await machine.advance(500_000);
    expect(await r.closed("e")).toMatchObject({ status: "timed_out" });
  });

  test("continue-as-new goes on under the same id with new input", async () => {
    const countdown: Record<string, Script> = {
      "app:count": function* (run, n) {
        yield run.sleep(1_000);
        if (n === 0) return run.start.continuedFrom !== undefined;
        yield run.continueAsNew("app:count", (n as number) - 1);
        return "unreachable";
      },
    };
    const r = await open({ scripts: countdown });
    await r.start("app:count", [2], { workflowId: "c", memo: pack({ kept: true }) });
    const closed = r.closed("c");
    await machine.advance(3_000);
    expect(await closed).toMatchObject({ status: "completed", workflowId: "c" });
    expect(await r.result("c")).toBe(true);
    const { runs } = await r.provider.list({ workflowId: "c" });
    expect(runs.map(({ status }) => status)).toEqual([
      "completed",
      "continued_as_new",
      "continued_as_new",
    ]);
    expect(runs.every(({ memo }) => memo !== undefined)).toBe(true);
  });

  test("continue-as-new does not hand on the retry policy", async () => {
    const r = await open({
      scripts: {
        "app:twice": function* (run, n) {
          yield run.sleep(1_000);
          if (n === 0) throw new ScriptError({ kind: "Unavailable", message: "no luck" });
          yield run.continueAsNew("app:twice", 0);
          return "unreachable";
        },
      },
    });
    const options = { retryPolicy: { initialInterval: 1_000 } };
    await r.start("app:twice", [1], { workflowId: "t", options });
    const closed = r.closed("t");
    await machine.advance(10_000);
    expect(await closed).toMatchObject({ status: "failed", failure: { message: "no luck" } });
    const { runs } = await r.provider.list({ workflowId: "t" });
    expect(runs.map(({ status }) => status)).toEqual(["failed", "continued_as_new"]);
  });

  test("a signal that comes during the task that continues as new is not lost", async () => {
    const r = await open({
      scripts: {
        "app:drain": function* (run, seen) {
          const all = [...seen as string[]];
          const first = yield run.signal();
          all.push((first as { name: string }).name);
          for (const { name } of run.signals) all.push(name);
          run.signals.length = 0;
          if (all.length >= 3) return all;
          yield run.continueAsNew("app:drain", all);
          return "unreachable";
        },
      },
    });
    const { runId } = await r.start("app:drain", [[]], { workflowId: "d" });
    await settle();
    // The task of the first signal is held back until the second one is in the journal.
    const { promise, resolve } = Promise.withResolvers<void>();
    r.onTask = async (task) => {
      const completion = await r.taskHandler.run(task);
      await promise;
      r.completeTask(completion);
    };
    await r.signal("d", "one");
    await settle();
    await r.signal("d", "two");
    resolve();
    await settle();
    expect(await r.eventTypes(runId)).toContain("TaskFailed");
    await r.signal("d", "three");
    expect(await r.result("d")).toEqual(["one", "two", "three"]);
  });

  test.each([
    ["of a cron schedule", 3_600_000, { cronSchedule: "0 * * * *" }],
    ["that is tried again", 0, { retryPolicy: { initialInterval: 1_000 } }],
  ])(
    "a cancellation that comes during the last task of a run %s ends the chain",
    async (_, first, options) => {
      const r = await open({
        scripts: {
          "app:last": function* (run) {
            yield run.sleep(200_000);
            const kind = run.cancelReason === undefined ? "Internal" : "Canceled";
            throw new ScriptError({ kind, message: "over" });
          },
        },
      });
      await r.start("app:last", [], { workflowId: "l", options });
      await machine.advance(first);
      const closed = r.closed("l");
      const { promise, resolve } = Promise.withResolvers<void>();
      r.onTask = async (task) => {
        const completion = await r.taskHandler.run(task);
        await promise;
        r.completeTask(completion);
      };
      await machine.advance(200_000);
      await r.provider.cancel("l", { sender: "{t|1}" });
      resolve();
      await settle();
      const { runs } = await r.provider.list({ workflowId: "l" });
      expect(runs.map(({ status }) => status)).toEqual(["canceled"]);
      expect(await closed).toMatchObject({ status: "canceled" });
    },
  );

  describe("children", () => {
    test("a parent sees the start and the end of a child, each once, across restarts", async () => {
      const family: RuntimeOptions["scripts"] = {
        "app:parent": function* (run) {
          const child = run.child("app:child", [20], { workflowId: "kid" });
          const pid = yield child.started;
          return [pid, yield child.closed];
        },
        "app:child": function* (run, n) {
          yield run.sleep(1_000);
          return (n as number) * 2;
        },
      };
      const r = await open({ scripts: family });
      const { runId } = await r.start("app:parent", [], { workflowId: "p" });
      await settle();
      const again = await reopen({ scripts: family });
      await machine.advance(1_000);
      expect(await again.result("p")).toEqual(["{app:workflows|kid}", 40]);
      const types = (await again.eventTypes(runId)).filter((type) => type.startsWith("Child"));
      expect(types).toEqual(["ChildInitiated", "ChildStarted", "ChildCompleted"]);
      expect((await again.provider.describe("kid"))?.parentWorkflowId).toBe("p");
    });

    test("a child that is canceled by the task that starts it ends as canceled", async () => {
      const family: RuntimeOptions["scripts"] = {
        "app:parent": function* (run) {
          const child = run.child("app:child", [], { workflowId: "kid" });
          run.cancelChild(child.seq);
          run.cancelChild(child.seq);
          try {
            yield child.started;
            return yield child.closed;
          } catch (error) {
            const { kind, details } = (error as ScriptError).failure;
            yield run.signal();
            return { kind, details: details as LuaValue };
          }
        },
        "app:child": function* (run) {
          yield run.canceled();
          throw new ScriptError({ kind: "Canceled", message: "as asked" });
        },
      };
      const r = await open({ scripts: family });
      await r.start("app:parent", [], { workflowId: "p" });
      await settle();
      const again = await reopen({ scripts: family });
      await again.signal("p", "go");
      expect(await again.result("p")).toMatchObject({
        kind: "Canceled",
        details: { _wrapper: "child_workflow", _workflow_id: "kid", _workflow_type: "app:child" },
      });
    });

    test("a child's failure carries the wrapper's details; an id in use is a failed start", async () => {
      const r = await open({
        scripts: {
          ...scripts,
          "app:parent": function* (run) {
            const bad = run.child("app:fail");
            yield bad.started;
            const failures: LuaValue[] = [];
            for (
              const ticket of [bad.closed, run.child("app:idle", [], { workflowId: "x" }).started]
            ) {
              try {
                yield ticket;
              } catch (error) {
                const { kind, details } = (error as ScriptError).failure;
                failures.push({ kind, details: details as LuaValue });
              }
            }
            return failures;
          },
        },
      });
      await r.start("app:idle", [], { workflowId: "x" });
      const { runId } = await r.start("app:parent", [], { workflowId: "p" });
      expect(await r.result("p")).toMatchObject([
        {
          kind: "Invalid",
          details: {
            _wrapper: "child_workflow",
            _workflow_id: `${runId}_1`,
            _workflow_type: "app:fail",
            _retry_state: "retry_policy_not_set",
          },
        },
        { kind: "AlreadyExists" },
      ]);
    });

    test.each(
      [
        ["terminate", "terminated"],
        ["abandon", "running"],
        ["request_cancel", "canceled"],
      ] as const,
    )("parent-close policy %s leaves the child %s", async (parentClosePolicy, status) => {
      const r = await open({
        scripts: {
          "app:parent": function* (run) {
            yield run.child("app:wait", [], { workflowId: "kid", parentClosePolicy }).started;
            return true;
          },
          "app:wait": function* (run) {
            yield run.canceled();
            throw new ScriptError({ kind: "Canceled", message: "stopped" });
          },
        },
      });
      await r.start("app:parent", [], { workflowId: "p" });
      await r.result("p");
      await settle();
      expect((await r.provider.describe("kid"))?.status).toBe(status);
    });

    test("a child that is retried reports its last end only", async () => {
      const r = await open({
        scripts: {
          "app:parent": function* (run) {
            return yield run.child("app:second", [], { retryPolicy: { initialInterval: 1_000 } })
              .closed;
          },
          "app:second": function* (run) {
            yield run.sleep(1);
            if (run.start.attempt < 2) throw new ScriptError({ kind: "Invalid", message: "no" });
            return run.start.parent?.workflowId;
          },
        },
      });
      await r.start("app:parent", [], { workflowId: "p" });
      await machine.advance(2_000);
      expect(await r.result("p")).toBe("p");
    });
  });

  test("workflows signal and cancel each other; unknown targets are failures", async () => {
    const r = await open({
      scripts: {
        ...scripts,
        "app:boss": function* (run) {
          const answers: unknown[] = [];
          const tickets = [
            run.signalExternal("{app:workflows|x}", "work", 1),
            run.cancelExternal("{app:workflows|y}", "too slow"),
            run.signalExternal("{app:workflows|nobody}", "work"),
            run.cancelExternal("not a pid"),
          ];
          for (const ticket of tickets) {
            try {
              answers.push(yield ticket);
            } catch (error) {
              answers.push((error as ScriptError).failure.kind);
            }
          }
          return answers as never;
        },
        "app:wait": function* (run) {
          return yield run.canceled();
        },
      },
    });
    await r.start("app:idle", [], { workflowId: "x" });
    await r.start("app:wait", [], { workflowId: "y" });
    await r.start("app:boss", [], { workflowId: "b" });
    expect(await r.result("b")).toEqual([true, true, "NotFound", "NotFound"]);
    expect(await r.result("x")).toEqual({
      name: "work",
      payloads: [1],
      sender: "{app:workflows|b}",
    });
    expect(await r.result("y")).toBe("too slow");
  });
});
