import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack, unpack } from "../../src/vm/codec.ts";
import {
  expectTimes,
  machineOf,
  refusal,
  Runtime,
  type RuntimeOptions,
  settle,
  type VirtualMachine,
} from "./runtime.ts";
import { ScriptError } from "./scripted-engine.ts";
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

  /** Closes the journal as it is and opens it again with a fresh worker. */
  async function reopen(options: RuntimeOptions): Promise<Runtime> {
    await runtime?.provider.close();
    return open(options);
  }

  test("a run of activities completes with the value of its code", async () => {
    const r = await open({
      scripts: {
        "app:order": function* (run, id) {
          const paid = yield run.activity("app:pay", [id]);
          const sent = yield run.activity("app:send", [id, paid]);
          return [paid, sent];
        },
      },
      activities: {
        "app:pay": (_task, id) => `paid ${id}`,
        "app:send": (_task, id, paid) => `sent ${id} after ${paid}`,
      },
    });
    const started = await r.start("app:order", [7], { workflowId: "order-7" });
    expect(started).toMatchObject({
      workflowId: "order-7",
      pid: "{app:workflows|order-7}",
      existed: false,
    });
    expect(await r.result("order-7")).toEqual(["paid 7", "sent 7 after paid 7"]);
    expect(await r.eventTypes(started.runId)).toEqual([
      "ExecutionStarted",
      "TaskStarted",
      "TaskCompleted",
      "ActivityScheduled",
      "ActivityCompleted",
      "TaskStarted",
      "TaskCompleted",
      "ActivityScheduled",
      "ActivityCompleted",
      "TaskStarted",
      "TaskCompleted",
      "ExecutionCompleted",
    ]);
    const ids = (await r.history(started.runId)).map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(12);
    const info = await r.provider.describe("order-7");
    expect(info).toMatchObject({ status: "completed", historyLength: ids.at(-1)!, attempt: 1 });
  });

  test("a result is in the journal before the code sees it", async () => {
    const r = await open({
      scripts: {
        "app:one": function* (run) {
          return yield run.activity("app:make");
        },
      },
      activities: { "app:make": () => 1 },
    });
    const { runId } = await r.start("app:one");
    await settle();
    const last = r.engine.activations.at(-1)!;
    expect(last.jobs).toEqual([{ type: "complete_activity", seq: 1, value: pack(1) }]);
    const events = await r.history(runId);
    const started = events.find(({ type, id }) =>
      type === "TaskStarted" && id === last.historyLength
    )!;
    const completed = events.find(({ type }) => type === "ActivityCompleted")!;
    expect(completed.id).toBeLessThan(started.id);
  });

  test("a timer fires at its time, and late after a restart", async () => {
    const scripts: RuntimeOptions["scripts"] = {
      "app:nap": function* (run) {
        const before = run.now;
        yield run.sleep(60_000);
        return run.now - before;
      },
    };
    const r = await open({ scripts });
    await r.start("app:nap", [], { workflowId: "short" });
    await machine.advance(59_999);
    if (machine.exact) expect((await r.provider.describe("short"))?.status).toBe("running");
    await machine.advance(1);
    expectTimes(machine, [0, await r.result("short") as number], [0, 60_000]);

    await r.start("app:nap", [], { workflowId: "late" });
    await settle();
    await r.provider.close();
    await machine.skip(120_000);
    const again = await open({ scripts });
    await settle();
    expectTimes(machine, [0, await again.result("late") as number], [0, 120_000]);
  });

  test("a cancelled timer does not fire", async () => {
    const r = await open({
      scripts: {
        "app:reset": function* (run) {
          const first = run.sleep(1_000);
          run.cancelTimer(first.seq);
          yield run.sleep(5_000);
          return first.settled === undefined;
        },
      },
    });
    const { runId } = await r.start("app:reset", [], { workflowId: "r" });
    await machine.advance(5_000);
    expect(await r.result("r")).toBe(true);
    expect((await r.eventTypes(runId)).filter((type) => type === "TimerFired")).toHaveLength(1);
  });

  test("signals are seen in the order of their arrival, with their senders", async () => {
    const scripts: RuntimeOptions["scripts"] = {
      "app:collect": function* (run, count) {
        const seen = [];
        for (let i = 0; i < (count as number); i++) seen.push(yield run.signal());
        return seen;
      },
    };
    const r = await open({ scripts });
    const messages = [{ name: "first", payloads: pack([0]), sender: "{a|1}" }];
    await r.start("app:collect", [4], { workflowId: "s", messages });
    await Promise.all([r.signal("s", "a", 1), r.signal("s", "b", 2)]);
    await settle();
    const again = await reopen({ scripts });
    await again.signal("s", "c", 3, 4);
    expect(await again.result("s")).toEqual([
      { name: "first", payloads: [0], sender: "{a|1}" },
      { name: "a", payloads: [1], sender: "{t|1}" },
      { name: "b", payloads: [2], sender: "{t|1}" },
      { name: "c", payloads: [3, 4], sender: "{t|1}" },
    ]);
    expect(await refusal(again.signal("s", "d"))).toMatchObject({ kind: "NotFound" });
    expect(await refusal(again.signal("nobody", "d"))).toMatchObject({ kind: "NotFound" });
  });

  test("a cancellation request is seen once, with its reason, and may end the run as canceled", async () => {
    const r = await open({
      scripts: {
        "app:wait": function* (run) {
          const reason = yield run.canceled();
          throw new ScriptError({ kind: "Canceled", message: `stopped: ${reason}` });
        },
      },
    });
    let release = () => {};
    r.onTask = (task) =>
      void Promise.resolve(r.taskHandler.run(task)).then((done) =>
        release = () => r.completeTask(done)
      );
    const { runId } = await r.start("app:wait", [], { workflowId: "w" });
    await settle();
    // Both come before the code is shown one.
    await r.provider.cancel("w", { reason: "enough", sender: "{a|1}" });
    await r.provider.cancel("w", { reason: "again", sender: "{a|1}" });
    release();
    await settle();
    release();
    expect(await r.closed("w")).toMatchObject({
      status: "canceled",
      failure: { kind: "Canceled", message: "stopped: enough" },
    });
    const requests = (await r.eventTypes(runId)).filter((type) =>
      type === "ExecutionCancelRequested"
    );
    expect(requests).toHaveLength(1);
  });

  test("termination closes a run at once and aborts what it has running", async () => {
    const r = await open({
      scripts: {
        "app:t": function* (run) {
          run.sleep(1_000);
          return yield run.activity("app:hang");
        },
      },
      activities: { "app:hang": () => new Promise<never>(() => {}) },
    });
    await r.start("app:t", [], { workflowId: "t" });
    await settle();
    const closed = r.closed("t");
    await r.provider.terminate("t", { reason: "spring cleaning" });
    expect(await closed).toMatchObject({
      status: "terminated",
      failure: { kind: "Canceled", message: "workflow terminated", retryable: false },
    });
    await settle();
    expect(r.aborted).toEqual([r.attempts[0]!.token]);
    expect(r.engine.has((await r.provider.describe("t"))!.runId)).toBe(false);
    const tasks = r.engine.activations.length;
    await machine.advance(5_000);
    expect(r.engine.activations).toHaveLength(tasks);
    expect(await refusal(r.provider.terminate("t", {}))).toMatchObject({ kind: "NotFound" });
  });

  test("side effects and versions are the same on replay", async () => {
    let made = 0;
    const scripts: RuntimeOptions["scripts"] = {
      "app:random": function* (run) {
        const first = run.record(() => ++made);
        const version = run.version("change", 3);
        yield run.signal();
        const second = run.record(() => ++made);
        return [first, version, run.version("change", 9), second];
      },
    };
    const r = await open({ scripts });
    await r.start("app:random", [], { workflowId: "x" });
    await settle();
    const again = await reopen({ scripts });
    await again.signal("x", "go");
    expect(await again.result("x")).toEqual([1, 3, 3, 2]);
  });

  test("code that is new to a run answers version -1 while it replays", async () => {
    const r = await open({
      scripts: {
        "app:v": function* (run) {
          yield run.signal();
          return "old";
        },
      },
    });
    await r.start("app:v", [], { workflowId: "v" });
    await settle();
    const again = await reopen({
      scripts: {
        "app:v": function* (run) {
          const before = run.version("added", 1);
          yield run.signal();
          return [before, run.version("added", 1), run.version("other", 2)];
        },
      },
    });
    await again.signal("v", "go");
    expect(await again.result("v")).toEqual([-1, -1, 2]);
  });

  test("a message to a plain process leaves after its task is committed, once", async () => {
    const r = await open({
      scripts: {
        "app:send": function* (run) {
          run.send("{app:processes|0x1}", "hello", 1, "two");
          yield run.sleep(1_000);
          return true;
        },
      },
    });
    await r.start("app:send", [], { workflowId: "m" });
    await machine.advance(1_000);
    await r.result("m");
    expect(r.messages).toHaveLength(1);
    expect(r.messages[0]).toMatchObject({
      to: "{app:processes|0x1}",
      from: "{app:workflows|m}",
      topic: "hello",
    });
    expect(unpack(r.messages[0]!.payloads)).toEqual([1, "two"]);
    const again = await reopen({});
    await settle();
    expect(again.messages).toEqual([]);
  });

  test("memo and search attributes are merged and shown", async () => {
    const r = await open({
      scripts: {
        "app:attrs": function* (run) {
          run.attributes({ state: "new", tags: ["a"] }, { note: "x" });
          run.attributes({ state: "done" });
          yield run.sleep(1);
          return true;
        },
      },
    });
    await r.start("app:attrs", [], {
      workflowId: "a",
      memo: pack({ owner: "me" }),
      searchAttributes: pack({ city: "Turin" }),
    });
    await machine.advance(1);
    const info = await r.provider.describe("a");
    expect(unpack(info!.searchAttributes!)).toEqual({ city: "Turin", state: "done", tags: ["a"] });
    expect(unpack(info!.memo!)).toEqual({ owner: "me", note: "x" });
  });

  test("runs are listed newest first, page by page", async () => {
    const r = await open({
      scripts: {
        "app:idle": function* (run) {
          return yield run.signal();
        },
      },
    });
    for (let i = 0; i < 5; i++) await r.start("app:idle", [], { workflowId: `w${i}` });
    await settle();
    const first = await r.provider.list({ limit: 2 });
    expect(first.runs.map((run) => run.workflowId)).toEqual(["w4", "w3"]);
    const second = await r.provider.list({ limit: 2, cursor: first.cursor! });
    expect(second.runs.map((run) => run.workflowId)).toEqual(["w2", "w1"]);
    await r.provider.terminate("w1", {});
    await settle();
    const open_ = await r.provider.list({ status: "running" });
    expect(open_.runs.map((run) => run.workflowId)).toEqual(["w4", "w3", "w2", "w0"]);
    expect(await refusal(r.provider.list({ cursor: "x" }))).toMatchObject({ kind: "Invalid" });
  });

  test("a run keeps its place in the list when it ends", async () => {
    const r = await open({
      scripts: {
        "app:idle": function* (run) {
          return yield run.signal();
        },
      },
    });
    for (let i = 0; i < 3; i++) await r.start("app:idle", [], { workflowId: `w${i}` });
    await r.provider.terminate("w1", {});
    const { runs } = await r.provider.list({});
    expect(runs.map((run) => run.workflowId)).toEqual(["w2", "w1", "w0"]);
  });

  test("a watch of an unknown id says so, one that was ended says nothing", async () => {
    const r = await open({
      scripts: {
        "app:idle": function* (run) {
          return yield run.signal();
        },
      },
    });
    expect(await r.closed("nobody")).toMatchObject({ status: "not_found", runId: "" });
    await r.start("app:idle", [], { workflowId: "w" });
    let calls = 0;
    const end = r.provider.watch("w", () => calls++);
    const other = r.closed("w");
    await settle();
    end();
    await r.provider.terminate("w", {});
    await other;
    expect(calls).toBe(0);
  });
});
