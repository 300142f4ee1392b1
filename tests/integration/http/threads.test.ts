import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { workerOf } from "../../../src/node/pid.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { handler, startWeb } from "./web.ts";

// Linux alone spreads the connections of one address over threads.
const onLinux = test.skipIf(process.platform !== "linux");

/** Says by which process it runs. */
const who = handler(`res:write(require("process").pid())`, ["process"]);

/** The answer over a connection of its own; where it is a PID, the worker of that. */
async function ask(url: string): Promise<string> {
  const text = await (await fetch(url, { keepalive: false })).text();
  return text.startsWith("{") ? String(workerOf(text)) : text;
}

/** Asks until each of these has answered. */
async function heard(url: string, wanted: string[]): Promise<Set<string>> {
  const found = new Set<string>();
  await until(async () => {
    found.add(await ask(url).catch(() => "nobody"));
    return wanted.every((each) => found.has(each));
  });
  return found;
}

onLinux("every worker takes requests, and each is served where it was taken", async () => {
  const { url, application } = await startWeb({ routes: { "GET /": who } }, {
    threads: true,
    workers: 2,
  });
  expect(await heard(url, ["0", "1"])).toEqual(new Set(["0", "1"]));
  const { control } = application.node;
  const details = await control.inspectService("app:web");
  expect(details).toMatchObject({ in_flight: 0, routes: 2 });
});

onLinux(
  "a worker that dies resets its connections, the service goes on, and the next one listens",
  async () => {
    const { url, port, application } = await startWeb({
      routes: { "GET /": who, "GET /wait": `print("begun") time.sleep("1h")` },
    }, { threads: true, workers: 2 });
    await heard(url, ["0", "1"]);
    const socket = connect(port, "127.0.0.1");
    cleanAfterTest(() => void socket.destroy());
    const ended = Promise.withResolvers<void>();
    socket.on("error", () => {});
    socket.on("close", () => ended.resolve());
    socket.write("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    const { pid } = await until(() =>
      application.logs.filter(({ message }) => message === "begun").map(({ fields }) => fields)[0]
    ) as { pid: string };
    expect(application.node.killWorker(workerOf(pid)!)).toBe(true);
    await ended.promise;
    // Connections that the dead one had accepted already fail; all others are served.
    await until(async () => await ask(url).catch(() => "nobody"), (answer) => answer !== "nobody");
    await heard(url, ["0", "1"]);
    expect(await application.node.control.inspectService("app:web")).toMatchObject({
      in_flight: 0,
    });
  },
  30_000,
);

onLinux("one limit of the rate counts the requests of all workers", async () => {
  const { url } = await startWeb({
    router: {
      post_middleware: ["ratelimit"],
      post_options: { "ratelimit.burst": "5", "ratelimit.requests": "1", "ratelimit.window": "1h" },
    },
    routes: { "GET /": who },
  }, { threads: true, workers: 2 });
  const found = await Promise.all(Array.from({ length: 40 }, () => ask(url)));
  expect(found.filter((answer) => answer === "0" || answer === "1")).toHaveLength(5);
});

onLinux("a server goes to the node's thread while a router relays connections", async () => {
  const relaying = (middleware: string[]) => ({
    id: "app:main",
    kind: "http.router",
    meta: { server: "web" },
    data: { middleware },
  });
  const { url, application } = await startWeb({
    routes: { "GET /": who },
    functions: {
      change: {
        modules: ["registry"],
        source: `
local registry = require("registry")
local function main(entry)
  local changes = registry.snapshot():changes()
  changes:update(entry)
  local version, err = changes:apply()
  return err and err:message() or "done"
end
return { main = main }`,
      },
    },
  }, { threads: true, workers: 2 });
  await heard(url, ["0", "1"]);
  const apart = () => listeners(new URL(url).port);
  expect(apart()).toBe(2);
  expect(await application.call("change", relaying(["sse_relay"]))).toBe("done");
  expect(apart()).toBe(1);
  expect(["0", "1"]).toContain(await ask(url));
  expect(await application.call("change", relaying([]))).toBe("done");
  await until(() => apart() === 2);
  await heard(url, ["0", "1"]);
});

onLinux("a stop waits for what every worker has in hand, and frees the address", async () => {
  const { url, port, application } = await startWeb({
    routes: { "GET /": who, "GET /slow": `print("begun") time.sleep("300ms") res:write("done")` },
  }, { threads: true, workers: 2 });
  await heard(url, ["0", "1"]);
  const slow = Array.from({ length: 8 }, () => ask(`${url}/slow`));
  await until(() => application.logged("f1").length === 8);
  await application.node.control.stopService("app:web");
  expect(await Promise.all(slow)).toEqual(Array(8).fill("done"));
  expect(listeners(String(port))).toBe(0);
});

/** How many sockets listen at a port of this machine. */
function listeners(port: string): number {
  const hex = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => new RegExp(`^\\s*\\d+: \\w+:${hex} \\w+:0000 0A `).test(line))
    .length;
}
