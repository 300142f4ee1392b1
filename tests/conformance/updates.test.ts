import { afterEach, beforeEach, describe, expect } from "bun:test";
import { pack, unpack } from "../../src/vm/codec.ts";
import { machineOf, Runtime, settle, type VirtualMachine } from "./runtime.ts";
import type { Script } from "./scripted-engine.ts";
import type { QueryTask, WorkflowTask } from "../../src/workflows/tasks/tasks.ts";
import type { Place } from "./place.ts";
import { casesOf } from "./cases.ts";
import { places } from "./places.ts";

describe.each(places)("$name", (kind) => {
  const test = casesOf(kind);

  let place: Place;
  let machine: VirtualMachine;
  let runtime: Runtime;

  const scripts: Record<string, Script> = {
    /** Takes updates; those named "no" are rejected, those named "later" are completed by a signal. */
    "app:updated": function* (run) {
      const answered: string[] = [];
      for (;;) {
        const { name, sender } = (yield run.signal()) as { name: string; sender: string };
        if (name === "end") return answered;
        if (name === "go") {
          run.issue({ type: "complete_update", updateId: answered.at(-1)!, value: "at last" });
        } else if (name === "no") {
          const failure = { kind: "Invalid", message: "no", retryable: false };
          run.issue({ type: "reject_update", updateId: sender, failure });
        } else {
          answered.push(sender);
          run.issue({ type: "accept_update", updateId: sender });
          if (name === "now") {
            run.issue({ type: "complete_update", updateId: sender, value: "done" });
          }
        }
      }
    },
  };

  beforeEach(async () => {
    place = kind.make();
    machine = machineOf(place);
    await reopen();
    await runtime.start("app:updated", [], { workflowId: "u" });
    await settle();
  });

  afterEach(async () => {
    await runtime.provider.close();
    expect(place.faults()).toEqual([]);
    place.remove();
  });

  async function reopen(): Promise<void> {
    runtime = await Runtime.open({ place, machine, scripts });
  }

  function update(name: string, updateId: string, stage: "accepted" | "completed" = "completed") {
    return runtime.provider.update("u", { name, updateId, args: pack([]), sender: "" }, stage);
  }

  function query(workflowId = "u") {
    return runtime.provider.query(workflowId, { name: "q", args: pack([1]) });
  }

  test("an update is recorded at every stage, once for its id", async () => {
    const { runId } = (await runtime.provider.describe("u"))!;
    expect(await update("later", "a", "accepted")).toEqual({
      updateId: "a",
      runId,
      status: "accepted",
    });
    const first = update("later", "a");
    const second = runtime.provider.pollUpdate("u", "a", "completed");
    await runtime.signal("u", "go");
    const outcome = { updateId: "a", runId, status: "completed", value: pack("at last") } as const;
    expect(await first).toEqual(outcome);
    expect(await second).toEqual(outcome);
    expect(await update("no", "b")).toMatchObject({ status: "rejected" });
    const ofFirst = (await runtime.history(runId)).filter(({ type, data }) =>
      type.startsWith("Update") && "updateId" in data && data.updateId === "a"
    );
    expect(ofFirst.map(({ type }) => type)).toEqual([
      "UpdateDelivered",
      "UpdateAccepted",
      "UpdateCompleted",
    ]);
  });

  test("an update that was rejected is remembered", async () => {
    const { runId } = (await runtime.provider.describe("u"))!;
    expect(await update("no", "b")).toMatchObject({ status: "rejected" });
    expect(await update("now", "b")).toMatchObject({ status: "rejected" });
    const types = await runtime.eventTypes(runId);
    expect(types.filter((type) => type.startsWith("Update"))).toEqual([
      "UpdateDelivered",
      "UpdateRejected",
    ]);
  });

  test("who waits when the journal closes has to ask again, and then waits for the same update", async () => {
    const lost = update("later", "a").catch((error) => error);
    await settle();
    await runtime.provider.close();
    expect(await lost).toMatchObject({ kind: "Unavailable" });
    await reopen();
    const again = update("later", "a");
    await settle();
    await runtime.signal("u", "go");
    expect(await again).toMatchObject({ status: "completed" });
    await runtime.signal("u", "end");
    expect(await runtime.result("u")).toEqual(["a"]);
  });

  test("a query goes to the worker that holds the run, else with the whole history", async () => {
    const tasks: QueryTask[] = [];
    runtime.onQuery = (task) => {
      tasks.push(task);
      runtime.taskHandler.query(task).then((answer) => runtime.completeQuery(answer));
    };
    const asked = { name: "q", args: [1] };
    expect(unpack((await query())!)).toEqual(asked);
    // The worker forgets the run, and is asked again with its history; then it holds it.
    runtime.taskHandler.evict(tasks[0]!.runId);
    expect(unpack((await query())!)).toEqual(asked);
    expect(unpack((await query())!)).toEqual(asked);
    expect(tasks.map(({ since }) => since > 0)).toEqual([true, true, false, true]);
    await update("now", "a");
    await runtime.signal("u", "end");
    await runtime.result("u");
    expect(runtime.engine.has(tasks[0]!.runId)).toBe(false);
  });

  test("a query whose workers die is given up in the end; the run goes on", async () => {
    let deaths = 0;
    runtime.onQuery = ({ token }) => {
      deaths++;
      runtime.completeQuery({
        token,
        since: 0,
        outcome: { type: "lost", message: "the VM stopped" },
      });
    };
    expect(await query().catch((error) => error)).toMatchObject({
      kind: "Unavailable",
      retryable: true,
      message: "the query was lost: the VM stopped",
    });
    expect(deaths).toBe(3);
    expect(await update("now", "a")).toMatchObject({ status: "completed" });
  });

  test("a query that a worker loses with a task is asked again", async () => {
    const { onTask, onQuery } = runtime;
    const tasks: WorkflowTask[] = [];
    const taken = Promise.withResolvers<void>();
    runtime.onTask = (task) => {
      tasks.push(task);
      taken.resolve();
    };
    const first = update("now", "a");
    await taken.promise;
    // A second task is due, and a server that hands out queries with tasks does so with that one.
    const second = update("now", "b");
    const answer = query();
    await settle();
    const asked: QueryTask[] = [];
    runtime.onQuery = (task) => {
      asked.push(task);
      if (asked.length > 1) return onQuery(task);
      const outcome = { type: "lost" as const, message: "the VM stopped" };
      runtime.completeQuery({ token: task.token, since: 0, outcome });
    };
    runtime.onTask = onTask;
    onTask(tasks[0]!);
    expect(unpack((await answer)!)).toEqual({ name: "q", args: [1] });
    expect(asked.length).toBe(2);
    expect(await Promise.all([first, second])).toMatchObject([
      { status: "completed" },
      { status: "completed" },
    ]);
  });

  test("a query of a run that is delayed, or unknown, is refused", async () => {
    await runtime.start("app:updated", [], { workflowId: "d", options: { startDelay: 900_000 } });
    expect(await query("d").catch((error) => error)).toMatchObject({ kind: "Unavailable" });
    expect(await query("x").catch((error) => error)).toMatchObject({ kind: "NotFound" });
  });
});
