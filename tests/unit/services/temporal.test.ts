/** Entries of the kinds temporal.client and temporal.worker: what is read, what is refused. */
import { describe, expect, test } from "bun:test";
import { tryDecode } from "../../../src/registry/decode.ts";
import type { Kind } from "../../../src/registry/kind.ts";
import { temporalClient, temporalWorker } from "../../../src/services/temporal/temporal.ts";
import { withoutEffect, workerSettings } from "../../../src/services/temporal/worker.ts";
import { EntryTypes } from "../../../src/services/temporal/workflow-types.ts";

const variables = {
  has: (name: string) => name === "KEY",
  lookup: (name: string) => name === "KEY" ? "secret" : undefined,
};

const decode = (kind: Kind, data: Record<string, unknown>) =>
  tryDecode(kind, { id: "app:x", kind: kind.name, meta: {}, data }, variables);

function read(kind: Kind, data: Record<string, unknown>): Record<string, unknown> {
  const decoded = decode(kind, data);
  if ("faults" in decoded) throw new Error(decoded.faults.map(({ message }) => message).join("; "));
  return decoded.data;
}

const client = (data: Record<string, unknown> = {}) =>
  read(temporalClient, { address: "localhost:7233", ...data });
const worker = (worker_options: Record<string, unknown> = {}) =>
  read(temporalWorker, { client: "app:c", task_queue: "q", worker_options });

test("a client has defaults", () => {
  expect(client()).toMatchObject({
    namespace: "default",
    tq_prefix: "",
    connection_timeout: 10_000,
    keep_alive_time: 30_000,
    keep_alive_timeout: 10_000,
    auth: { type: "none" },
    tls: { enabled: false, insecure_skip_verify: false },
    health_check: { enabled: false, interval: 30_000 },
  });
  const { auth } = client({ auth: { type: "api_key", api_key_env: "KEY" } });
  expect(auth).toMatchObject({ type: "api_key", api_key: "secret" });
});

describe("a client is refused", () => {
  const key = { type: "api_key" };
  const mtls = { type: "mtls", cert_file: "c", key_file: "k" };
  test.each<[string, Record<string, unknown>, string]>([
    ["no address", { address: undefined }, "address is required"],
    ["no port", { address: "localhost" }, "address must be HOST:PORT"],
    ["unknown way to say who it is", { auth: { type: "basic" } }, "unknown auth.type: basic"],
    ["no key", { auth: key }, "needs exactly one of api_key or api_key_file, not 0"],
    ["two keys", { auth: { ...key, api_key: "a", api_key_file: "b" } }, "api_key_file, not 2"],
    ["no certificate", { auth: { type: "mtls", key_pem: "k" } }, "cert_file or cert_pem, not 0"],
    [
      "two keys of a certificate",
      { auth: { ...mtls, key_pem: "k" } },
      "key_file or key_pem, not 2",
    ],
    [
      "a name that is not verified",
      { tls: { enabled: true, server_name: "a", insecure_skip_verify: true } },
      "exclude each other",
    ],
    ["a check all the time", { health_check: { enabled: true, interval: "0s" } }, "greater than 0"],
    ["a negative time", { connection_timeout: "-1s" }, 'bad duration "-1s"'],
    ["a number as time", { connection_timeout: 5 }, "must be text"],
  ])("%s", (_name, data, message) => {
    expect(() => client(data)).toThrow(message);
  });

  test("but not for fields of tls that do not count", () => {
    const tls = { server_name: "a", insecure_skip_verify: true };
    expect(() => client({ tls })).not.toThrow();
  });
});

test("a worker has defaults", () => {
  const data = worker({ max_concurrent_activity_execution_size: -1 });
  expect(workerSettings(data as never, "q")).toEqual({
    taskQueue: "q",
    takes: { workflows: true, activities: true },
    activities: 1_000,
    workflowTasks: 1_000,
    activityPollers: 20,
    workflowPollers: 20,
    stickyTimeout: 5_000,
  });
});

test("options of a worker become the provider's", () => {
  const data = worker({
    task_queue_activities_per_second: 9,
    local_activity_worker_only: true,
    use_versioning: true,
    deployment_name: "shop",
    build_id: "7",
    default_versioning_behavior: "auto_upgrade",
  });
  expect(workerSettings(data as never, "q")).toMatchObject({
    queueActivitiesPerSecond: 9,
    takes: { workflows: true, activities: false },
    version: { deploymentName: "shop", buildId: "7", defaultBehavior: "auto-upgrade" },
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ max_concurrent_workflow_task_pollers: 1 }, "must not be 1"],
  [{ worker_activities_per_second: -1 }, "must not be negative"],
  [{ disable_workflow_worker: true, local_activity_worker_only: true }, "nothing to do"],
  [{ use_versioning: true, build_id: "1" }, "use_versioning needs deployment_name"],
  [{ default_versioning_behavior: "moving" }, "unknown worker_options.default_versioning_behavior"],
])("worker_options %p is refused", (options, message) => {
  expect(() => worker(options)).toThrow(message);
});

test("what a version is called counts only with use_versioning", () => {
  expect(workerSettings(worker({ deployment_name: "shop" }) as never, "q")).not.toHaveProperty(
    "version",
  );
});

test("a worker needs a client and a queue", () => {
  expect(() => read(temporalWorker, { task_queue: "q" })).toThrow("client is required");
  expect(() => read(temporalWorker, { client: "app:c" })).toThrow("task_queue is required");
});

test("options without effect are reported, those that are not given are not", () => {
  const reported = (options: Record<string, unknown>) => withoutEffect(worker(options) as never);
  expect(reported({})).toEqual([]);
  const options = {
    worker_stop_timeout: "5s",
    deadlock_detection_timeout: "1s",
    disable_registration_aliasing: true,
    max_concurrent_local_activity_execution_size: 7,
    max_concurrent_session_execution_size: 7,
    enable_session_worker: true,
  };
  expect(reported(options).sort()).toEqual(Object.keys(options).sort());
});

describe("the types of workflows", () => {
  const workflow = (name: string, type?: unknown) => ({
    id: `app:${name}`,
    kind: "workflow.lua",
    meta: type === undefined ? {} : { temporal: { workflow: { name: type } } },
    data: {},
  });
  test("are the names of their entries, else the ids", () => {
    const types = new EntryTypes([workflow("a", "Order"), workflow("b")]);
    expect(["app:a", "app:b", "app:c"].map((id) => types.typeOf(id))).toEqual([
      "Order",
      "app:b",
      "app:c",
    ]);
    expect(["Order", "app:b", "Other"].map((type) => types.entryOf(type))).toEqual([
      "app:a",
      "app:b",
      "Other",
    ]);
    types.read([workflow("a")]);
    expect(types.typeOf("app:a")).toBe("app:a");
  });
  test.each([
    [[workflow("a", "X"), workflow("b", "X")], 'app:a and app:b have the same workflow type "X"'],
    [[workflow("a", "app:b"), workflow("b")], 'the same workflow type "app:b"'],
    [[workflow("a", 7)], "meta.temporal.workflow.name of app:a must be text"],
  ])("are refused: %p", (entries, message) => {
    expect(() => new EntryTypes(entries)).toThrow(message);
  });
});
