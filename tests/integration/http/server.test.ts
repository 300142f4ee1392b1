import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { connect as connectHttp2 } from "node:http2";
import { cleanAfterTest } from "../../cleanup.ts";
import { certificate, key } from "../../unit/modules/http_client/certificate.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { exchangeRaw, handler, startWeb } from "./web.ts";

const otherKey = String(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  }),
);

test("TLS with a certificate", async () => {
  const { url } = await startWeb({
    server: { tls: { mode: "manual", cert: certificate, key } },
    routes: { "GET /": `res:write("secure")` },
  });
  expect(url).toStartWith("https://");
  const response = await fetch(url, { tls: { ca: certificate, serverName: "shop.test" } });
  expect(await response.text()).toBe("secure");
});

test("HTTP/2 over TLS: requests side by side, bodies, events and a client that goes away", async () => {
  const { url, application } = await startWeb({
    server: { tls: { mode: "manual", cert: certificate, key } },
    routes: {
      "POST /echo": `res:set_header("X-Seen", req:header("x-own"))
        res:write(req:method() .. " " .. req:host() .. " " .. req:body())`,
      "GET /large": `for _ = 1, 100 do res:write(("x"):rep(65536)) end`,
      "GET /wait": `res:write_event({ name = "a", data = 1 }) print("begun") time.sleep("1h")`,
    },
  });
  const session = connectHttp2(url, { ca: certificate, servername: "shop.test" });
  cleanAfterTest(() => session.destroy());
  const ask = (path: string, method = "GET", body = "") => {
    const stream = session.request({ ":path": path, ":method": method, "x-own": "o" });
    if (method === "POST") stream.end(body);
    return stream;
  };
  const read = async (stream: ReturnType<typeof ask>) => {
    let size = 0;
    let text = "";
    for await (const part of stream) {
      size += part.length;
      if (size < 200) text += String(part);
    }
    return [size, text] as const;
  };
  const echo = (text: string) => `POST shop.test:${new URL(url).port} ${text}`;
  const texts = ["one", "two", "three"];
  const all = await Promise.all(texts.map((text) => read(ask("/echo", "POST", text))));
  expect(all.map(([, text]) => text)).toEqual(texts.map(echo));
  expect((await read(ask("/large")))[0]).toBe(6_553_600);
  const waiting = ask("/wait");
  waiting.on("error", () => {});
  await until(() => application.logged("f2").includes("begun"));
  waiting.close(8);
  const inspected = async () =>
    await application.node.control.inspectService("app:web") as { in_flight: number };
  await until(async () => (await inspected()).in_flight === 0);
});

test.each([
  [{ cert: "nonsense", key }, "cert is not a certificate"],
  [{ cert: certificate, key: "nonsense" }, "key is not a private key"],
  [{ cert: certificate, key: otherKey }, "key does not belong to cert"],
  [
    { cert: certificate, key, client_ca: "nonsense", client_auth: "require_and_verify" },
    "client_ca is not a certificate",
  ],
  [{ cert: "nonsense", key, client_auth: "require_any" }, "cert is not a certificate"],
])(
  "a server with bad texts of TLS (case %#) does not start, and says which",
  async (tls, message) => {
    const application = await startApplication({
      entries: {
        web: {
          kind: "http.service",
          addr: "127.0.0.1:0",
          tls: { mode: "manual", ...tls },
          lifecycle: { auto_start: true },
        },
      },
    });
    await until(() => application.logs.some((record) => JSON.stringify(record).includes(message)));
  },
);

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
  [
    { tls: { mode: "manual", cert: "x", key: "y", client_auth: "verify_if_given" } },
    "needs client_ca",
  ],
  [
    { tls: { mode: "manual", cert: "x", key: "y", client_auth: "maybe" } },
    "unknown tls.client_auth",
  ],
  [
    { tls: { mode: "manual", cert: "x", cert_env: "CERT", key: "y" } },
    "tls.cert is given twice, by cert and by cert_env",
  ],
  [{ tls: { mode: "auto", cert: "x" } }, "needs an overlay network"],
  [{ host: { buffer_size: -1 } }, "buffer_size"],
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

test.each([
  ["another program", true, false],
  ["one that shares it", true, true],
  ["another program, for the node's thread", false, false],
])("an address in use by %s is said, and tried again", async (_, threads, reusePort) => {
  const fetch = () => new Response();
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", reusePort, fetch });
  try {
    const application = await startApplication({
      entries: {
        web: {
          kind: "http.service",
          addr: `127.0.0.1:${other.port}`,
          lifecycle: { auto_start: true, restart: { initial_delay: "20ms" } },
        },
      },
    }, { threads });
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

test("nothing of a change set stays that the server refused", async () => {
  const { url, application } = await startWeb({
    routes: { "GET /{x}/b": `res:write("first")` },
    functions: {
      change: {
        modules: ["registry"],
        source: `
local registry = require("registry")
local function main(op, ...)
  local changes = registry.snapshot():changes()
  for _, entry in ipairs({ ... }) do changes[op](changes, entry) end
  local version, err = changes:apply()
  return err and err:message() or "done"
end
return { main = main }`,
      },
      call: `return function(id)
        local value, err = funcs.call(id)
        return err and err:kind() or value
      end`,
      other: handler(`res:write("other")`),
    },
  });
  const endpoint = (id: string, path: string) => ({
    id,
    kind: "http.endpoint",
    meta: { router: "app:main" },
    data: { method: "GET", path, func: "app:other" },
  });
  const helper = {
    id: "app:helper",
    kind: "function.lua",
    data: { method: "main", source: "return { main = function() return 1 end }" },
  };
  const refused = expect.stringContaining("failed to apply changes: app:clash and app:e0 conflict");
  // Only the server knows the value of a variable.
  const clash = "/${env:NONE|a}/{y}";
  expect(await application.call("change", "create", helper, endpoint("app:clash", clash)))
    .toEqual(refused);
  expect(await application.call("call", "app:helper")).toBe("NotFound");
  expect(await application.call("change", "create", endpoint("app:good", "/good"))).toBe("done");
  // An update and a deletion are undone, too.
  for (const path of [clash, "/a/{y}"]) {
    expect(await application.call("change", "update", endpoint("app:good", path)))
      .toEqual(expect.stringContaining("conflict"));
  }
  expect(await (await fetch(`${url}/good`)).text()).toBe("other");
  expect(await (await fetch(`${url}/x/b`)).text()).toBe("first");
  expect(await application.call("change", "delete", "app:good")).toBe("done");
  expect((await fetch(`${url}/good`)).status).toBe(404);
});

test("the address of a server stays, and other fields may change", async () => {
  const { url, application } = await startWeb({
    routes: { "GET /": `res:write("x")` },
    functions: {
      change: {
        modules: ["registry"],
        source: `
local registry = require("registry")
local function main(field, value)
  local entry = registry.get("app:web")
  entry.data[field] = value
  local changes = registry.snapshot():changes()
  changes:update(entry)
  local version, err = changes:apply()
  return err and { err:kind(), err:message() } or "done"
end
return { main = main }`,
      },
    },
  });
  expect(await application.call("change", "addr", "127.0.0.1:1")).toEqual([
    "Internal",
    expect.stringContaining("failed to apply changes: app:web: addr cannot change"),
  ]);
  expect(await (await fetch(url)).text()).toBe("x");
  expect(await application.call("change", "timeouts", { write: "5s" })).toBe("done");
  await until(() =>
    application.logs.filter(({ message }) => message.startsWith("listening on ")).length === 2
  );
});

const body = "Connection: close\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

test.each([
  ["both framings", `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n${body}`],
  ["two lengths", `Content-Length: 4\r\nContent-Length: 9\r\n${body}`],
  ["a list of lengths", `Content-Length: 4, 4\r\n${body}`],
  ["a length with a sign", `Content-Length: +4\r\n${body}`],
  ["a length below 0", `Content-Length: -1\r\n${body}`],
  ["a hexadecimal length", `Content-Length: 0x4\r\n${body}`],
  ["another coding", `Transfer-Encoding: gzip\r\n${body}`],
  ["a coding that looks like chunked", `Transfer-Encoding: xchunked\r\n${body}`],
  ["chunked not last", `Transfer-Encoding: chunked, identity\r\n${body}`],
  ["two codings", `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n${body}`],
  ["a control character before chunked", `Transfer-Encoding:\x0bchunked\r\n${body}`],
  ["a space before the colon", `X : a\r\n${body}`],
  ["a folded header", `X: a\r\n b\r\n${body}`],
  ["a NUL byte in a header", `X: a\0b\r\n${body}`],
  ["a line break alone in a header", `X: a\nTransfer-Encoding: chunked\r\n${body}`],
  ["two hosts", `Host: y\r\n${body}`],
])("a request with %s is refused, and what follows is no request", async (_, rest) => {
  const { port, application } = await startWeb({
    routes: { "POST /": `print("served")`, "GET /smuggled": `print("smuggled")` },
  });
  const response = await exchangeRaw(port, `POST / HTTP/1.1\r\nHost: x\r\n${rest}`);
  expect(response).toMatch(/^HTTP\/1\.1 400 /);
  expect(response.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  expect([...application.logged("f0"), ...application.logged("f1")]).toEqual([]);
});

test.each([
  ["no number", "zz\r\nabc\r\n0\r\n\r\n"],
  ["no line break", "3\nabc\n0\n\n"],
  ["more than 64 bits", "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n"],
  ["more than it says", "3\r\nabcdef\r\n0\r\n\r\n"],
])("chunks with %s end the body and the connection", async (_, chunks) => {
  const { port, application } = await startWeb({
    routes: {
      "POST /": `local body, err = req:body() print(err and err:kind() or body)`,
      "GET /smuggled": `print("smuggled")`,
    },
  });
  const response = await exchangeRaw(
    port,
    `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}` +
      "GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  expect(response).not.toContain("HTTP/1.1 200");
  expect(application.logged("f0").filter((text) => text !== "Internal")).toEqual([]);
  expect(application.logged("f1")).toEqual([]);
});

test.each([
  ["without a host", "GET / HTTP/1.1\r\n", 400],
  ["with a host that is none", "GET / HTTP/1.1\r\nHost: a b/<c>\r\n", 400],
  ["with a host that holds a user", "GET / HTTP/1.1\r\nHost: a@b\r\n", 400],
  ["of another version", "GET / HTTP/2.0\r\nHost: x\r\n", 505],
  ["without a path", "GET x HTTP/1.1\r\nHost: x\r\n", 400],
  [
    "with headers that are too large",
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n`,
    431,
  ],
  ["with a path that is no UTF-8", "GET /%ff HTTP/1.1\r\nHost: x\r\n", 400],
])("a request %s is answered with its status", async (_, head, status) => {
  const { port, application } = await startWeb({ routes: { "GET /{x...}": `print("served")` } });
  const response = await exchangeRaw(port, `${head}Connection: close\r\n\r\n`);
  expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
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

// Bun looks at its timeouts every four seconds.
const long = process.env["WIPPY_LONG_BODIES"] === "1";
const twelve = long ? "" : " (twelve seconds: with WIPPY_LONG_BODIES=1)";

test.skipIf(!long)(
  `a client that begins its headers and is silent is not waited for${twelve}`,
  async () => {
    const { port } = await startWeb({
      server: { timeouts: { read: "500ms" } },
      routes: { "GET /": `res:write("x")` },
    });
    expect(await exchangeRaw(port, "GET / HTTP/1.1\r\nHost: x\r\nX: ")).not.toContain("200");
  },
  15_000,
);

test("many requests at once, on two workers with threads", async () => {
  const { url } = await startWeb({
    routes: { "GET /{n}": `time.sleep("5ms") res:write(req:param("n"))` },
  }, { workers: 2, threads: true });
  const numbers = Array.from({ length: 200 }, (_, n) => String(n));
  expect(await Promise.all(numbers.map(async (n) => await (await fetch(`${url}/${n}`)).text())))
    .toEqual(numbers);
});
