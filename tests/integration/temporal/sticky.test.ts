/** What a runtime gets of a run that its worker has in memory, and of one that it has dropped. */
import { describe, expect } from "bun:test";
import type { Connection } from "../../../src/workflows/providers/temporal/connection/connection.ts";
import { whole } from "../../../src/workflows/providers/temporal/proto.ts";
import type { PolledTask } from "../../../src/workflows/providers/temporal/worker/worker.ts";
import type { Runtime, RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const { open, placeOn } = onServer();
const runs = 20;
/** Long enough for a busy machine: a task that is late would go to any runtime, with all of its history. */
const stickyTimeout = 20_000;

const scripts: NonNullable<RuntimeOptions["scripts"]> = {
  "app:sums": function* (run) {
    let sum = Number(run.record(() => 1));
    for (let n = 0; n < 3; n++) {
      sum += ((yield run.signal()) as { payloads: number[] }).payloads[0]!;
      yield run.activity("app:noted", [sum]);
    }
    return sum;
  },
};
const activities = { "app:noted": () => true };

/** What a runtime was given: the number of the first event of each task, and how often it read a history. */
class Given {
  readonly firsts: number[] = [];
  reads = 0;
  /** Tasks that the server has taken back. */
  done = 0;

  connecting = (connection: Connection): Connection => {
    const rpc = connection.rpc.bind(connection);
    const told: Connection["rpc"] = async (name, request, more) => {
      if (name === "getWorkflowExecutionHistory") this.reads++;
      const answer = await rpc(name, request, more);
      if (name === "respondWorkflowTaskCompleted") this.done++;
      const { workflowTask } = answer as { workflowTask?: PolledTask | null };
      const { history, taskToken } = workflowTask ?? answer as PolledTask;
      const [first] = history?.events ?? [];
      if (taskToken?.length && first) this.firsts.push(whole(first.eventId));
      return answer;
    };
    // Polls are prepared once.
    const prepare: Connection["prepare"] = (name, request) => (more) => told(name, request, more);
    return Object.assign(connection, { rpc: told, prepare });
  };
}

const ids = Array.from({ length: runs }, (_, n) => n);

/** Sends a signal to each run, and waits for its task and for that of the activity. */
async function step(r: Runtime, given: Given, name: string, value: number): Promise<void> {
  const before = given.done;
  await Promise.all(ids.map((id) => r.signal(`${name}-${id}`, "add", value)));
  await until(() => given.done === before + 2 * runs);
}

describe("a run", () => {
  withTemporal("that its worker has in memory comes without what it has seen", async () => {
    const given = new Given();
    const { connecting } = given;
    const r = await open({ scripts, activities }, placeOn("held", { connecting, stickyTimeout }));
    for (const id of ids) await r.start("app:sums", [], { workflowId: `held-${id}` });
    await until(() => given.done === runs);
    expect(new Set(given.firsts)).toEqual(new Set([1]));
    given.reads = 0;
    for (const value of [10, 200, 3_000]) await step(r, given, "held", value);
    expect(given.firsts.slice(runs).every((first) => first > 1)).toBe(true);
    expect(given.firsts.length).toBe(7 * runs);
    expect(given.reads).toBe(0);
    for (const id of ids) expect(await r.result(`held-${id}`)).toBe(3_211);
  }, 60_000);

  withTemporal("that its worker has dropped is read again, and is the same", async () => {
    const given = new Given();
    const { connecting } = given;
    const r = await open(
      { scripts, activities },
      placeOn("dropped", { connecting, stickyTimeout }),
    );
    const runIds: string[] = [];
    for (const id of ids) {
      runIds.push((await r.start("app:sums", [], { workflowId: `dropped-${id}` })).runId);
    }
    await until(() => given.done === runs);
    for (const value of [10, 200, 3_000]) {
      for (const runId of runIds) r.taskHandler.evict(runId);
      const before = given.reads;
      await step(r, given, "dropped", value);
      expect(given.reads - before).toBeGreaterThanOrEqual(runs);
    }
    for (const id of ids) expect(await r.result(`dropped-${id}`)).toBe(3_211);
    expect(r.reports).toEqual([]);
  }, 60_000);
});
