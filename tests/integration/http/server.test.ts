import { expect, test } from "bun:test";
import { certificate, key } from "../../unit/modules/http_client/certificate.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { exchangeRaw, handler, startWeb } from "./web.ts";

test("TLS with a certificate", async () => {
  const { url } = await startWeb({
    server: { tls: { mode: "manual", cert: certificate, key } },
    routes: { "GET /": `res:write("secure")` },
  });
  expect(url).toStartWith("https://");
  const response = await fetch(url, { tls: { ca: certificate, serverName: "shop.test" } });
  expect(await response.text()).toBe("secure");
});

test.each([
  [{ addr: "8080" }, "addr must be HOST:PORT or :PORT"],
  [{ addr: ":99999" }, "addr must be HOST:PORT or :PORT"],
  [{ tls: { cert: "x" } }, "tls.cert is given, but tls is off"],
  [{ tls: { mode: "auto" } }, "needs an overlay network"],
  [{ tls: { mode: "manual", cert: "x" } }, "needs cert and key"],
  [{ tls: { mode: "manual", cert: "x", key: "y", client_ca: "z" } }, "needs client_auth"],
  [
    { tls: { mode: "manual", cert: "x", key: "y", client_auth: "require_and_verify" } },
    "needs client_ca",
  ],
  [{ network: "app:net" }, "a server cannot listen in a network"],
  [{ timeouts: { read: "-1s" } }, 'bad duration "-1s"'],
])("a server with %j is refused at load", async (fields, message) => {
  const application = startApplication({
    entries: { web: { kind: "http.service", addr: ":0", ...fields } },
  });
  expect(await application.then(() => "it starts", (error) => String(error.message))).toContain(
    message,
  );
});

test("an address in use is said, and tried again", async () => {
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  try {
    const application = await startApplication({
      entries: {
        web: {
          kind: "http.service",
          addr: `127.0.0.1:${other.port}`,
          lifecycle: { auto_start: true, restart: { initial_delay: "20ms" } },
        },
      },
    });
    const { control } = application.node;
    await until(() =>
      application.logs.some(({ message, fields }) =>
        `${message} ${JSON.stringify(fields)}`.includes(
          `the address 127.0.0.1:${other.port} is in use`,
        )
      )
    );
    await other.stop(true);
    await until(() =>
      control.services.some(({ id, status }) => id === "app:web" && status === "running")
    );
  } finally {
    await other.stop(true);
  }
});

test("endpoints that are added, changed and removed while the server runs", async () => {
  const { url, application } = await startWeb({
    routes: { "GET /a": `res:write("a")` },
    functions: {
      change: {
        modules: ["registry"],
        source: `
local registry = require("registry")
local function main(op, entry)
  local changes = registry.snapshot():changes()
  changes[op](changes, entry)
  local version, err = changes:apply()
  return err and err:kind() or "done"
end
return { main = main }`,
      },
      other: handler(`res:write("other")`),
    },
  });
  const status = async (path: string) => (await fetch(url + path)).status;
  const entry = (path: string, id = "app:added") => ({
    id,
    kind: "http.endpoint",
    meta: { router: "app:main" },
    data: { method: "GET", path, func: "app:other" },
  });
  expect(await status("/b")).toBe(404);
  expect(await application.call("change", "create", entry("/b"))).toBe("done");
  expect(await (await fetch(`${url}/b`)).text()).toBe("other");
  expect(await application.call("change", "update", entry("/c"))).toBe("done");
  expect([await status("/b"), await status("/c"), await status("/a")]).toEqual([404, 200, 200]);
  expect(await application.call("change", "delete", "app:added")).toBe("done");
  expect(await status("/c")).toBe(404);
});

test("two requests with smuggled framing are no two requests", async () => {
  const { port, application } = await startWeb({
    routes: { "POST /": `print("served") res:write(req:body())` },
  });
  const smuggled =
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n" +
    "Connection: close\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const twice =
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 9\r\nConnection: close\r\n\r\nabcd";
  expect(await exchangeRaw(port, smuggled)).toMatch(/^HTTP\/1\.1 400/);
  expect(await exchangeRaw(port, twice)).toMatch(/^HTTP\/1\.1 400/);
  expect(application.logged("f0")).toEqual([]);
});

test("a client that is slow with its body is not waited for", async () => {
  const { port, application } = await startWeb({
    server: { timeouts: { read: "100ms" } },
    routes: {
      "POST /small": `print("served")`,
      "POST /large": `local body, err = req:body() res:write(err:kind())`,
    },
  });
  const post = (path: string, length: number) =>
    exchangeRaw(
      port,
      `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\nabc`,
    );
  expect(await post("/small", 10)).toMatch(/^HTTP\/1\.1 408 /);
  expect(application.logged("f0")).toEqual([]);
  expect(await post("/large", 1_000_000)).toEndWith("Internal");
});

test("many requests at once, on two workers with threads", async () => {
  const { url } = await startWeb({
    routes: { "GET /{n}": `time.sleep("5ms") res:write(req:param("n"))` },
  }, { workers: 2, threads: true });
  const numbers = Array.from({ length: 200 }, (_, n) => String(n));
  expect(await Promise.all(numbers.map(async (n) => await (await fetch(`${url}/${n}`)).text())))
    .toEqual(numbers);
});
