/** A wall clock that jumps, as when somebody sets it, or the machine has slept: timers of the platform know nothing of it. */
import { afterEach, beforeEach, describe, expect } from "bun:test";
import { Runtime, type RuntimeOptions, settle, VirtualMachine } from "./runtime.ts";
import { type Script, ScriptError } from "./scripted-engine.ts";
import type { Place } from "./place.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  const minute = 60_000;
  const hour = 60 * minute;

  class JumpingMachine extends VirtualMachine {
    /** Milliseconds that the wall clock is ahead of what has passed. */
    ahead = 0;

    override now(): number {
      return this.time + this.ahead;
    }
  }

  let place: Place;
  let machine: JumpingMachine;
  let runtime: Runtime;

  beforeEach(() => {
    place = kind.make();
    machine = new JumpingMachine();
  });

  afterEach(async () => {
    await runtime.provider.close();
    expect(place.faults()).toEqual([]);
    place.remove();
  });

  async function open(options: RuntimeOptions): Promise<void> {
    runtime = await Runtime.open({ place, machine, ...options });
  }

  async function status(id: string): Promise<string | undefined> {
    await settle();
    return (await runtime.provider.describe(id))?.status;
  }

  /** Sleeps an hour; gives its time at each step. */
  const sleeper: Script = function* (run) {
    const times = [run.now];
    yield run.sleep(hour);
    times.push(run.now);
    yield run.signal();
    times.push(run.now);
    return times;
  };

  test("a timer whose time has come by a jump fires within a minute, though nothing else happens", async () => {
    await open({ scripts: { "app:sleeper": sleeper } });
    await runtime.start("app:sleeper", [], { workflowId: "s" });
    await machine.advance(minute);
    machine.ahead += 2 * hour;
    await machine.advance(minute);
    const { runId } = (await runtime.provider.describe("s"))!;
    expect(await runtime.eventTypes(runId)).toContain("TimerFired");
  });

  test("a clock that is set back delays timers; the time of a run does not go back", async () => {
    await open({ scripts: { "app:sleeper": sleeper } });
    const begun = machine.now();
    await runtime.start("app:sleeper", [], { workflowId: "s" });
    await machine.advance(minute);
    machine.ahead -= 5 * hour;
    await machine.advance(5 * hour);
    const { runId } = (await runtime.provider.describe("s"))!;
    expect(await runtime.eventTypes(runId)).not.toContain("TimerFired");
    await machine.advance(hour);
    machine.ahead -= 9 * hour;
    await runtime.signal("s", "go");
    await settle();
    const times = await runtime.result("s") as number[];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[1]! - begun).toBe(hour);
    const history = (await runtime.history(runId)).map(({ time }) => time);
    expect(history).toEqual(history.toSorted((a, b) => a - b));
  });

  test("a failed activity is tried again when its wait is over by the clock, whichever way that has gone", async () => {
    const tried: number[] = [];
    await open({
      scripts: {
        "app:retry": function* (run) {
          const retryPolicy = { initialInterval: hour, backoffCoefficient: 1 };
          return yield run.activity("app:flaky", [], { retryPolicy });
        },
      },
      activities: {
        "app:flaky": ({ attempt }) => {
          tried.push(machine.now());
          if (attempt < 4) throw new ScriptError({ kind: "Internal", message: "no" });
          return attempt;
        },
      },
    });
    await runtime.start("app:retry", [], { workflowId: "r" });
    await settle();
    machine.ahead += 3 * hour;
    await machine.advance(minute);
    expect(tried.length).toBe(2);
    machine.ahead -= 3 * hour;
    await machine.advance(hour);
    expect(tried.length).toBe(2);
    await machine.advance(3 * hour);
    expect(tried.length).toBe(3);
    await machine.advance(hour);
    expect(await runtime.result("r")).toBe(4);
  });

  test("timeouts of runs follow the clock", async () => {
    await open({ scripts: { "app:sleeper": sleeper } });
    const options = { runTimeout: 2 * hour };
    await runtime.start("app:sleeper", [], { workflowId: "s", options });
    await settle();
    machine.ahead -= 2 * hour;
    await machine.advance(3 * hour);
    expect(await status("s")).toBe("running");
    machine.ahead += 4 * hour;
    await machine.advance(minute);
    expect(await status("s")).toBe("timed_out");
  });

  test("a lease that ends by a jump is another's; who had it cannot commit", async () => {
    await open({ scripts: { "app:sleeper": sleeper }, taskTimeout: minute });
    runtime.answering = false;
    await runtime.start("app:sleeper", [], { workflowId: "s" });
    await settle();
    const tokens: string[] = [];
    runtime.onTask = (task) => {
      tokens.push(task.token);
      void Promise.resolve(runtime.taskHandler.run(task)).then((completion) =>
        runtime.completeTask(completion)
      );
    };
    machine.ahead += 3 * hour;
    await machine.advance(minute);
    expect(tokens.length).toBe(1);
    const { runId } = (await runtime.provider.describe("s"))!;
    const before = await runtime.eventTypes(runId);
    // The lease that was handed out first.
    const late = tokens[0]!.replace(/\d+$/, (lease) => String(Number(lease) - 1));
    runtime.completeTask({
      token: late,
      outcome: { type: "failed", failure: { cause: "nondeterminism", message: "late" } },
    });
    await settle();
    expect(await runtime.eventTypes(runId)).toEqual(before);
    expect((await runtime.provider.describe("s"))!.blocked).toBeUndefined();
  });

  test("a cron schedule leaves out what a jump has passed over, and its runs never overlap", async () => {
    const begun: number[] = [];
    await open({
      scripts: {
        "app:cron": function* (run) {
          if (!run.activation.replaying) begun.push(run.now);
          yield run.sleep(minute);
          return "done";
        },
      },
    });
    // The machine's time begins at midnight.
    const options = { cronSchedule: "0 * * * *" };
    await runtime.start("app:cron", [], { workflowId: "c", options });
    await machine.advance(hour + minute);
    machine.ahead += 5 * hour + 30 * minute;
    await machine.advance(3 * minute);
    expect(begun.length).toBe(2);
    await machine.advance(hour);
    expect(begun.length).toBe(3);
    machine.ahead -= 4 * hour;
    await machine.advance(3 * hour);
    expect(begun.length).toBe(3);
    await machine.advance(2 * hour);
    expect(begun.length).toBeGreaterThan(3);
    const { runs } = await runtime.provider.list({ workflowId: "c" });
    expect(runs.filter(({ status }) => status === "running").length).toBe(1);
  });
});
