/** Messages to plain processes, whose runtime dies when the server has their task and before they have left. */
import { describe, expect } from "bun:test";
import { unpack } from "../../../src/vm/codec.ts";
import type { Connection } from "../../../src/workflows/providers/temporal/bridge/bridge.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer, type QueuePlace } from "./on-server.ts";

const { open, placeOn } = onServer();
const to = "{app:processes|0x1}";
const within = 30_000;
const options = { taskTimeout: 1_000 };

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
};

const first = [["first", 1], ["first"]];
const last = [["last", "a", [2]], ["last", "b"]];

function told({ messages }: Runtime): unknown[] {
  return messages.map(({ topic, payloads }) => [topic, ...unpack(payloads) as unknown[]]);
}

/** A runtime that dies at once when the server has taken a task with messages. */
async function dying(taskQueue: string): Promise<{ runtime: Runtime; dead: Promise<void> }> {
  const { promise: dead, resolve } = Promise.withResolvers<void>();
  const connecting = (connection: Connection): Connection => {
    const rpc = connection.rpc.bind(connection);
    const cut: Connection["rpc"] = async (name, request, more) => {
      const answer = await rpc(name, request, more);
      const { commands = [] } = request as {
        commands?: { recordMarkerCommandAttributes?: { markerName?: string } }[];
      };
      const sends = commands.some(({ recordMarkerCommandAttributes: marker }) =>
        marker?.markerName === "MessageSent"
      );
      if (name !== "respondWorkflowTaskCompleted" || !sends) return answer;
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

  withTemporal("leaves once when nobody dies", async () => {
    const r = await open({ scripts }, placeOn("alive"));
    await r.start("app:told", ["ends"], { workflowId: "alive", options });
    await until(() => r.messages.length >= 2);
    await r.signal("alive", "go");
    expect(await r.result("alive")).toBe("ended");
    expect(told(r)).toEqual([...first, ...last]);
  }, within);
});
