import { afterEach, beforeEach, describe, expect } from "bun:test";
import { packCommands } from "../../src/workflows/history/history.ts";
import {
  expectTimes,
  machineOf,
  refusal,
  Runtime,
  type RuntimeOptions,
  settle,
  type VirtualMachine,
} from "./runtime.ts";
import type { Script } from "./scripted-engine.ts";
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

  const busy: Record<string, Script> = {
    "app:busy": function* (run) {
      const made = run.record(() => "made once");
      const sum = [];
      for (let i = 1; i <= 3; i++) {
        sum.push(yield run.activity("app:step", [i]));
        yield run.sleep(100);
      }
      const child = run.child("app:child", [run.version("v", 1)]);
      yield child.started;
      sum.push(yield child.closed);
      run.send("{app:processes|0x1}", "progress", sum.length);
      sum.push(yield run.signal());
      return [made, ...sum];
    },
    "app:child": function* (run, value) {
      yield run.sleep(50);
      return value;
    },
  };

  const steps: RuntimeOptions["activities"] = { "app:step": (_task, i) => (i as number) * 10 };

  test("a run that is reopened after each of its events ends as if it had never stopped", async () => {
    const options = { scripts: busy, activities: steps };
    await (await open(options)).start("app:busy", [], { workflowId: "b" });
    await runtime!.signal("b", "finish", "now");
    let status = "running";
    let seen = 0;
    for (let round = 0; status === "running" && round < 100; round++) {
      const r = await reopen(options);
      // A few turns of the event loop let a few events happen; some rounds need time to pass.
      await settle(1 + round % 4);
      await machine.skip(25);
      const info = await r.provider.describe("b");
      status = info!.status;
      expect(info!.historyLength).toBeGreaterThanOrEqual(seen);
      seen = info!.historyLength;
    }
    const r = await reopen(options);
    expect(await r.result("b")).toEqual([
      "made once",
      10,
      20,
      30,
      1,
      { name: "finish", payloads: ["now"], sender: "{t|1}" },
    ]);
    const { runs } = await r.provider.list({ workflowId: "b" });
    const history = await r.history(runs[0]!.runId);
    const ids = history.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    const count = (type: string) => history.filter((event) => event.type === type).length;
    expect(count("ActivityScheduled")).toBe(3);
    expect(count("ActivityCompleted")).toBe(3);
    expect(count("TimerFired")).toBe(3);
    expect(count("ChildCompleted")).toBe(1);
    // What it did still fits what its code does.
    const packed = await r.provider.history(runs[0]!.runId);
    expect(await r.taskHandler.check("check", packed)).toBeUndefined();
  });

  test("why the last attempt of an activity failed is known after a restart", async () => {
    const once: Record<string, Script> = {
      "app:once": function* (run) {
        return yield run.activity("app:step", [], {
          heartbeatTimeout: 600_000,
          retryPolicy: { initialInterval: 60_000 },
        });
      },
    };
    const failing = () => {
      throw new Error("no luck");
    };
    const r = await open({ scripts: once, activities: { "app:step": failing } });
    const { runId } = await r.start("app:once", [], { workflowId: "o" });
    await settle();
    const failed = {
      state: "retry",
      attempt: 1,
      lastFailure: { kind: "Internal", message: "no luck" },
    };
    expect((await r.provider.run(runId))!.pendingActivities).toMatchObject([failed]);
    const endless = { "app:step": () => new Promise<never>(() => {}) };
    const again = await reopen({ scripts: once, activities: endless });
    expect((await again.provider.run(runId))!.pendingActivities).toMatchObject([failed]);
    // The attempt that runs when the runtime ends has failed by that.
    await machine.advance(60_000);
    const third = await reopen({ scripts: once, activities: endless });
    // The next one may follow at once, or after the policy's wait.
    await machine.advance(120_000);
    expect((await third.provider.run(runId))!.pendingActivities).toMatchObject([{
      state: "running",
      attempt: 3,
      lastFailure: { kind: "Unavailable", message: expect.stringContaining("the runtime ended") },
    }]);
  });

  test("a worker that has dropped a run gets its whole history", async () => {
    const scripts: Record<string, Script> = {
      "app:waits": function* (run) {
        const made = run.record(() => "made");
        return [made, yield run.signal()];
      },
    };
    const r = await open({ scripts });
    const { runId } = await r.start("app:waits", [], { workflowId: "w" });
    await settle();
    r.engine.evict(runId);
    await r.signal("w", "go");
    expect(await r.result("w")).toMatchObject(["made", { name: "go" }]);
    expect(r.reports).toEqual([]);
  });

  test("a task that nobody completes is given to another worker; the old lease cannot commit", async () => {
    const r = await open({ scripts: busy, activities: steps, taskTimeout: 300_000 });
    const taken: string[] = [];
    r.onTask = (task) => void taken.push(task.token);
    await r.start("app:child", ["x"], { workflowId: "c" });
    await machine.advance(300_000);
    expect(taken).toHaveLength(2);
    // The first holder answers after all, with a command that must not count.
    const commands = packCommands([{ type: "complete_workflow", result: "stale", at: "x" }]);
    const stale = { outcome: { type: "completed" as const, commands } };
    r.completeTask({ token: taken[0]!, ...stale });
    await settle();
    expect((await r.provider.describe("c"))?.status).toBe("running");
    r.completeTask({ token: taken[1]!, ...stale });
    expect(await r.result("c")).toBe("stale");
  });

  test("a task whose worker died is tried again, with growing delays", async () => {
    const r = await open({ scripts: busy, activities: steps });
    const times: number[] = [];
    r.onTask = (task) => {
      times.push(machine.time);
      r.completeTask({
        token: task.token,
        outcome: { type: "failed", failure: { cause: "lost", message: "worker died" } },
      });
    };
    await r.start("app:child", ["x"], { workflowId: "c" });
    // The waits are the runtime's.
    await machine.advance(machine.exact ? 4_000 : 400_000);
    expectTimes(machine, times, [0, 0, 1_000, 3_000]);
    expect(r.reports[0]).toMatchObject({ level: "warn", fields: { workflow_id: "c" } });
  });

  describe("a replay that does not match its history", () => {
    const original: Script = function* (run) {
      yield run.activity("app:step", [1]);
      yield run.signal();
      return yield run.activity("app:step", [2]);
    };
    const changed: Script = function* (run) {
      yield run.activity("app:other", [1]);
      yield run.signal();
      return "never";
    };

    async function blocked(): Promise<Runtime> {
      const r = await open({ scripts: { "app:w": original }, activities: steps });
      await r.start("app:w", [], { workflowId: "w" });
      await r.start("app:w", [], { workflowId: "other" });
      await settle();
      const again = await reopen({
        scripts: { ...busy, "app:w": changed },
        activities: { ...steps, "app:other": () => 0 },
      });
      await again.signal("w", "go");
      await settle();
      return again;
    }

    test("blocks the run, shows both sides, and harms nothing else", async () => {
      const r = await blocked();
      const info = await r.provider.describe("w");
      const history = await r.history(info!.runId);
      const scheduled = history.find(({ type }) => type === "ActivityScheduled")!;
      expect(info).toMatchObject({
        status: "running",
        blocked: {
          cause: "nondeterminism",
          expected: { eventId: scheduled.id, event: "ActivityScheduled app:step 1 #1" },
          actual: { command: "schedule_activity #1 app:other 1", at: "app:w:1" },
        },
      });
      expect(r.reports).toMatchObject([{ level: "error", fields: { workflow_id: "w" } }]);
      await r.start("app:child", ["fine"], { workflowId: "c" });
      await machine.advance(50);
      expect(await r.result("c")).toBe("fine");
      expect(r.attempts.map(({ entry }) => entry)).toEqual([]);
      expect((await r.provider.describe("other"))?.blocked).toBeUndefined();
    });

    test("goes on at the next open when the code is mended", async () => {
      await blocked();
      const r = await reopen({ scripts: { "app:w": original }, activities: steps });
      expect(await r.result("w")).toBe(20);
    });

    test("goes on by unblock, and blocks again when the code is still wrong", async () => {
      const r = await blocked();
      const { runId } = (await r.provider.describe("w"))!;
      await r.provider.unblock(runId);
      await settle();
      expect((await r.provider.describe("w"))?.blocked).toBeDefined();
      r.engine.scripts["app:w"] = original;
      await r.provider.unblock(runId);
      expect(await r.result("w")).toBe(20);
      expect(await refusal(r.provider.unblock("nothing"))).toMatchObject({ kind: "NotFound" });
    });

    test("can be terminated", async () => {
      const r = await blocked();
      await r.provider.terminate("w", {});
      expect(await r.closed("w")).toMatchObject({ status: "terminated" });
    });
  });

  test("closed runs are removed whole when they are old enough", async () => {
    const retention = 3_600_000;
    const r = await open({ scripts: busy, activities: steps, retention });
    for (let i = 0; i < 120; i++) await r.start("app:child", [i], { workflowId: `old${i}` });
    await r.start("app:busy", [], { workflowId: "open" });
    await machine.advance(50);
    const { runId } = (await r.provider.describe("old0"))!;
    await machine.advance(retention / 2);
    await r.start("app:child", [0], { workflowId: "young" });
    await machine.advance(retention / 2 + 60_000);
    const left = (await r.provider.list({ limit: 1_000 })).runs.map(({ workflowId }) => workflowId);
    expect(left.filter((id) => id.startsWith("old"))).toEqual([]);
    expect(left).toContain("young");
    expect(left).toContain("open");
    expect(await r.provider.describe("old0")).toBeUndefined();
    expect(await refusal(r.provider.history(runId))).toMatchObject({ kind: "NotFound" });
    await r.start("app:child", ["again"], { workflowId: "old0" });
    await machine.advance(50);
    expect(await r.result("old0")).toBe("again");
  });

  test("a request that cannot be carried out fails alone", async () => {
    const r = await open({ scripts: busy, activities: steps });
    // By run: a server does not promise to hand out the tasks of two runs in the order of their starts.
    const tokens = new Map<string, string>();
    const handed = Promise.withResolvers<void>();
    r.onTask = (task) => {
      tokens.set(task.runId, task.token);
      if (tokens.size === 2) handed.resolve();
    };
    const good = await r.start("app:child", [1], { workflowId: "good" });
    const bad = await r.start("app:child", [2], { workflowId: "bad" });
    await handed.promise;
    // The same timer twice: no engine does that, so the provider has no answer to it.
    const timer = { type: "start_timer" as const, seq: 1, duration: 10, at: "x:y:1" };
    const complete = (runId: string, commands: Parameters<typeof packCommands>[0]) =>
      r.completeTask({
        token: tokens.get(runId)!,
        outcome: { type: "completed", commands: packCommands(commands) },
      });
    complete(good.runId, [{ type: "complete_workflow", result: "fine", at: "x:y:1" }]);
    complete(bad.runId, [timer, timer]);
    const other = r.start("app:child", [3], { workflowId: "other" });
    expect(await r.result("good")).toBe("fine");
    expect(await other).toMatchObject({ existed: false });
    await settle();
    expect(r.reports[0]).toMatchObject({ level: expect.stringMatching(/^(error|warn)$/) });
    expect(await r.eventTypes(bad.runId)).not.toContain("TaskCompleted");
    expect((await r.provider.describe("bad"))?.status).toBe("running");
  });

  test("an outdated deadline does not keep the journal busy", async () => {
    const r = await open({
      scripts: {
        "app:quick": function* (run) {
          return yield run.activity("app:step", [1], { startToCloseTimeout: 100_000 });
        },
      },
      activities: { "app:step": () => new Promise<never>(() => {}) },
    });
    await r.start("app:quick", [], { workflowId: "q" });
    await settle();
    await r.provider.terminate("q", {});
    await machine.advance(200_000);
    expect(await r.closed("q")).toMatchObject({ status: "terminated" });
    expect(r.attempts).toHaveLength(1);
  });

  describe("an event that comes between a task's beginning and its hand-out", () => {
    const collect: Record<string, Script> = {
      "app:two": function* (run) {
        const first = yield run.signal();
        const second = yield run.signal();
        return [first, second].map((signal) => (signal as { name: string }).name);
      },
    };

    test("is shown by the next task after a restart", async () => {
      const first = await open({ scripts: collect });
      first.answering = false;
      await first.start("app:two", [], { workflowId: "w" });
      await first.signal("w", "one");
      const again = await reopen({ scripts: collect });
      // In one transaction with the completion of the task that was out.
      await again.signal("w", "two");
      expect(await again.result("w")).toEqual(["one", "two"]);
    });
  });
});
