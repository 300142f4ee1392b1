/** Workflows of ours with activities and parents of Temporal's TypeScript SDK, which runs on Node. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { TemporalServer, withoutTemporal } from "../../temporal-server.ts";
import { startApplication } from "../application.ts";

const missing = withoutTemporal ?? (Bun.which("node") ? undefined : "Node is not installed");
const withBoth = missing === undefined
  ? test
  : (name: string, _run: () => Promise<void>, _timeout?: number) =>
    test.skip(`${name} (skipped: ${missing})`, () => {});

let server: TemporalServer;
let worker: Bun.Subprocess<"ignore", "pipe", "inherit">;

beforeAll(async () => {
  if (missing !== undefined) return;
  server = await TemporalServer.start();
  worker = Bun.spawn(["node", join(import.meta.dir, "sdk/worker.mjs"), server.address, "sdk"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  for await (const chunk of worker.stdout) {
    if (new TextDecoder().decode(chunk).includes("ready")) return;
  }
  throw new Error("the worker of the SDK did not start");
}, 120_000);

afterAll(async () => {
  worker?.kill("SIGKILL");
  await worker?.exited;
  await server?.stop();
});

const auto = { lifecycle: { auto_start: true } };
const modules = ["funcs", "process", "errors"];

function start() {
  return startApplication({
    functions: {
      run: {
        modules: ["process"],
        source: `return { main = function(id)
          local value, err = process.exec(id, "app:worker")
          return { value = value, err = err and tostring(err) }
        end }`,
      },
    },
    entries: {
      temporal: { kind: "temporal.client", address: server.address, ...auto },
      worker: { kind: "temporal.worker", client: "app:temporal", task_queue: "ours", ...auto },
      caller: {
        kind: "workflow.lua",
        method: "main",
        modules,
        source: `
          local sdk = funcs.new():with_options({ ["activity.task_queue"] = "sdk" })
          local function told(err)
            return { kind = err:kind(), message = err:message(), retryable = err:retryable(), details = err:details() }
          end
          local function main()
            local greeting = assert(sdk:call("sdk:greet", { name = "Ada", n = 21 }))
            local _, refused = sdk:call("sdk:refuse")
            local _, conflict = sdk:call("sdk:conflict")
            return { greeting = greeting, refused = told(refused), conflict = told(conflict) }
          end
          return { main = main }`,
      },
      order: {
        kind: "workflow.lua",
        method: "main",
        modules,
        source: `return { main = function(n, more)
          return { doubled = n * 2, nested = more.nested[1], float = 2.0 }
        end }`,
      },
      failing: {
        kind: "workflow.lua",
        method: "main",
        modules,
        source: `return { main = function()
          return nil, errors.new({ kind = errors.INVALID, message = "bad order", retryable = false })
        end }`,
      },
    },
  });
}

withBoth("a workflow calls activities of the TypeScript SDK", async () => {
  const application = await start();
  const { value, err } = await application.call("run", "app:caller") as {
    value: object;
    err?: string;
  };
  expect(err).toBeUndefined();
  expect(value).toEqual({
    greeting: { text: "hello Ada", twice: 42, list: [1, "x"] },
    refused: {
      kind: "Unknown",
      message: "no money",
      retryable: false,
      details: expect.objectContaining({
        type: "CardDeclined",
        details: [{ code: 51 }],
        _wrapper: "activity",
        _retry_state: "non_retryable_failure",
      }),
    },
    conflict: expect.objectContaining({ kind: "Conflict", message: "taken", retryable: false }),
  });
}, 60_000);

withBoth("a workflow is the child of one of the TypeScript SDK", async () => {
  await start();
  const connection = await Connection.connect({ address: server.address });
  try {
    const result = await new Client({ connection }).workflow.execute("parent", {
      taskQueue: "sdk",
      workflowId: "parent-1",
      args: ["ours", 21],
    });
    expect(result).toEqual({
      value: { doubled: 42, nested: true, float: 2 },
      failure: { type: "Invalid", message: "bad order", nonRetryable: true },
    });
  } finally {
    await connection.close();
  }
}, 60_000);
