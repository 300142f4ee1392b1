/** Messages to plain processes, whose runtime dies when the server has their task and before they have left. */
import { describe, expect } from "bun:test";
import { unpack } from "../../../src/vm/codec.ts";
import type { Connection } from "../../../src/workflows/providers/temporal/connection/connection.ts";
import { codes, rpcError } from "../../../src/workflows/providers/temporal/connection/rpc-error.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer, type QueuePlace } from "./on-server.ts";

const taskQueues = onServer();
const { open, placeOn } = taskQueues;
const server = () => taskQueues.server;
const to = "{app:processes|0x1}";
const within = 30_000;
const options = { taskTimeout: 1_000 };
const keepers = 'WorkflowType = "wippy-outbox"';

/** A run that sends two messages in each of two tasks; the second may end it. */
const scripts: NonNullable<RuntimeOptions["scripts"]> = {
  "app:told": function* (run, how) {
    run.send(to, "first", 1);
    run.send(to, "first");
    yield run.signal();
    run.send(to, "last", "a", [2]);
    run.send(to, "last", "b");
    if (how === "goes on") yield run.signal();
    return "ended";
  },
  /** All that it sends is in the task that ends it. */
  "app:last": function* (run) {
    yield run.signal();
    run.send(to, "last", "a", [2]);
    run.send(to, "last", "b");
    run.signalExternal("{app:workflows|signaled}", "hello", 7);
    run.signalExternal("{app:workflows|nobody}", "hello");
    run.cancelExternal("{app:workflows|canceled}", "enough");
    run.child("app:idle", [3], { workflowId: "left-behind", parentClosePolicy: "abandon" });
    run.child("app:idle", [4], { workflowId: "not-left" });
    return "ended";
  },
  "app:idle": function* (run, ...args) {
    return [...args, yield run.signal()];
  },
  "app:canceled": function* (run) {
    return yield run.canceled();
  },
};

const first = [["first", 1], ["first"]];
const last = [["last", "a", [2]], ["last", "b"]];

function told({ messages }: Runtime): unknown[] {
  return messages.map(({ topic, payloads }) => [topic, ...unpack(payloads) as unknown[]]);
}

/** Whether a request ends a task with messages. */
function endsTask(name: string, request: object): boolean {
  const { commands = [] } = request as {
    commands?: { recordMarkerCommandAttributes?: { markerName?: string } }[];
  };
  return name === "respondWorkflowTaskCompleted" &&
    commands.some(({ recordMarkerCommandAttributes: marker }) =>
      marker?.markerName === "MessageSent"
    );
}

/** A runtime that dies at once when the server has answered a request. @default that ends a task with messages */
async function dying(
  taskQueue: string,
  isLast: (name: string, request: object) => boolean = endsTask,
): Promise<{ runtime: Runtime; dead: Promise<void> }> {
  const { promise: dead, resolve } = Promise.withResolvers<void>();
  const connecting = (connection: Connection): Connection => {
    const rpc = connection.rpc.bind(connection);
    const cut: Connection["rpc"] = async (name, request, more) => {
      const answer = await rpc(name, request, more);
      if (!isLast(name, request)) return answer;
      place.killed();
      resolve();
      return await new Promise<never>(() => {});
    };
    return Object.assign(connection, { rpc: cut });
  };
  const place: QueuePlace = placeOn(taskQueue, { connecting });
  const runtime = await Runtime.open({ place, scripts });
  cleanAfterTest(() => runtime.provider.close());
  return { runtime, dead };
}

describe("a message to a plain process", () => {
  withTemporal("leaves by the runtime that takes over, before anything else is done", async () => {
    const { runtime, dead } = await dying("taken-over");
    await runtime.start("app:told", ["goes on"], { workflowId: "taken-over", options });
    await dead;
    expect(told(runtime)).toEqual([]);
    const next = await open({ scripts }, placeOn("taken-over"));
    await until(() => next.messages.length >= 2);
    expect(told(next)).toEqual(first);
    expect(next.messages[0]).toMatchObject({ to, from: "{app:workflows|taken-over}" });
    await next.signal("taken-over", "go");
    await until(() => next.messages.length >= 4);
    await next.signal("taken-over", "go");
    expect(await next.result("taken-over")).toBe("ended");
    expect(told(next)).toEqual([...first, ...last]);
  }, within);

  withTemporal("leaves by who terminates or resets the run before another takes over", async () => {
    // It takes nothing from the task queue of the runs.
    const other = await open({ scripts }, placeOn("terminating"));
    for (const workflowId of ["terminated", "reset"]) {
      const { runtime, dead } = await dying(workflowId);
      await runtime.start("app:told", ["goes on"], { workflowId, options });
      await dead;
      expect(told(runtime)).toEqual([]);
      other.messages.length = 0;
      if (workflowId === "reset") await other.provider.reset(workflowId, { eventId: 4 });
      else await other.provider.terminate(workflowId, {});
      expect(told(other)).toEqual(first);
      expect(other.messages[0]).toMatchObject({ to, from: `{app:workflows|${workflowId}}` });
    }
    // The run that the reset has made sends its own.
    const next = await open({ scripts }, placeOn("reset"));
    await until(() => next.messages.length >= 2);
    expect(told(next)).toEqual(first);
    expect(other.reports).toEqual([]);
  }, within);

  withTemporal("leaves once when nobody dies", async () => {
    const r = await open({ scripts }, placeOn("alive"));
    await r.start("app:told", ["ends"], { workflowId: "alive", options });
    await until(() => r.messages.length >= 2);
    await r.signal("alive", "go");
    expect(await r.result("alive")).toBe("ended");
    // Others may know of the end before the last messages leave.
    await until(() => r.messages.length >= 4);
    expect(told(r)).toEqual([...first, ...last]);
  }, within);
});

/** Starts the workflows that `app:last` sends to, and it, and has it end. */
async function end(r: Runtime): Promise<void> {
  await r.start("app:idle", [], { workflowId: "signaled", options });
  await r.start("app:canceled", [], { workflowId: "canceled", options });
  await r.start("app:last", [], { workflowId: "last", options });
  await r.signal("last", "go");
}

/** Checks that everything has come that `app:last` sends. */
async function arrived(r: Runtime): Promise<void> {
  expect(await r.result("last")).toBe("ended");
  await until(() => r.messages.length >= 2);
  expect(told(r)).toEqual(last);
  expect(r.messages[0]).toMatchObject({ to, from: "{app:workflows|last}" });
  expect(await r.result("signaled")).toEqual([
    { name: "hello", payloads: [7], sender: "{app:workflows|last}" },
  ]);
  expect(await r.result("canceled")).toBe("enough");
  await until(async () => await r.provider.describe("left-behind") !== undefined);
  await r.signal("left-behind", "go");
  expect(await r.result("left-behind")).toMatchObject([3, { name: "go" }]);
  expect(await r.provider.describe("not-left")).toBeUndefined();
}

describe("what the task sends that ends a run", () => {
  withTemporal("leaves, and leaves nothing behind", async () => {
    const r = await open({ scripts }, placeOn("ending"));
    await end(r);
    await arrived(r);
    await until(async () =>
      (await server().command("workflow", "count", "--query", keepers)).startsWith("Total: 0")
    );
    for (const workflowId of ["signaled", "canceled", "last", "left-behind"]) {
      await server().command("workflow", "delete", "--workflow-id", workflowId);
    }
  }, within);

  withTemporal("leaves by the runtime that takes over", async () => {
    const { runtime, dead } = await dying("ending-dead");
    await end(runtime);
    await dead;
    expect(told(runtime)).toEqual([]);
    const running = ["workflow", "count", "--query", `${keepers} AND ExecutionStatus = "Running"`];
    await until(async () => (await server().command(...running)).startsWith("Total: 1"));
    const next = await open({ scripts }, placeOn("ending-dead"));
    // What keeps them meanwhile is nobody's run.
    const { runs } = await next.provider.list({ status: "running" });
    expect(runs.map(({ entry }) => entry)).not.toContain("wippy-outbox");
    await arrived(next);
    await until(async () => (await server().command(...running)).startsWith("Total: 0"));
  }, within);

  withTemporal("leaves by a third runtime when the second dies while it sends", async () => {
    const { runtime, dead } = await dying("dead-twice");
    await end(runtime);
    await dead;
    const { runtime: second, dead: alsoDead } = await dying(
      "dead-twice",
      (name, request) =>
        name === "signalWorkflowExecution" &&
        String((request as { requestId?: string }).requestId).includes("/signal/"),
    );
    await alsoDead;
    expect(told(second)).toEqual(last);
    const third = await open({ scripts }, placeOn("dead-twice"));
    await arrived(third);
    const running = `TaskQueue = "dead-twice" AND ${keepers} AND ExecutionStatus = "Running"`;
    await until(async () =>
      (await server().command("workflow", "count", "--query", running)).startsWith("Total: 0")
    );
  }, 60_000);

  withTemporal("leaves a terminated keeper where deleting it is not allowed", async () => {
    const refused: string[] = [];
    const connecting = (connection: Connection): Connection => {
      const rpc = connection.rpc.bind(connection);
      const guarded: Connection["rpc"] = async (name, request, more) => {
        if (name !== "deleteWorkflowExecution") return await rpc(name, request, more);
        refused.push(name);
        throw rpcError(codes.permissionDenied, "Request unauthorized.");
      };
      return Object.assign(connection, { rpc: guarded });
    };
    const r = await open({ scripts }, placeOn("not-deleting", { connecting }));
    await end(r);
    await arrived(r);
    const ended = `TaskQueue = "not-deleting" AND ${keepers} AND ExecutionStatus = "Terminated"`;
    await until(async () =>
      (await server().command("workflow", "count", "--query", ended)).startsWith("Total: 1")
    );
    expect(refused).toEqual(["deleteWorkflowExecution"]);
  }, within);
});
