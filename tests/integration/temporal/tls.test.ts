/** Clients with TLS, a certificate or an API key, on a real server behind a gateway that asks for it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { gateway } from "./gateway.ts";

const openssl = Bun.which("openssl");
const folder = mkdtempSync(join(tmpdir(), "wippy-tls-"));
const path = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(path(name), "utf8");
let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal !== undefined || openssl === null) return;
  for (const name of ["server", "client"]) {
    const { exitCode, stderr } = Bun.spawnSync([
      ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"],
      ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:temporal.test"],
      ...["-out", path(`${name}.pem`), "-keyout", path(`${name}.key`)],
    ]);
    if (exitCode !== 0) throw new Error(stderr.toString());
  }
  server = await TemporalServer.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const auto = { lifecycle: { auto_start: true } };

/** Runs a workflow with an activity by a client with the given fields. */
async function doubled(client: Record<string, unknown>): Promise<unknown> {
  const application = await startApplication({
    functions: {
      double: "return { main = function(n) return n * 2 end }",
      run: {
        modules: ["process"],
        source: `return { main = function(n)
          local value, err = process.exec("app:order", "app:worker", n)
          return err and tostring(err) or value
        end }`,
      },
    },
    entries: {
      temporal: { kind: "temporal.client", ...auto, ...client },
      worker: { kind: "temporal.worker", client: "app:temporal", task_queue: "tls", ...auto },
      order: {
        kind: "workflow.lua",
        method: "main",
        modules: ["funcs"],
        source: 'return { main = function(n) return funcs.call("app:double", n) end }',
      },
    },
  });
  // A busy machine may let the first attempt to connect time out.
  return await until(() => application.call("run", 21), (value) => typeof value === "number");
}

/** Why a client with the given fields does not connect. */
async function refused(client: Record<string, unknown>): Promise<string> {
  const application = await startApplication({
    entries: {
      temporal: {
        kind: "temporal.client",
        connection_timeout: "2s",
        lifecycle: { auto_start: true, restart: { max_attempts: 1, initial_delay: "1ms" } },
        ...client,
      },
    },
  });
  return application.logs.map(({ fields }) => String(fields.error ?? "")).join("\n");
}

describe("a client", () => {
  const pair = () => ({ cert: read("server.pem"), key: read("server.key") });
  const tls = { enabled: true, ca_file: path("server.pem"), server_name: "temporal.test" };
  const encrypted = (name: string, run: () => Promise<void>) => {
    if (openssl) withTemporal(name, run, 60_000);
    else test.skip(`${name} (skipped: openssl is not installed)`, () => {});
  };

  encrypted("reaches a server by TLS, and no other one", async () => {
    const { address, clients } = await gateway(server.port, pair());
    expect(await doubled({ address, tls })).toBe(42);
    expect(new Set(clients)).toEqual(new Set([""]));
    expect(await refused({ address, tls: { ...tls, ca_file: path("client.pem") } }))
      .toMatch(/cannot reach Temporal at .*certificate/i);
  });

  encrypted("shows its certificate to a server that wants one", async () => {
    const mutual = { ca: read("client.pem"), requestCert: true, rejectUnauthorized: true };
    const { address, clients } = await gateway(server.port, { ...pair(), ...mutual });
    const auth = { type: "mtls", cert_file: path("client.pem"), key_pem: read("client.key") };
    expect(await doubled({ address, tls, auth })).toBe(42);
    expect(new Set(clients)).toEqual(new Set(["client"]));
    expect(await refused({ address, tls })).toContain("cannot reach Temporal");
  });

  encrypted("shows its API key with every request", async () => {
    const settings = { ...pair(), apiKey: "a-key" };
    const { address, ...known } = await gateway(server.port, settings);
    const auth = { type: "api_key", api_key: "a-key" };
    expect(await doubled({ address, tls, auth })).toBe(42);
    expect(known.clients.length).toBeGreaterThan(0);
    const strict = await gateway(server.port, settings);
    const stranger = { ...auth, api_key: "another" };
    expect(await refused({ address: strict.address, tls, auth: stranger }))
      .toContain("unauthorized");
    expect([strict.clients.length > 0, strict.passed]).toEqual([true, 0]);
  });
});
