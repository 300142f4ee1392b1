import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { decodeEntry } from "../../../src/registry/decode.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { socks5Network } from "../../../src/registry/kinds/network.ts";
import { until } from "../../until.ts";
import { certificate, key } from "../modules/http_client/certificate.ts";
import { mirror, serve, serveRaw } from "../modules/http_client/servers.ts";
import { evaluate, runUnit } from "../modules/lua-unit.ts";
import { serveSockets } from "../modules/websocket/servers.ts";
import { entryOf, testServices } from "../operations/services.ts";
import { networkKinds, type ProxyOptions, serveProxy } from "./proxies.ts";

const bridges = () => readdirSync(tmpdir()).filter((name) => name.startsWith("wippy-bridge-"));

/** Runs code with the network `app:net`. */
function through(entries: Entry[], code: string, ...args: string[]) {
  return evaluate(code, { args, services: testServices(entries) });
}

const get = `
  local url, options = ..., { overlay_network = "app:net", timeout = "5s" }
  local res, err = http_client.get(url, options)
  if res then return res.body end
  return { err:kind(), err:retryable(), err:details().code, err:details().phase, err:message() }`;

describe.each(networkKinds)("%s", (kind) => {
  const login = { username: "ada", password: "s3cret" };

  test.each<[string, ProxyOptions]>([["without", {}], ["with", login]])(
    "a request goes through the proxy, which resolves the name, %s credentials",
    async (_, options) => {
      const port = Number(
        new URL(serve((request) => new Response(request.headers.get("host")))).port,
      );
      const proxy = await serveProxy(kind, { ...options, names: { "inner.test": port } });
      expect(await through([proxy.entry("app:net")], get, "http://inner.test/")).toBe("inner.test");
      expect(proxy.asked).toEqual(["inner.test:80"]);
      await until(() => proxy.open() === 0);
      expect(bridges()).toEqual([]);
    },
  );

  test("TLS is with the host, not with the proxy", async () => {
    const tls = { key, cert: certificate };
    const port = Number(new URL(serve(() => new Response("safe"), { tls })).port);
    const proxy = await serveProxy(kind, { names: { "shop.test": port, "other.test": port } });
    const code = `
      local ca = select(2, ...)
      local function ask(url, tls)
        local res, err = http_client.get(url, { overlay_network = "app:net", tls = tls })
        return res and res.body or err:details().code
      end
      return { ask("https://shop.test/", { ca = ca }), ask("https://shop.test/"), ask("https://other.test/", { ca = ca }) }`;
    expect(await through([proxy.entry("app:net")], code, "", certificate))
      .toEqual(["safe", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"]);
    expect(proxy.asked).toEqual(["shop.test:443", "shop.test:443", "other.test:443"]);
  });

  test("redirects, bodies and streams go the same way", async () => {
    const inner = serve((request, url) => {
      if (url.pathname === "/away") return Response.redirect("http://b.test/", 307);
      return mirror(request, url);
    });
    const port = Number(new URL(inner).port);
    const proxy = await serveProxy(kind, { names: { "a.test": port, "b.test": port } });
    const code = `
      local options = { overlay_network = "app:net", body = ("x"):rep(300000), stream = true }
      local res = assert(http_client.post("http://a.test/away", options))
      local parts = {}
      for part in function() return res.stream:read() end do parts[#parts + 1] = part end
      return { #json.decode(table.concat(parts)).body, res.url }`;
    expect(await through([proxy.entry("app:net")], code)).toEqual([300_000, "http://b.test/"]);
    expect(proxy.asked).toEqual(["a.test:80", "b.test:80"]);
  });

  test("so does a GET with a body, with and without TLS", async () => {
    const tls = { key, cert: certificate };
    const secure = Number(new URL(serve(() => new Response("safe"), { tls })).port);
    const open = Number(new URL(serve(mirror)).port);
    const proxy = await serveProxy(kind, { names: { "shop.test": secure, "a.test": open } });
    const code = `
      local ca = select(2, ...)
      local function ask(url, tls)
        local options = { overlay_network = "app:net", tls = tls, body = "hi" }
        local res, err = http_client.get(url, options)
        return res and res.body or err:details().code
      end
      return { ask("https://shop.test/", { ca = ca }), ask("https://shop.test/"),
        json.decode(ask("http://a.test/x")).headers["content-length"] }`;
    expect(await through([proxy.entry("app:net")], code, "", certificate))
      .toEqual(["safe", "DEPTH_ZERO_SELF_SIGNED_CERT", "2"]);
    expect(proxy.asked).toEqual(["shop.test:443", "shop.test:443", "a.test:80"]);
    await until(() => proxy.open() === 0);
    expect(bridges()).toEqual([]);
  });

  test("a WebSocket goes through it", async () => {
    const port = Number(
      new URL(serveSockets({ open: (socket) => void socket.send("inside") })).port,
    );
    const proxy = await serveProxy(kind, { ...login, names: { "inner.test": port } });
    const code = `
      local client = assert(websocket.connect("ws://inner.test/", { overlay_network = "app:net" }))
      local got = client:channel():receive().data
      client:close()
      return got`;
    expect(await through([proxy.entry("app:net")], code)).toBe("inside");
    expect(proxy.asked).toEqual(["inner.test:80"]);
    await until(() => proxy.open() === 0);
  });

  test("failures are Internal and retryable, and hold no credentials", async () => {
    const refused = ["Internal", true, "PROXY_REFUSED", "connect", expect.any(String)];
    const wrong = await serveProxy(kind, login);
    const denied = { ...wrong.entry("app:net").data, password: "wr0ng" };
    const closed = entryOf("app:net", kind, {
      addr: "127.0.0.1:1",
      username: "ada",
      password: "s3cret",
    });
    const answers = [
      await through([entryOf("app:net", kind, denied)], get, "http://inner.test/"),
      // A host to which the proxy cannot connect.
      await through([wrong.entry("app:net")], get, "http://inner.test:1/"),
      await through([closed], get, "http://inner.test/"),
    ];
    expect(answers).toEqual([
      refused,
      refused,
      ["Internal", true, "ECONNREFUSED", "connect", expect.any(String)],
    ]);
    expect(JSON.stringify(answers)).not.toMatch(/s3cret|wr0ng/);
    const socket = `
      local _, err = websocket.connect("ws://inner.test:1/", { overlay_network = "app:net" })
      return { err:kind(), err:retryable(), err:details().code }`;
    expect(await through([wrong.entry("app:net")], socket)).toEqual([
      "Internal",
      true,
      "PROXY_REFUSED",
    ]);
  });

  test("a proxy that says nothing: the timeout of the request ends it", async () => {
    const proxy = await serveProxy(kind, { silent: true });
    const code = `
      local _, err = http_client.get("http://inner.test/", { overlay_network = "app:net", timeout = "50ms" })
      local _, other = websocket.connect("ws://inner.test/", { overlay_network = "app:net", dial_timeout = 50 })
      return { err:details().code, err:details().phase, other:details().code }`;
    expect(await through([proxy.entry("app:net")], code)).toEqual([
      "TIMEOUT",
      "connect",
      "TIMEOUT",
    ]);
    await until(() => proxy.open() === 0);
  });

  test("what a unit has open through it closes with the unit", async () => {
    const held = await serveRaw((socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    );
    const proxy = await serveProxy(kind);
    const code = `return { main = function(url)
      return http_client.get(url, { stream = true, overlay_network = "app:net" }).stream:read() end }`;
    const services = testServices([proxy.entry("app:net")]);
    const { value, open } = await runUnit(code, { args: [held.url], services });
    expect([value, open]).toEqual(["abc", 1]);
    await held.closed;
    await until(() => proxy.open() === 0);
    expect(bridges()).toEqual([]);
  });
});

describe("the choice of a network", () => {
  test("the network of the configuration is that of units that have chosen none", async () => {
    const port = Number(new URL(serve(() => new Response("inside"))).port);
    const names = { "inner.test": port };
    const [own, other] = [
      await serveProxy("network.socks5", { names }),
      await serveProxy("network.http", { names }),
    ];
    const services = {
      ...testServices([own.entry("app:own"), other.entry("app:other")]),
      defaultNetwork: "app:own",
    };
    const code = `
      local function body(options) return assert(http_client.get("http://inner.test/", options)).body end
      return { body(), body({ overlay_network = "app:other" }) }`;
    expect(await evaluate(code, { services })).toEqual(["inside", "inside"]);
    expect([own.asked.length, other.asked.length]).toEqual([1, 1]);
  });

  test.each([
    [[], "there is no such entry"],
    [[entryOf("app:net", "fs.directory", { directory: "." })], "it is a fs.directory"],
  ])("an id that names no network is Invalid: %#", async (entries, message) => {
    const code = `
      local _, err = http_client.get("http://inner.test/", { overlay_network = "app:net" })
      local _, other = websocket.connect("ws://inner.test/", { overlay_network = "app:net" })
      return { err:kind(), err:message(), other:kind() }`;
    expect(await through(entries, code)).toEqual([
      "Invalid",
      expect.stringContaining(`network app:net: ${message}`),
      "Invalid",
    ]);
  });
});

describe("a network entry", () => {
  const decode = (data: Record<string, unknown>) => {
    const entry = entryOf("app:net", "network.socks5", data);
    return decodeEntry(socks5Network, entry, testServices([entry]).environment);
  };

  test.each([
    ["proxy:1080", { host: "proxy", port: 1080 }],
    ["[::1]:9050", { host: "::1", port: 9050 }],
  ])("addr %s", (addr, expected) => expect(decode({ addr }).addr).toEqual(expected));

  test.each([
    [{}, "addr is required"],
    [{ addr: "proxy" }, 'bad addr "proxy"'],
    [{ addr: "socks5://proxy:1" }, "bad addr"],
    [{ addr: "user:pw@proxy:1" }, "bad addr"],
    [{ addr: "proxy:0" }, "bad addr"],
    [{ addr: "proxy:65536" }, "bad addr"],
    [{ addr: "proxy:1", password: "x" }, "password is given without username"],
    [{ addr: "proxy:1", username: "x".repeat(256) }, "username must have 1 to 255 bytes"],
    [{ addr: "proxy:1", username: "" }, "username must have 1 to 255 bytes"],
  ])("%j is refused", (data, message) => {
    expect(() => decode(data)).toThrow(message);
  });
});
