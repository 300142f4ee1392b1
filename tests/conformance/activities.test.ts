import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack } from "../../src/vm/codec.ts";
import {
  expectTimes,
  machineOf,
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

  test("a failed activity is tried again with growing waits, until it succeeds", async () => {
    const times: number[] = [];
    const r = await open({
      scripts: {
        "app:flaky": function* (run) {
          return yield run.activity("app:try", [], { retryPolicy: { initialInterval: 20_000 } });
        },
      },
      activities: {
        "app:try": (task) => {
          times.push(machine.time);
          if (task.attempt < 4) throw new Error("not yet");
          return task.attempt;
        },
      },
    });
    const { runId } = await r.start("app:flaky", [], { workflowId: "f" });
    await machine.advance(140_000);
    expect(await r.result("f")).toBe(4);
    expectTimes(machine, times, [0, 20_000, 60_000, 140_000]);
    expect((await r.eventTypes(runId)).filter((type) => type.startsWith("Activity"))).toEqual([
      "ActivityScheduled",
      "ActivityCompleted",
    ]);
  });

  test.each([
    ["its attempts are used up", { maximumAttempts: 2 }, {}, 2, "maximum_attempts_reached"],
    ["it says that it is final", {}, { retryable: false }, 1, "non_retryable_failure"],
    ["its kind is listed", { nonRetryableKinds: ["Invalid"] }, {}, 1, "non_retryable_failure"],
  ])(
    "an activity's failure is final when %s",
    async (_name, retryPolicy, more, attempts, state) => {
      const r = await open({
        scripts: {
          "app:fail": function* (run) {
            return yield run.activity("app:bad", [], { retryPolicy });
          },
        },
        activities: {
          "app:bad": () => {
            throw new ScriptError({ kind: "Invalid", message: "no good", ...more });
          },
        },
      });
      await r.start("app:fail", [], { workflowId: "f" });
      await machine.advance(60_000);
      const closed = await r.closed("f");
      expect(closed).toMatchObject({
        status: "failed",
        failure: {
          kind: "Invalid",
          message: "no good",
          details: { _wrapper: "activity", _activity_id: "1", _retry_state: state },
        },
      });
      expect(r.attempts).toHaveLength(attempts);
    },
  );

  test("an attempt that takes too long is aborted and tried again", async () => {
    const r = await open({
      scripts: {
        "app:slow": function* (run) {
          return yield run.activity("app:hang", [], { startToCloseTimeout: 5_000 });
        },
      },
      activities: {
        "app:hang": (task) => task.attempt === 1 ? new Promise<never>(() => {}) : "done",
      },
    });
    await r.start("app:slow", [], { workflowId: "s" });
    await machine.advance(5_000);
    expect(r.aborted).toEqual([r.attempts[0]!.token]);
    await machine.advance(1_000);
    expect(await r.result("s")).toBe("done");
    // The first attempt comes back after all.
    r.completeActivity(r.attempts[0]!.token, { status: "completed", value: pack("late") });
    await settle();
    expect(await r.result("s")).toBe("done");
  });

  test("schedule_to_close bounds all attempts together", async () => {
    const r = await open({
      scripts: {
        "app:bounded": function* (run) {
          const retryPolicy = { initialInterval: 20_000 };
          return yield run.activity("app:bad", [], {
            scheduleToCloseTimeout: 200_000,
            retryPolicy,
          });
        },
      },
      activities: {
        "app:bad": () => {
          throw new Error("no");
        },
      },
    });
    await r.start("app:bounded", [], { workflowId: "b" });
    await machine.advance(400_000);
    // Attempts at 0, 20, 60 and 140 s; the next would begin at 300 s.
    expect(r.attempts).toHaveLength(4);
    expect(await r.closed("b")).toMatchObject({
      failure: { message: "no", details: { _retry_state: "timeout" } },
    });
  });

  test("a host operation's failure is its result at the first attempt", async () => {
    const r = await open({
      scripts: {
        "app:op": function* (run) {
          return yield run.activity("fs.readfile", ["x"], {}, { operation: true });
        },
      },
      activities: {
        "fs.readfile": () => {
          throw new ScriptError({ kind: "NotFound", message: "no file x" });
        },
      },
    });
    await r.start("app:op", [], { workflowId: "o" });
    expect(await r.closed("o")).toMatchObject({
      failure: { kind: "NotFound", message: "no file x" },
    });
    expect(r.attempts).toHaveLength(1);
    expect(r.attempts[0]!.operation).toBe(true);
  });

  test("an attempt that was lost with the runtime is tried again", async () => {
    const scripts: RuntimeOptions["scripts"] = {
      "app:lost": function* (run) {
        return yield run.activity("app:hang", [], {
          heartbeatTimeout: 600_000,
          retryPolicy: { initialInterval: 60_000 },
        });
      },
      "app:once": function* (run) {
        return yield run.activity("app:hang", [], {
          heartbeatTimeout: 600_000,
          retryPolicy: { maximumAttempts: 1 },
        });
      },
    };
    const first = await open({
      scripts,
      activities: { "app:hang": () => new Promise<never>(() => {}) },
    });
    await first.start("app:lost", [], { workflowId: "l" });
    await first.start("app:once", [], { workflowId: "o" });
    await settle();
    const again = await reopen({ scripts, activities: { "app:hang": (task) => task.attempt } });
    expect(await again.result("l")).toBe(2);
    expect(await again.closed("o")).toMatchObject({
      failure: { kind: "Unavailable", details: { _retry_state: "maximum_attempts_reached" } },
    });
  });

  test("a cancelled activity is reported at once, and its attempt aborted", async () => {
    const r = await open({
      scripts: {
        "app:c": function* (run) {
          const activity = run.activity("app:hang");
          yield run.sleep(10);
          run.cancelActivity(activity.seq);
          try {
            yield activity;
            return "not canceled";
          } catch (error) {
            return (error as ScriptError).failure.kind;
          }
        },
      },
      activities: { "app:hang": () => new Promise<never>(() => {}) },
    });
    await r.start("app:c", [], { workflowId: "c" });
    await machine.advance(10);
    expect(await r.result("c")).toBe("Canceled");
    expect(r.aborted).toEqual([r.attempts[0]!.token]);
  });

  test("with wait_for_cancellation the outcome of the aborted attempt is awaited", async () => {
    const r = await open({
      scripts: {
        "app:c": function* (run) {
          const activity = run.activity("app:hang", [], {
            heartbeatTimeout: 600_000,
            waitForCancellation: true,
          });
          yield run.sleep(10);
          run.cancelActivity(activity.seq);
          return yield activity;
        },
      },
      activities: { "app:hang": () => new Promise<never>(() => {}) },
    });
    await r.start("app:c", [], { workflowId: "c" });
    await machine.advance(10);
    expect((await r.provider.describe("c"))?.status).toBe("running");
    r.completeActivity(r.aborted[0]!, { status: "completed", value: pack("in time") });
    expect(await r.result("c")).toBe("in time");
  });
});
