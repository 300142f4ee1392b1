import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { until } from "../../until.ts";
import { exchangeRaw, startWeb } from "./web.ts";

const hello = { "GET /": `res:set_header("Vary", "X-Own") res:write("hello")` };

test("cors: a preflight, another request, and an origin that is not allowed", async () => {
  const { url } = await startWeb({
    router: {
      middleware: ["cors"],
      options: {
        "cors.allow.origins": "https://a.example, *.b.example, localhost",
        "cors.allow.credentials": true,
        "cors.expose.headers": "X-Total",
        "cors.max.age": 60,
      },
    },
    routes: hello,
  });
  const preflight = (origin: string) =>
    fetch(url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "GET" } });
  const { status, headers } = await preflight("https://a.example");
  expect(status).toBe(204);
  const cors = (name: string) => headers.get(`access-control-${name}`);
  expect(["allow-origin", "allow-credentials", "max-age", "allow-methods"].map(cors))
    .toEqual(["https://a.example", "true", "60", "GET,POST,PUT,DELETE,OPTIONS,PATCH"]);
  expect(headers.get("vary"))
    .toBe("Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  const plain = await fetch(url, { headers: { origin: "http://localhost:3000" } });
  expect(await plain.text()).toBe("hello");
  expect(plain.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
  expect(plain.headers.get("access-control-expose-headers")).toBe("X-Total");
  expect(plain.headers.get("vary")).toBe("X-Own, Origin");
  for (
    const origin of [
      "https://evil.example",
      "https://b.example",
      "https://xb.example",
      "https://localhost.evil",
    ]
  ) {
    const other = await preflight(origin);
    expect([other.status, other.headers.get("access-control-allow-origin")]).toEqual([204, null]);
  }
  expect((await preflight("https://x.b.example")).headers.get("access-control-allow-origin"))
    .toBe("https://x.b.example");
});

test("ratelimit: a burst, then 429, by client", async () => {
  const { url } = await startWeb({
    router: {
      middleware: ["ratelimit"],
      options: {
        "ratelimit.requests": 1,
        "ratelimit.window": "1h",
        "ratelimit.burst": 3,
        "ratelimit.key": "header:X-Client",
      },
    },
    routes: hello,
  });
  const get = async (client: string) => {
    const response = await fetch(url, { headers: { "x-client": client } });
    return [
      response.status,
      response.headers.get("x-ratelimit-limit"),
      response.headers.get("x-ratelimit-window"),
    ];
  };
  for (let i = 0; i < 3; i++) expect(await get("a")).toEqual([200, null, null]);
  expect(await get("a")).toEqual([429, "1", "1h"]);
  expect(await get("b")).toEqual([200, null, null]);
  const without = await fetch(url);
  expect([without.status, await without.text()]).toEqual([400, "Rate limit key extraction failed"]);
});

test("ratelimit: the window that it names is the one that it uses", async () => {
  for (const [asked, used] of [["1m30s", "1m"], ["0s", "1s"], ["90s", "90s"]] as const) {
    const { url } = await startWeb({
      router: {
        middleware: ["ratelimit"],
        options: { "ratelimit.requests": 1, "ratelimit.burst": 1, "ratelimit.window": asked },
      },
      routes: hello,
    });
    const together = await Promise.all([1, 2, 3].map(() => fetch(url)));
    const refused = together.find(({ status }) => status === 429);
    expect(refused?.headers.get("x-ratelimit-window")).toBe(used);
  }
});

test("ratelimit: addresses of IPv6 behind a proxy are clients of their own", async () => {
  const { url } = await startWeb({
    router: {
      middleware: ["real_ip", "ratelimit"],
      options: { "ratelimit.burst": 1, "ratelimit.requests": 1, "ratelimit.window": "1h" },
    },
    routes: hello,
  });
  const get = async (address: string) =>
    (await fetch(url, { headers: { "x-real-ip": address } })).status;
  expect([await get("2001:db8::1"), await get("2001:db8::2"), await get("2001:db8::1")])
    .toEqual([200, 200, 429]);
});

test("real_ip: what a trusted proxy says, and nobody else", async () => {
  const routes = { "GET /": `res:write(req:remote_addr())` };
  const ask = async (options: Record<string, string>, headers: Record<string, string>) => {
    const { url } = await startWeb({ router: { middleware: ["real_ip"], options }, routes });
    return await (await fetch(url, { headers })).text();
  };
  const forwarded = { "x-forwarded-for": "203.0.113.7, 10.0.0.1" };
  expect(await ask({}, forwarded)).toBe("203.0.113.7");
  expect(await ask({}, { ...forwarded, "x-real-ip": "203.0.113.8" })).toBe("203.0.113.8");
  expect(await ask({}, { "x-forwarded-for": "<script>" })).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await ask({ "real_ip.trusted.subnets": "10.0.0.0/8" }, forwarded)).toMatch(
    /^127\.0\.0\.1:\d+$/,
  );
});

test("compress: for who accepts it, from a length on", async () => {
  const { port } = await startWeb({
    router: { middleware: ["compress"] },
    routes: {
      "GET /long": `res:set_content_type("text/plain") res:write(("x"):rep(5000))`,
      "GET /short": `res:write("x")`,
      "GET /parts": `res:write(("x"):rep(2000)) res:flush() res:write(("x"):rep(2000))`,
    },
  });
  const get = (path: string, accept: string) =>
    exchangeRaw(
      port,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: ${accept}\r\n\r\n`,
    );
  const long = await get("/long", "br, gzip");
  expect(long).toMatch(/content-encoding: gzip/i);
  expect(gunzipSync(Buffer.from(long.split("\r\n\r\n")[1]!, "latin1")).toString()).toBe(
    "x".repeat(5000),
  );
  for (
    const [path, accept] of [["/long", "br"], ["/long", "gzip;q=0"], ["/short", "gzip"], [
      "/parts",
      "gzip",
    ]]
  ) {
    expect(await get(path!, accept!)).not.toMatch(/content-encoding/i);
  }
});

test("metrics: by method, endpoint and status", async () => {
  const { url, application } = await startWeb({
    router: { post_middleware: ["metrics"] },
    routes: { "GET /{id}": `res:set_status(404)` },
  });
  await fetch(`${url}/1`);
  await fetch(`${url}/2`);
  const figures = await until(
    () =>
      application.node.control.figures.filter(({ name }) =>
        name === "wippy_http_requests_total" || name === "wippy_http_requests_in_flight"
      ),
    (found) => found[0]?.value === 2 && found[1]?.value === 0,
  );
  expect(figures.map(({ name, labels, value }) => [name, labels, value])).toEqual([
    ["wippy_http_requests_total", { method: "GET", route: "app:e0", status: "404" }, 2],
    ["wippy_http_requests_in_flight", { method: "GET", route: "app:e0" }, 0],
  ]);
});

test("a server shows what is in flight, rates and latencies", async () => {
  const { url, application } = await startWeb({
    router: { middleware: ["metrics"] },
    routes: {
      "GET /": `res:write("x")`,
      "GET /events": `res:write_event({ name = "a", data = 1 }) time.sleep("1h")`,
    },
  });
  await fetch(url);
  const controller = new AbortController();
  const events = await fetch(`${url}/events`, { signal: controller.signal });
  const { control } = application.node;
  const details = () => control.services.find(({ id }) => id === "app:web")?.details;
  expect(details()).toMatch(/^1 in flight, \d+\.\d\/s, p50 [\d.e+]+ ms, p99 [\d.e+]+ ms$/);
  expect(await control.inspectService("app:web")).toMatchObject({
    in_flight: 1,
    requests: 2,
    latency_ms: { p50: expect.any(Number), p99: expect.any(Number) },
  });
  const values = (name: string) =>
    control.figures.filter((figure) => figure.name === name).map(({ value }) => value);
  expect(values("wippy_http_server_requests_total")).toEqual([2]);
  expect(values("wippy_http_server_in_flight")).toEqual([1]);
  expect(values("wippy_http_server_latency_seconds").every((value) => value > 0)).toBe(true);
  await until(() => values("wippy_http_request_duration_seconds_bucket").at(-1) === 2);
  expect(values("wippy_http_request_duration_seconds_bucket")).toHaveLength(12);
  controller.abort();
  await events.text().catch(() => "");
  await until(() => details()?.startsWith("0 in flight"));
});

test("a firewall before the match is an error of the configuration", async () => {
  const { url } = await startWeb({ router: { middleware: ["endpoint_firewall"] }, routes: hello });
  const response = await fetch(url);
  expect([response.status, (await response.json() as { error: string }).error])
    .toEqual([500, "Configuration error"]);
});
