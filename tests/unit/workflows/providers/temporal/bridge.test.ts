/** Temporal's Core against a real server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import manifest from "../../../../../package.json" with { type: "json" };
import {
  addonInPackage,
  addonPackage,
  addonVersion,
  findAddon,
} from "../../../../../src/workflows/providers/temporal/bridge/addon.ts";
import {
  connect,
  type Connection,
  RpcError,
} from "../../../../../src/workflows/providers/temporal/bridge/bridge.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../../../temporal-server.ts";

let server: TemporalServer;
let connection: Connection;

beforeAll(async () => {
  if (withoutTemporal !== undefined) return;
  server = await TemporalServer.start();
  connection = await connect({ address: server.address, namespace: "default" });
}, 60_000);

afterAll(async () => {
  connection?.close();
  await server?.stop();
});

describe("the addon", () => {
  test("has the version that the repository installs", () => {
    expect(manifest.devDependencies[addonPackage]).toBe(addonVersion);
    expect(manifest.dependencies["@temporalio/proto"]).toBe(addonVersion);
  });

  test("is found in node_modules", () => {
    expect(findAddon()).toEqual({ file: expect.stringContaining(addonInPackage()) });
  });

  test("is not there for every machine", () => {
    expect(addonInPackage("linux", "arm64")).toBe("releases/aarch64-unknown-linux-gnu/index.node");
    expect(() => addonInPackage("win32", "arm64")).toThrow("is not available for win32 on arm64");
    expect(() => addonInPackage("sunos" as "linux", "x64")).toThrow("use workflow.host");
  });
});

/** What a promise is rejected with. `expect(…).rejects` would wait where answers of the addon do not get in. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => undefined, (error) => error);
}

const start = (workflowId: string) =>
  connection.rpc("startWorkflowExecution", {
    workflowId,
    workflowType: { name: "x" },
    taskQueue: { name: "bridge" },
    requestId: crypto.randomUUID(),
    workflowIdConflictPolicy: 1,
  });

withTemporal("a request is answered, with the namespace of the connection", async () => {
  const { namespaceInfo } = await connection.rpc("describeNamespace", {});
  expect(namespaceInfo?.name).toBe("default");
  await connection.check();
});

withTemporal("a refusal has the server's words and details", async () => {
  const { runId } = await start("twice");
  const error = await refusal(start("twice"));
  if (!(error instanceof RpcError)) throw new Error("it was not refused");
  expect(error).toMatchObject({ kind: "AlreadyExists", retryable: false, code: 6 });
  expect(error.detail("WorkflowExecutionAlreadyStartedFailure")?.runId).toBe(runId);
  expect(error.detail("NotFoundFailure")).toBeUndefined();
  const unknown = await refusal(
    connection.rpc("describeWorkflowExecution", { execution: { workflowId: "no" } }),
  );
  expect(unknown).toMatchObject({ kind: "NotFound", retryable: false });
});

withTemporal("the wait for an answer can be ended", async () => {
  const ended = new AbortController();
  await start("waits");
  const poll = connection.rpc("getWorkflowExecutionHistory", {
    execution: { workflowId: "waits" },
    waitNewEvent: true,
    historyEventFilterType: 2,
  }, { timeout: 60_000, signal: ended.signal });
  ended.abort(new Error("enough"));
  expect(await refusal(poll)).toMatchObject({ message: "enough" });
});

withTemporal("a worker gets an activation, completes it and shuts down", async () => {
  await start("runs");
  const worker = await connection.worker({
    taskQueue: "bridge",
    takes: { workflows: true, activities: false },
  });
  const ended: string[] = [];
  for (;;) {
    const activation = await worker.pollActivation();
    if (!activation) break;
    const [job] = activation.jobs;
    const id = job?.initializeWorkflow?.workflowId;
    if (id === "runs") worker.shutdown();
    if (id) ended.push(id);
    await worker.completeActivation({
      runId: activation.runId,
      successful: {
        commands: job?.removeFromCache ? [] : [{ completeWorkflowExecution: {} }],
      },
    });
  }
  await worker.finalize();
  expect(ended).toContain("runs");
});

withTemporal("a worker of an unknown namespace does not start", async () => {
  const other = await connect({ address: server.address, namespace: "nowhere" });
  try {
    expect(await refusal(other.worker({ taskQueue: "q" }))).toMatchObject({
      kind: "NotFound",
      message: expect.stringContaining("cannot start a worker on the task queue q"),
    });
  } finally {
    other.close();
  }
});

test("a server that is not there is said so", async () => {
  const attempt = connect({ address: "127.0.0.1:9", namespace: "default", connectionTimeout: 500 });
  expect(await refusal(attempt)).toMatchObject({
    kind: expect.stringMatching(/Unavailable|Timeout/),
    retryable: true,
    message: expect.stringContaining("cannot reach Temporal at 127.0.0.1:9"),
  });
});
