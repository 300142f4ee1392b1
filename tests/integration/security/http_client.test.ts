import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { main, startApplication } from "../application.ts";
import { serve, serveRaw } from "../../unit/modules/http_client/servers.ts";
import { allow, asService } from "./as_service.ts";

const restricted = (...policies: string[]) => ({ actor: { id: "u" }, policies });

/** Runs a call in a service with policies; kind and message of its error, or the body. */
function attempt(call: string, policies: Record<string, Record<string, unknown>>, options = {}) {
  const body = `
    local http_client = require("http_client")
    local res, err = http_client.${call}
    return res and res.body or { err:kind(), err:message() }`;
  return asService(restricted(...Object.keys(policies)), body, { entries: policies }, options);
}

const logging = allow(["logger.*", "process.*"]);

test("each permission is asked for, in this order", async () => {
  const url = serve(() => new Response("inside"));
  const denied = (
    action: string,
    resource: string,
  ) => ["PermissionDenied", `permission denied: http_client.${action} on ${resource}`];
  const call = `get("${url}/a", { tls = { insecure_skip_verify = true } })`;
  const path = `${url}/a`;
  const steps: [Record<string, Record<string, unknown>>, unknown][] = [
    [{}, denied("insecure_tls", path)],
    [{ tls: allow("http_client.insecure_tls", path) }, denied("request", path)],
    [{ request: allow("http_client.request", `${url}/*`) }, [
      "PermissionDenied",
      "not allowed: private IP 127.0.0.1",
    ]],
    [{ address: allow("http_client.private_ip", "127.0.0.1") }, "inside"],
  ];
  let policies: Record<string, Record<string, unknown>> = { logging };
  for (const [more, expected] of steps) {
    policies = { ...policies, ...more };
    expect(await attempt(call, policies)).toEqual(expected as never);
  }
  expect(await attempt('get("http://x/", { unix_socket = "/run/s" })', { logging }))
    .toEqual(denied("unix_socket", "/run/s") as never);
}, 60_000);

test(
  "a name that leads to this machine, and a redirect to it, are refused; a batch as a whole",
  async () => {
    const inside = serve(() => new Response("inside"));
    const { port } = new URL(inside);
    const request = allow("http_client.request", "http://localhost:*");
    expect(await attempt(`get("http://localhost:${port}/")`, { logging, request }))
      .toEqual(
        [
          "PermissionDenied",
          expect.stringMatching(/^not allowed: private IP (127\.0\.0\.1|::1)$/),
        ] as never,
      );
    const away = serve(() => Response.redirect(`${inside}/b`, 302));
    const policies = {
      logging,
      request: allow("http_client.request", `${away}/*`),
      address: allow("http_client.private_ip"),
    };
    const refused = ["PermissionDenied", `permission denied: http_client.request on ${inside}/b`];
    expect(await attempt(`get("${away}/")`, policies)).toEqual(refused as never);
    expect(
      await attempt(`request_batch({ { "GET", "${away}/" }, { "GET", "${away}/" } })`, policies),
    )
      .toEqual(refused as never);
  },
  60_000,
);

test("whoever has the right to a name gets there through the checked address", async () => {
  const { port } = new URL(serve((request) => new Response(request.headers.get("host"))));
  const policies = {
    logging,
    request: allow("http_client.request", `http://localhost:${port}/*`),
    address: allow("http_client.private_ip"),
  };
  expect(await attempt(`get("http://localhost:${port}/")`, policies)).toBe(`localhost:${port}`);
}, 60_000);

test("when a unit ends, its connections close: a request that waits, and a stream that is held", async () => {
  const silent = await serveRaw(() => {});
  const held = await serveRaw((socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
  );
  const waiter = {
    modules: ["http_client", "funcs", "time"],
    source: main(`
      local http_client = require("http_client")
      local stream = http_client.get("${held.url}", { stream = true }).stream
      stream:read()
      http_client.get("${silent.url}")`),
  };
  const application = await startApplication({
    functions: {
      start: 'return { main = function() return process.spawn("app:waiter", "app:processes") end }',
      stop: "return { main = function(pid) return process.terminate(pid) end }",
    },
    processes: { waiter },
  });
  const pid = await application.call("start");
  await until(() => silent.received() !== "");
  await application.call("stop", pid);
  await Promise.all([silent.closed, held.closed]);
});

test("a function that ends with an open stream closes it", async () => {
  const held = await serveRaw((socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
  );
  const body = `return require("http_client").get("${held.url}", { stream = true }).stream:read()`;
  const functions = { main: { modules: ["http_client", "funcs", "time"], source: main(body) } };
  const application = await startApplication({ functions });
  expect(await application.call("main")).toBe("abc");
  await held.closed;
});

test("a large download goes into a file, and from the file to a server, part by part", async () => {
  const megabytes = 128;
  const folder = mkdtempSync(join(tmpdir(), "wippy-download-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "big");
  let uploaded = 0;
  // How far the server has been ahead of what is on disk: nothing in between may collect the body.
  let ahead = 0;
  const url = serve(async (request) => {
    if (request.method === "POST") {
      for await (const part of request.body!) uploaded += part.length;
      return new Response(String(uploaded));
    }
    let sent = 0;
    return new Response(
      new ReadableStream({
        pull(controller) {
          ahead = Math.max(ahead, sent - (existsSync(file) ? statSync(file).size : 0));
          if (sent === megabytes << 20) return controller.close();
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(120));
        },
      }),
    );
  }, { maxRequestBodySize: 1 << 30 });
  const body = `
    local http_client, fs = require("http_client"), require("fs")
    local volume = assert(fs.get("app:data"))
    local res = assert(http_client.get("${url}", { stream = true, max_response_body = 1 << 30 }))
    assert(volume:writefile("big", res.stream))
    local sent = assert(http_client.post("${url}", { body = assert(volume:open("big")) }))
    return { volume:stat("big").size, tonumber(sent.body) }`;
  const application = await startApplication({
    entries: { data: { kind: "fs.directory", directory: folder } },
    functions: { main: { modules: ["http_client", "fs", "funcs", "time"], source: main(body) } },
  });
  expect(await application.call("main")).toEqual([megabytes << 20, megabytes << 20]);
  // What the sockets of both ends and one read hold.
  expect(ahead).toBeLessThan(24 << 20);
}, 60_000);
