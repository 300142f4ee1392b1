/** Workflows on a real Temporal server, with scripted code. */
import { describe, expect } from "bun:test";
import { pack, unpack } from "../../../src/vm/codec.ts";
import { Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { ScriptError } from "../../conformance/scripted-engine.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const taskQueues = onServer();
const { open, placeOn } = taskQueues;

describe("a run on Temporal", () => {
  withTemporal("does its activities and timers, and completes", async () => {
    const r = await open({
      scripts: {
        "app:order": function* (run, id) {
          const paid = yield run.activity("app:pay", [id]);
          yield run.sleep(20);
          return [paid, yield run.activity("app:send", [id, paid])];
        },
      },
      activities: {
        "app:pay": (_task, id) => `paid ${id}`,
        "app:send": (_task, id, paid) => `sent ${id} after ${paid}`,
      },
    });
    const { runId } = await r.start("app:order", [7], { workflowId: "order-7" });
    expect(await r.result("order-7")).toEqual(["paid 7", "sent 7 after paid 7"]);
    expect(await r.eventTypes(runId)).toEqual([
      ...["ExecutionStarted", "TaskStarted", "TaskCompleted", "ActivityScheduled"],
      ...["ActivityCompleted", "TaskStarted", "TaskCompleted", "TimerStarted"],
      ...["TimerFired", "TaskStarted", "TaskCompleted", "ActivityScheduled"],
      ...["ActivityCompleted", "TaskStarted", "TaskCompleted", "ExecutionCompleted"],
    ]);
    expect(r.reports).toEqual([]);
  });

  withTemporal("is replayed by another runtime with what was recorded", async () => {
    let made = 0;
    const scripts: RuntimeOptions["scripts"] = {
      "app:random": function* (run) {
        const first = run.record(() => ++made);
        const version = run.version("change", 3);
        run.attributes(undefined, { note: "x" });
        yield run.signal();
        const second = run.record(() => ++made);
        return [first, version, run.version("change", 9), run.version("other", 2), second];
      },
    };
    const place = placeOn("replayed");
    const first = await Runtime.open({ place, scripts });
    await first.start("app:random", [], { workflowId: "replayed" });
    await until(async () => (await first.provider.describe("replayed"))!.historyLength > 5);
    await first.provider.close();
    const again = await open({ scripts }, place);
    await again.signal("replayed", "go");
    expect(await again.result("replayed")).toEqual([1, 3, 3, 2, 2]);
    expect(made).toBe(2);
    expect(unpack((await again.provider.describe("replayed"))!.memo!)).toEqual({ note: "x" });
  });

  withTemporal("goes on when its runtime was killed", async () => {
    const scripts: RuntimeOptions["scripts"] = {
      "app:wait": function* (run) {
        const paid = yield run.activity("app:pay");
        const { name } = (yield run.signal()) as { name: string };
        return [paid, name];
      },
    };
    const activities = { "app:pay": () => "paid" };
    const place = placeOn("killed");
    const first = await Runtime.open({ place, scripts, activities });
    await first.start("app:wait", [], { workflowId: "killed" });
    await until(async () => (await first.provider.describe("killed"))!.historyLength > 9);
    place.killed();
    const again = await open({ scripts, activities }, place);
    await again.signal("killed", "go");
    expect(await again.result("killed")).toEqual(["paid", "go"]);
    expect(again.attempts).toEqual([]);
  }, 20_000);

  withTemporal("answers queries and updates, and sees signals and its cancellation", async () => {
    const r = await open({
      scripts: {
        "app:listen": function* (run) {
          const update = (yield run.signal()) as { sender: string; payloads: number[] };
          run.issue({ type: "accept_update", updateId: update.sender });
          const doubled = 2 * update.payloads[0]!;
          run.issue({ type: "complete_update", updateId: update.sender, value: doubled });
          const { name, payloads } = (yield run.signal()) as { name: string; payloads: number[] };
          const reason = yield run.canceled();
          throw new ScriptError({ kind: "Canceled", message: `${name} ${payloads} ${reason}` });
        },
      },
    });
    await r.start("app:listen", [], { workflowId: "listen" });
    const update = { name: "double", args: pack([21]), sender: "{a|1}" };
    expect(await r.provider.update("listen", update, "completed")).toMatchObject({
      status: "completed",
      value: pack(42),
    });
    const query = { name: "how", args: pack([1]) };
    expect(unpack((await r.provider.query("listen", query))!)).toEqual({ name: "how", args: [1] });
    await r.signal("listen", "go", 1, 2);
    await r.provider.cancel("listen", { reason: "enough", sender: "" });
    expect(await r.closed("listen")).toMatchObject({
      status: "canceled",
      failure: { kind: "Canceled", message: "go 1,2 enough" },
    });
    // It is closed; the query replays it.
    expect(unpack((await r.provider.query("listen", query))!)).toEqual({ name: "how", args: [1] });
  });

  withTemporal("whose code does not repeat its history says where they differ", async () => {
    const place = placeOn("different");
    const first = await Runtime.open({
      place,
      scripts: {
        "app:v": function* (run) {
          yield run.activity("app:old");
          return yield run.signal();
        },
      },
      activities: { "app:old": () => 1 },
    });
    await first.start("app:v", [], { workflowId: "different" });
    await until(async () => (await first.provider.describe("different"))!.historyLength > 9);
    await first.provider.close();
    const again = await open({
      scripts: {
        "app:v": function* (run) {
          return yield run.activity("app:new");
        },
      },
    }, place);
    await again.signal("different", "go");
    await until(() => again.reports.length > 0);
    const [report] = again.reports;
    expect(report!.message).toContain("history has event 5, ActivityScheduled app:old");
    expect(report!.message).toContain("the code made schedule_activity #1 app:new 1 at app:v:1");
    const blocked = await until(async () => (await again.provider.describe("different"))?.blocked);
    expect(blocked).toMatchObject({
      cause: "nondeterminism",
      expected: { eventId: 5 },
      actual: { at: "app:v:1" },
    });
    const shown = await taskQueues.server.command("workflow", "show", "-w", "different");
    expect(shown).toContain("WorkflowTaskFailed");
  });
});
