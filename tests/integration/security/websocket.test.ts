import { expect, test } from "bun:test";
import { until } from "../../until.ts";
import { main, startApplication } from "../application.ts";
import { serveFrames, serveSockets } from "../../unit/modules/websocket/servers.ts";
import { allow, asService } from "./as_service.ts";

/** Connects in a service with policies; kind and message of its error, or what the server sent. */
function attempt(url: string, policies: Record<string, Record<string, unknown>>) {
  const body = `
    local client, err = require("websocket").connect("${url}")
    return client and client:channel():receive().data or { err:kind(), err:message() }`;
  const security = { actor: { id: "u" }, policies: Object.keys(policies) };
  return asService(security, body, { entries: policies });
}

const logging = allow(["logger.*", "process.*"]);

test("each permission is asked for, in this order", async () => {
  const url = serveSockets({ open: (socket) => void socket.send("inside") });
  const steps: [Record<string, Record<string, unknown>>, unknown][] = [
    [{}, ["PermissionDenied", "permission denied: websocket.connect"]],
    [
      { connect: allow("websocket.connect") },
      ["PermissionDenied", `permission denied: websocket.connect.url on ${url}`],
    ],
    [
      { url: allow("websocket.connect.url", "ws://127.0.0.1:*") },
      ["PermissionDenied", "not allowed: private IP 127.0.0.1"],
    ],
    [{ address: allow("websocket.private_ip", "127.0.0.1") }, "inside"],
  ];
  let policies: Record<string, Record<string, unknown>> = { logging };
  for (const [more, expected] of steps) {
    policies = { ...policies, ...more };
    expect(await attempt(url, policies)).toEqual(expected as never);
  }
}, 60_000);

test(
  "a name that leads to this machine is refused, or reached through the checked address",
  async () => {
    const { port } = new URL(serveSockets({ open: (socket) => void socket.send("inside") }));
    const url = `ws://localhost:${port}/`;
    const policies = { logging, connect: allow(["websocket.connect", "websocket.connect.url"]) };
    expect(await attempt(url, policies)).toEqual(
      [
        "PermissionDenied",
        expect.stringMatching(/^not allowed: private IP (127\.0\.0\.1|::1)$/),
      ] as never,
    );
    expect(await attempt(url, { ...policies, address: allow("websocket.private_ip") })).toBe(
      "inside",
    );
  },
  60_000,
);

test("a process that is terminated leaves no connection open", async () => {
  const server = await serveFrames(() => {});
  const holder = {
    modules: ["websocket", "funcs", "time"],
    source: main(`
      local websocket = require("websocket")
      for _ = 1, 3 do
        assert(websocket.connect("${server.url}")):channel()
      end
      assert(websocket.connect("${server.url}")):channel():receive()`),
  };
  const application = await startApplication({
    functions: {
      start: 'return { main = function() return process.spawn("app:holder", "app:processes") end }',
      stop: "return { main = function(pid) return process.terminate(pid) end }",
    },
    processes: { holder },
  });
  const pid = await application.call("start");
  await until(() => server.open() === 4);
  await application.call("stop", pid);
  await until(() => server.open() === 0);
});

test("a workflow that lists the module is refused when it is loaded", async () => {
  const started = startApplication({
    entries: {
      flow: {
        kind: "workflow.lua",
        source: "return { main = function() end }",
        method: "main",
        modules: ["websocket"],
      },
    },
  });
  await expect(started).rejects.toThrow('module "websocket" is not allowed in a workflow');
});
