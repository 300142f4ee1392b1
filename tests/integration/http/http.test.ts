import { expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { exchangeRaw, handler, startWeb } from "./web.ts";

test("a function sees its request", async () => {
  const { url } = await startWeb({
    router: { prefix: "/api/" },
    routes: {
      "POST /users/{id}/{empty...}": `
        local _, missing = req:param("empty"), nil
        res:write_json({ req:method(), req:path(), req:host(), req:query("q"), req:query_params(), req:header("x-API-key"),
          req:content_type(), req:content_length(), req:param("id"), req:params(), req:has_body(),
          req:is_content_type("application/json"), req:accepts("text/html"), req:accepts("text/plain"),
          req:body_json(), req:body(), select("#", ...), req:remote_addr():match("^127%.0%.0%.1:%d+$") ~= nil })`,
    },
  });
  const response = await fetch(`${url}/api/users/a%20b/x/y?q=1&q=2&r=a+b%21`, {
    method: "POST",
    headers: {
      "X-Api-Key": "k",
      "Content-Type": "application/json",
      Accept: "text/plain, text/html;q=0.5",
    },
    body: '{"n":[1,2]}',
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual([
    "POST",
    "/api/users/a b/x/y",
    new URL(url).host,
    "1",
    { q: "1,2", r: "a b!" },
    "k",
    "application/json",
    11,
    "a b",
    { id: "a b" },
    true,
    true,
    false,
    true,
    { n: [1, 2] },
    "",
    0,
    true,
  ]);
});

test("what a function returns, raises and writes", async () => {
  const { url, application } = await startWeb({
    routes: {
      "GET /touched":
        `res:set_status(201) res:set_header("X-A", "\\195\\169") res:write_json({ a = 1 }) error("late")`,
      "GET /raised": `error("boom")`,
      "GET /failed": `return nil, "no luck"`,
      "GET /value": `return { a = 1 }`,
      "GET /nothing": ``,
      "GET /type_only": `res:set_content_type("text/css")`,
      "GET /empty": `res:set_status(204)`,
      "GET /bytes": `res:set_content_type("application/octet-stream") res:write("\\0\\255")`,
      "GET /two": `res:set_status(400) res:set_status(404) res:write("last")`,
    },
  });
  const get = async (path: string) => {
    const response = await fetch(url + path);
    const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
    return [response.status, response.headers.get("content-type"), body];
  };
  const text = "text/plain; charset=utf-8";
  expect(await get("/touched")).toEqual([201, "application/json", '{"a":1}']);
  expect((await fetch(`${url}/touched`)).headers.get("x-a")).toBe("\xc3\xa9");
  expect(await get("/raised")).toEqual([500, text, expect.stringContaining("boom")]);
  expect(await get("/failed")).toEqual([500, text, "no luck"]);
  expect(await get("/value")).toEqual([200, "application/json", ""]);
  expect(await get("/nothing")).toEqual([500, text, "no response sent"]);
  expect(await get("/type_only")).toEqual([500, text, "no response sent"]);
  expect(await get("/empty")).toEqual([204, null, ""]);
  expect(await get("/bytes")).toEqual([200, "application/octet-stream", "\0\xff"]);
  expect(await get("/two")).toEqual([404, text, "last"]);
  const errors = application.logs.filter(({ level, logger }) =>
    level === "error" && logger === "app:web"
  );
  expect(errors.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^GET \/touched failed: .*late/),
  );
});

test("bad uses are errors, and a header cannot be injected", async () => {
  const { url } = await startWeb({
    routes: {
      "GET /": `
        local found = {}
        for i, err in ipairs({ res:set_header("X", "a\\r\\nSet-Cookie: b"), res:set_header("X: y", "a"),
          res:set_header("Content-Length", "3"), res:set_status(99), res:set_status(600) }) do
          found[i] = err:kind()
        end
        res:write("x")
        res:flush()
        for _, err in ipairs({ res:set_header("A", "b"), res:set_status(500), res:set_content_type("a/b"), res:set_transfer("sse") }) do
          found[#found + 1] = err:kind()
        end
        found[#found + 1] = tostring(pcall(function() res:set_transfer("gopher") end))
        found[#found + 1] = tostring(pcall(function() res:write_event({ name = "a" }) end))
        res:write(table.concat(found, " "))`,
    },
  });
  expect(await (await fetch(url)).text()).toBe(`x${"Invalid ".repeat(9)}false false`);
});

test("only the function of the endpoint has the request, not what it calls, and nobody else", async () => {
  const { url, application } = await startWeb({
    routes: {
      "GET /": `
        local a = funcs.call("app:other")
        local b = funcs.async("app:other"):response():receive():data()
        local spawned
        coroutine.spawn(function() spawned = http.request():path() end)
        time.sleep("1ms")
        res:write(a .. ", " .. b .. ", " .. spawned)`,
    },
    functions: { other: handler(`return select(2, http.response()):message()`) },
  });
  const none = "no HTTP request context found";
  expect(await (await fetch(url)).text()).toBe(`${none}, ${none}, /`);
  expect(await application.call("other")).toBe(none);
});

test("bodies: a limit, a stream, chunks, and one that breaks off", async () => {
  const { url, port, application } = await startWeb({
    routes: {
      "POST /limited": `
        local small = http.request({ max_body = 10 })
        local body, err = small:body()
        res:write(body or err:kind())`,
      "POST /stream": `
        local stream, size = req:stream(), 0
        while true do
          local part, err = stream:read()
          if not part then break end
          size = size + #part
        end
        res:write(req:content_length() .. " " .. size .. " " .. tostring(req:has_body()))`,
      "POST /slow": `
        local body, err = http.request({ timeout = 50 }):body()
        require("ctx")
        print("slow", err and err:kind())
        return nil, err`,
      "POST /json": `local value, err = req:body_json() res:write(value and "ok" or err:kind())`,
    },
  });
  const post = async (path: string, body: BodyInit) =>
    await (await fetch(url + path, { method: "POST", body })).text();
  expect(await post("/limited", "0123456789")).toBe("0123456789");
  expect(await post("/limited", "0123456789a")).toBe("Invalid");
  expect(
    await post(
      "/limited",
      new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.alloc(11, "x"));
          controller.close();
        },
      }),
    ),
  ).toBe("Invalid");
  expect(await post("/stream", "x".repeat(5_000_000))).toBe("5000000 5000000 true");
  let left = 20;
  expect(
    await post(
      "/stream",
      new ReadableStream({
        pull(controller) {
          if (left-- > 0) controller.enqueue(Buffer.alloc(100_000, "x"));
          else controller.close();
        },
      }),
    ),
  ).toBe("-1 2000000 false");
  expect(await post("/json", "")).toBe("Invalid");
  expect(await post("/json", "{")).toBe("Invalid");
  const raw = exchangeRaw(
    port,
    "POST /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
  );
  expect(await raw).toContain("500");
  expect(application.logged("f2")).toEqual(["slow Internal"]);
});

test("a form with files", async () => {
  const { url } = await startWeb({
    routes: {
      "POST /": `
        local form, err = req:parse_multipart()
        if err then res:write(err:kind()) return end
        local file = form.files.doc[1]
        local stream = file:stream()
        local head, rest = stream:read(2), stream:read()
        res:write_json({ form.values.a, form.values.b, #form.files.doc, file:name(), file:size(),
          file:header("Content-Type"), head .. "|" .. rest:gsub("\\0", "0"), stream:read() == nil })`,
    },
  });
  const form = new FormData();
  form.append("a", "one");
  form.append("b", "1");
  form.append("b", "2");
  form.append("doc", new File(["x\r\n--y\0z"], 'sub/../a"b.txt', { type: "text/plain" }));
  form.append("doc", new File([""], "empty"));
  const post = async (init: RequestInit) =>
    await (await fetch(url, { method: "POST", ...init })).text();
  expect(JSON.parse(await post({ body: form })))
    .toEqual([
      "one",
      ["1", "2"],
      2,
      'a"b.txt',
      8,
      expect.stringContaining("text/plain"),
      "x\r|\n--y0z",
      true,
    ]);
  expect(await post({ body: "x" })).toBe("Invalid");
  const headers = { "content-type": "multipart/form-data; boundary=B" };
  expect(await post({ body: "--B\r\nContent-Dispo", headers })).toBe("Internal");
  expect(await post({ body: "nothing", headers })).toBe("Internal");
});

test("events and parts arrive when they are written, and a client that goes away cancels the function", async () => {
  const { url, application } = await startWeb({
    routes: {
      "GET /events": `
        res:write_event({ name = "tick", data = { n = 1 } })
        res:write_event({ name = "tick", data = "two\\nlines" })
        http.request()
        while true do
          time.sleep("10ms")
          local err = res:write_event({ name = "tick", data = 3 })
        end`,
      "GET /wait": `print("begun") time.sleep("1h") print("not cancelled")`,
    },
  });
  const controller = new AbortController();
  const response = await fetch(`${url}/events`, { signal: controller.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body!.getReader();
  let text = "";
  while (!text.includes("data: 3")) text += new TextDecoder().decode((await reader.read()).value);
  expect(text).toStartWith(
    'event: tick\ndata: {"n":1}\n\nevent: tick\ndata: "two\\nlines"\n\nevent: tick\ndata: 3\n\n',
  );
  controller.abort();
  const waiting = new AbortController();
  const other = fetch(`${url}/wait`, { signal: waiting.signal }).catch(() => "gone");
  await until(() => application.logged("f1").includes("begun"));
  waiting.abort();
  expect(await other).toBe("gone");
  const inspected = async () =>
    await application.node.control.inspectService("app:web") as { in_flight: number };
  await until(async () => (await inspected()).in_flight === 0);
});

test("a large response is held by a slow client", async () => {
  const { port, application } = await startWeb({
    routes: {
      "GET /": `
        for i = 1, 3000 do
          if res:write(("x"):rep(65536)) then return end
          if i % 100 == 0 then print(i) end
        end`,
    },
  });
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  let before = -1;
  let since = 0;
  await until(() => {
    const seen = application.logged("f0").length;
    if (seen !== before) since = performance.now();
    before = seen;
    return performance.now() - since > 500;
  });
  expect(application.logged("f0").length).toBeLessThan(15);
  socket.destroy();
});

test("401, 403 and the function, behind firewalls", async () => {
  const { url } = await startWeb({
    server: {
      lifecycle: { auto_start: true, security: { actor: { id: "web" }, policies: ["policy"] } },
    },
    router: {
      post_middleware: ["endpoint_firewall", "resource_firewall"],
      post_options: { "resource_firewall.action": "use", "resource_firewall.target": "door" },
    },
    routes: {
      "GET /open": `res:write(require("security").actor():id())`,
      "GET /closed": `res:write("in")`,
    },
    entries: {
      policy: {
        kind: "security.policy",
        policy: { actions: ["access", "use"], resources: ["app:e0", "door"], effect: "allow" },
      },
    },
  });
  const open = await fetch(`${url}/open`);
  expect([open.status, await open.text()]).toEqual([200, "web"]);
  const closed = await fetch(`${url}/closed`);
  expect([closed.status, await closed.json()]).toEqual([403, {
    success: false,
    error: "Access denied",
    details: expect.any(String),
  }]);
  const nobody = await startWeb({
    router: { post_middleware: ["endpoint_firewall"] },
    routes: { "GET /": `res:write("in")` },
  });
  expect((await fetch(nobody.url)).status).toBe(401);
});

test("the trace of a request, known or new, is in the context", async () => {
  const { url } = await startWeb({
    routes: { "GET /": `res:write(require("ctx").get("trace_id"))` },
  });
  const id = "0af7651916cd43dd8448eb211c80319c";
  const headers = { traceparent: `00-${id}-b7ad6b7169203331-01` };
  expect(await (await fetch(url, { headers })).text()).toBe(id);
  expect(await (await fetch(url)).text()).toMatch(/^[0-9a-f]{32}$/);
});

test("redirects, 404, 405 and OPTIONS", async () => {
  const { url, port } = await startWeb({
    routes: { "GET /tree/": `res:write(req:path())`, "POST /one": `res:write("x")` },
  });
  const get = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, { redirect: "manual", ...init });
    return [response.status, response.headers.get("location"), response.headers.get("allow")];
  };
  expect(await get("/tree?a=1")).toEqual([301, "/tree/?a=1", null]);
  expect(await (await fetch(`${url}/tree/a/b`)).text()).toBe("/tree/a/b");
  expect(await get("/nothing")).toEqual([404, null, null]);
  expect(await get("/one")).toEqual([405, null, "OPTIONS, POST"]);
  expect(await get("/one", { method: "OPTIONS" })).toEqual([204, null, null]);
  const raw = await exchangeRaw(
    port,
    "GET //evil.com/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  expect(raw).toMatch(/^HTTP\/1\.1 301 .*\r\nlocation: \/evil\.com\/x\r\n/is);
  expect((await fetch(`${url}/tree/`, { method: "HEAD" })).status).toBe(200);
});

test("a stop finishes what is being served and takes nothing new", async () => {
  const { url, application } = await startWeb({
    routes: { "GET /": `print("begun") time.sleep("300ms") res:write("done")` },
  });
  const response = fetch(url);
  await until(() => application.logged("f0").includes("begun"));
  const stopped = application.stop();
  expect(await (await response).text()).toBe("done");
  await stopped;
  expect(await failureOf(fetch(url))).toBe("refused");
});

async function failureOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(() => "a response", () => "refused");
}

test("a function that takes longer than timeouts.write is cancelled", async () => {
  const { url } = await startWeb({
    server: { timeouts: { write: "100ms" } },
    routes: { "GET /": `time.sleep("1h")` },
  });
  expect((await fetch(url)).status).toBe(503);
});

const refused = (
  router: Record<string, unknown>,
  endpoints: Record<string, Record<string, unknown>> = {},
) =>
  startApplication({
    entries: {
      web: { kind: "http.service", addr: "127.0.0.1:0", lifecycle: { auto_start: true } },
      main: { kind: "http.router", meta: { server: "web" }, ...router },
      ...endpoints,
    },
    functions: { f: handler("") },
  });

const endpoint = (path: string, method = "GET") => ({
  kind: "http.endpoint",
  meta: { router: "main" },
  method,
  path,
  func: "f",
});

const files = { kind: "fs.directory", directory: "." };
const folder = { kind: "http.static", meta: { server: "web" }, path: "/s", fs: "files" };

test.each<[Record<string, unknown>, Record<string, Record<string, unknown>>, string, string]>([
  [{ middleware: ["corss"] }, {}, "unknown middleware: corss", 'did you mean "cors"?'],
  [
    { middleware: ["real_ip"], options: { "real_ip.trusted.subnets": "nonsense" } },
    {},
    "is no range",
    "correct the options",
  ],
  [
    { post_middleware: ["resource_firewall"] },
    {},
    "resource_firewall.target",
    "correct the options",
  ],
  [{ middleware: ["token_auth"] }, {}, "token_auth.store", "correct the options"],
  [
    {},
    { files, a: { ...folder, middleware: ["token_auth"] } },
    "token_auth.store",
    "correct the options",
  ],
  [{}, { a: endpoint("/a{x}") }, "must be a whole segment", "write {name}"],
  [{}, { a: endpoint("/{x...}/b") }, "must be the last segment", "{name...} for the rest"],
  [
    {},
    { other: { kind: "http.router", meta: { server: "app:web" }, prefix: "/" } },
    'a router of app:web with the prefix "/" already exists (app:main)',
    "give it another prefix",
  ],
  [
    {},
    { files, a: folder, b: { ...folder, path: "/s/" } },
    "a folder of app:web at /s/ already exists (app:a)",
    "give it another path",
  ],
  [
    { prefix: "/p/" },
    { a: endpoint("/{x}/b"), b: endpoint("/a/{y}") },
    "app:a and app:b conflict: GET /p/{x}/b and /p/a/{y} fit the same paths, and neither is more specific",
    "give one of them another path",
  ],
  [
    {},
    { a: endpoint("/{x}/b"), b: endpoint("/a/{y}", "POST") },
    "app:a and app:b conflict: OPTIONS /{x}/b and /a/{y} fit the same paths",
    "give one of them another path",
  ],
  [
    {},
    {
      other: { kind: "http.router", meta: { server: "app:web" }, prefix: "/p" },
      a: endpoint("/p/{x}"),
      b: { ...endpoint("/:y"), meta: { router: "other" } },
    },
    "app:a and app:b conflict",
    "give one of them another path",
  ],
])("an application with %j and %j is refused at load", async (router, endpoints, message, fix) => {
  const text = await refused(router, endpoints)
    .then(() => "it starts", (error) => String(error.message));
  expect(text).toContain(message);
  expect(text).toContain(fix);
});

test.each([
  [
    {},
    { a: endpoint("/{x}/b"), b: endpoint("/${env:NONE|a}/{y}") },
    "neither is more specific",
  ],
  [{ prefix: "/p//q" }, { a: endpoint("/a") }, "has an empty segment"],
])("a server with %j and %j does not start, and says why", async (router, endpoints, message) => {
  const application = await refused(router, endpoints);
  const { control } = application.node;
  await until(() =>
    control.services.some(({ id, status }) => id === "app:web" && status !== "starting")
  );
  const logged = application.logs.map((record) =>
    `${record.message} ${JSON.stringify(record.fields)}`
  );
  expect(logged.join("\n")).toContain(message);
  expect(application.logs.some((record) => record.message.startsWith("listening"))).toBe(false);
});

test("an entry without its server or its router is refused at load", async () => {
  const application = startApplication({
    entries: {
      main: { kind: "http.router" },
      e: { kind: "http.endpoint", method: "get", path: "x", func: "f" },
    },
  });
  const message = await application.then(() => "", (error) => String(error.message));
  expect(message).toContain("meta.server is required");
  expect(message).toContain("meta.router is required");
  expect(message).toContain("path must start with /");
  expect(message).toContain("unknown method: get");
});
