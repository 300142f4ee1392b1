/** Applications whose workflows run on a Temporal server: the entries of kind temporal.client and temporal.worker. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { LuaFloat } from "../../../src/vm/value.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { type Code, startApplication, type TestApplication } from "../application.ts";

let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal === undefined) server = await TemporalServer.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

let queues = 0;
const auto = { lifecycle: { auto_start: true } };

interface Made {
  functions?: Record<string, Code>;
  workflows: Record<string, Code>;
  client?: Record<string, unknown>;
  workers?: Record<string, Record<string, unknown>>;
  entries?: Record<string, Record<string, unknown>>;
}

/** An application with a client and the given workers; `worker` unless others are given. */
async function start(
  { functions = {}, workflows, client = {}, workers = { worker: {} }, entries = {} }: Made,
): Promise<TestApplication> {
  queues++;
  const modules = ["process", "funcs", "time", "workflow", "channel", "errors", "ctx"];
  const withModules = (code: Code) =>
    typeof code === "string" ? { source: code, modules } : { modules, ...code };
  const map = (codes: Record<string, Code>) =>
    Object.fromEntries(Object.entries(codes).map(([name, code]) => [name, withModules(code)]));
  return await startApplication({
    functions: map(functions),
    entries: {
      temporal: { kind: "temporal.client", address: server.address, ...auto, ...client },
      ...Object.fromEntries(
        Object.entries(workers).map(([name, fields]) => [name, {
          kind: "temporal.worker",
          client: "app:temporal",
          task_queue: `queue-${queues}-${name}`,
          ...auto,
          ...fields,
        }]),
      ),
      ...Object.fromEntries(
        Object.entries(workflows).map(([name, code]) => [name, {
          kind: "workflow.lua",
          method: "main",
          ...withModules(code),
        }]),
      ),
      ...entries,
    },
  });
}

const order = `
  local function main(n)
    local paid = process.listen("pay")
    local twice, err = funcs.call("app:double", n)
    if err then return nil, err end
    time.sleep("10ms")
    local payment = paid:receive()
    return { twice = twice, paid = payment.amount, kind = math.type(payment.amount) }
  end
  return { main = main }`;
const double = `return { main = function(n) return n * 2 end }`;
/** Starts a workflow on a host, sends it a message, and returns its PID and its end. */
const run = `
  local function main(id, host, ...)
    local pid = assert(process.spawn_monitored(id, host, ...))
    process.send(pid, "pay", { amount = 5.0 })
    local exit = process.events():receive()
    local err = exit.result.error
    return { pid = pid, value = exit.result.value,
      err = err and { kind = err:kind(), message = err:message(), retryable = err:retryable() } }
  end
  return { main = main }`;

interface Ended {
  pid: string;
  value?: unknown;
  err?: { kind: string; message: string; retryable: boolean };
}

const ended = async (application: TestApplication, ...args: (string | number)[]) =>
  await application.call("run", ...args) as object as Ended;

withTemporal("a workflow calls activities, sleeps and hears messages", async () => {
  const application = await start({ functions: { double, run }, workflows: { order } });
  const { pid, value } = await ended(application, "app:order", "app:worker", 21);
  expect(pid).toMatch(/^\{app:temporal@app:worker\|.+\}$/);
  expect(value).toEqual({ twice: 42, paid: new LuaFloat(5), kind: "float" });
}, 30_000);

withTemporal("a failure comes with its kind", async () => {
  const application = await start({
    functions: {
      run,
      double: `return { main = function()
        return nil, errors.new({ kind = errors.CONFLICT, message = "taken", retryable = false })
      end }`,
    },
    workflows: { order },
  });
  const { err } = await ended(application, "app:order", "app:worker", 1);
  expect(err).toEqual({ kind: "Conflict", message: "taken", retryable: false });
}, 30_000);

withTemporal(
  "workers share a client, and one that only runs workflows leaves activities to another",
  async () => {
    const application = await start({
      functions: { double, run },
      workflows: {
        order,
        parent: `return { main = function(n)
        local pid = assert(process.spawn("app:order", "app:second", n))
        process.send(pid, "pay", { amount = 1 })
        local exit = process.events():receive()
        return { pid = pid, value = exit.result.value }
      end }`,
      },
      client: { tq_prefix: "test-" },
      workers: {
        first: {},
        second: { task_queue: "shared", worker_options: { local_activity_worker_only: true } },
        third: { task_queue: "shared", worker_options: { disable_workflow_worker: true } },
      },
    });
    const { value, err } = await ended(application, "app:parent", "app:first", 4);
    expect(err).toBeUndefined();
    const child = value as Ended;
    expect(child.pid).toMatch(/^\{app:temporal@app:second\|/);
    expect(child.value).toEqual({ twice: 8, paid: 1, kind: "integer" });
    const queue = await server.command("task-queue", "describe", "--task-queue", "test-shared");
    expect(queue).toContain("workflow");
  },
  30_000,
);

withTemporal("payloads are encrypted with the key of the client", async () => {
  const application = await start({
    functions: {
      run,
      double: `return { main = function(word) return word .. " and cards" end }`,
    },
    workflows: { order },
    client: { payload_codec: { id: "k7", key: randomBytes(32).toString("base64") } },
  });
  const { pid, value } = await ended(application, "app:order", "app:worker", "secret cats");
  expect(value).toMatchObject({ twice: "secret cats and cards" });
  const id = pid.slice(pid.indexOf("|") + 1, -1);
  const history = await server.command("workflow", "show", "--workflow-id", id, "--output", "json");
  expect(history).toContain(Buffer.from("binary/encrypted").toString("base64"));
  const texts = [...history.matchAll(/"data":\s*"([^"]*)"/g)]
    .map(([, data]) => Buffer.from(data!, "base64").toString());
  expect(texts.length).toBeGreaterThan(3);
  expect(texts.filter((text) => text.includes("cats") || text.includes("cards"))).toEqual([]);
}, 30_000);

withTemporal("tools see the client and its workers", async () => {
  const application = await start({
    workflows: {},
    client: { ui: "http://127.0.0.1:8233" },
    workers: {
      worker: {
        worker_options: { use_versioning: true, deployment_name: "shop", build_id: "7" },
      },
    },
  });
  const { control } = application.node;
  expect(await control.inspectService("app:temporal")).toMatchObject({
    address: server.address,
    namespace: "default",
    healthy: true,
    ui: "http://127.0.0.1:8233",
  });
  expect(await control.inspectService("app:worker")).toMatchObject({
    client: "app:temporal",
    deployment_name: "shop",
    build_id: "7",
  });
}, 30_000);

withTemporal("a run is routed to the version of the worker that is current", async () => {
  const versioned = async (build_id: string) =>
    await start({
      functions: { run, build: `return { main = function() return "build ${build_id}" end }` },
      workflows: {
        versioned: 'return { main = function() return funcs.call("app:build") end }',
      },
      workers: {
        worker: {
          task_queue: "versioned",
          worker_options: {
            use_versioning: true,
            deployment_name: "routed",
            build_id,
            default_versioning_behavior: "pinned",
          },
        },
      },
    });
  const first = await versioned("one");
  await versioned("two");
  for (const build of ["one", "two"]) {
    const command = ["worker", "deployment", "set-current-version", "--yes"];
    const version = ["--deployment-name", "routed", "--build-id", build];
    await until(async () =>
      (await server.command(...command, ...version)).includes("Successfully")
    );
    const value = await until(
      async () => (await ended(first, "app:versioned", "app:worker")).value,
      (got) => got === `build ${build}`,
    );
    expect(value).toBe(`build ${build}`);
  }
}, 60_000);

withTemporal("a server that is lost and regained is reported, and work goes on", async () => {
  const own = await TemporalServer.start({ durable: true });
  cleanAfterTest(() => own.stop());
  const application = await start({
    functions: { double, run },
    workflows: { order },
    client: {
      address: own.address,
      health_check: { enabled: true, interval: "50ms" },
    },
  });
  const said = (text: string) =>
    until(() => application.logs.some(({ message }) => message.includes(text)));
  await own.kill();
  await said("cannot be reached");
  await own.run();
  await said("is reachable again");
  const { value } = await ended(application, "app:order", "app:worker", 3);
  expect(value).toMatchObject({ twice: 6 });
}, 60_000);

withTemporal("an application waits for a server that is not there yet", async () => {
  const own = await TemporalServer.start({ durable: true });
  cleanAfterTest(() => own.stop());
  await own.kill();
  const application = await start({
    functions: { double, run },
    workflows: { order },
    client: {
      address: own.address,
      lifecycle: { auto_start: true, restart: { initial_delay: "50ms", max_delay: "50ms" } },
    },
  });
  await until(() => application.logs.some(({ fields }) => fields.error !== undefined));
  expect(application.logs.map(({ fields }) => fields.error).join()).toContain(
    `cannot reach Temporal at ${own.address}`,
  );
  await own.run();
  const result = await until(
    () => ended(application, "app:order", "app:worker", 3).catch(() => undefined),
  );
  expect(result.value).toMatchObject({ twice: 6 });
}, 60_000);

test("a key of the wrong size is refused", async () => {
  const short = startApplication({
    entries: {
      temporal: { kind: "temporal.client", address: "127.0.0.1:9", payload_codec: { key: "abc" } },
    },
  }).then(() => undefined, (error) => error);
  expect(await short).toMatchObject({ message: expect.stringContaining("has 2 bytes, not 32") });
}, 30_000);
