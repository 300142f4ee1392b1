import { expect, test } from "bun:test";
import { until } from "../../until.ts";
import { credentials, serveS3 } from "../../unit/modules/cloudstorage/s3-server.ts";
import { startApplication } from "../application.ts";
import { allow, asService } from "./as_service.ts";

test("a storage, and each use of a handle of it, needs cloudstorage.get on its id", async () => {
  const server = serveS3();
  const entries = Object.fromEntries(
    server.entries().map(({ id, kind, data }) => [id.slice("app:".length), { kind, ...data }]),
  );
  const body = `
    local cloudstorage = require("cloudstorage")
    local own = assert(cloudstorage.get("app:bucket"))
    local _, err = cloudstorage.get("app:other")
    local made = own:upload_object("k", "x")
    return { err:kind(), err:message(), made ~= nil }`;
  const security = { actor: { id: "u" }, policies: ["logging", "own"] };
  const policies = {
    logging: allow(["logger.*", "process.*"]),
    own: allow("cloudstorage.get", "app:bucket"),
  };
  expect(
    await asService(security, body, {
      entries: { ...entries, other: { ...entries["bucket"] }, ...policies },
    }),
  ).toEqual(["PermissionDenied", "permission denied: cloudstorage.get on app:other", true]);
});

test("credentials of config.aws come from the environment, and a process that is terminated leaves no upload", async () => {
  const server = serveS3();
  const { id: _, ...bucket } = server.entries()[1]!;
  let waiting = false;
  server.instead = (request) => {
    if (!request.url.includes("partNumber=2")) return undefined;
    waiting = true;
    return new Promise<Response>(() => {});
  };
  const variable = (value: string) => ({
    kind: "env.variable",
    storage: "app:values",
    default: value,
  });
  const uploader = {
    modules: ["cloudstorage", "http_client"],
    source: `return { main = function()
      local source = assert(require("http_client").get("${server.url}/source", { stream = true })).stream
      require("cloudstorage").get("app:bucket"):upload_object("big", source)
    end }`,
  };
  const inner = server.instead;
  server.instead = (request) =>
    request.url.endsWith("/source") ? new Response(new Uint8Array(20 << 20)) : inner(request);
  const application = await startApplication({
    entries: {
      values: { kind: "env.storage.static", values: {} },
      AWS_KEY: variable(credentials.access_key_id),
      AWS_SECRET: variable(credentials.secret_access_key),
      aws: {
        kind: "config.aws",
        region: credentials.region,
        access_key_id: "\${env:AWS_KEY}",
        secret_access_key: "\${env:AWS_SECRET}",
      },
      bucket: { kind: bucket.kind, ...bucket.data },
    },
    functions: {
      start:
        'return { main = function() return process.spawn("app:uploader", "app:processes") end }',
      stop: "return { main = function(pid) return process.terminate(pid) end }",
    },
    processes: { uploader },
  });
  const pid = await application.call("start");
  await until(() => waiting);
  expect(server.uploads.size).toBe(1);
  await application.call("stop", pid);
  await until(() => server.uploads.size === 0);
  expect(server.requests.at(-1)).toMatch(/^DELETE .*uploadId=/);
});

test.each<[Record<string, unknown>, string]>([
  [{ kind: "config.aws", region: "r", access_key_id: "a" }, "secret_access_key is required"],
  [{ kind: "cloudstorage.s3", bucket: "b2" }, "config is required"],
  [{ kind: "cloudstorage.s3", config: "app:bad", bucket: "b2" }, "config"],
  [{ kind: "cloudstorage.s3", config: "app:aws" }, "bucket is required"],
  [{ kind: "cloudstorage.s3", config: "app:aws", bucket: "s3://b" }, "bucket must be"],
  [
    { kind: "cloudstorage.s3", config: "app:aws", bucket: "b2", endpoint: "host:9000" },
    "bad endpoint",
  ],
  [
    { kind: "cloudstorage.s3", config: "app:aws", bucket: "b2", endpoint: "http://h/x" },
    "bad endpoint",
  ],
])("the entry %j is refused when it is loaded", async (bad, message) => {
  const aws = { kind: "config.aws", ...credentials };
  await expect(startApplication({ entries: { aws, bad } })).rejects.toThrow(message);
});
