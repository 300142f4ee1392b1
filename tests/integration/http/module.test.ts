import { describe, expect, test } from "bun:test";
import { exchangeRaw, type Parts, startWeb } from "./web.ts";

/** What a request has, by the expression of it. */
const requests: [expression: string, expected: string | number | boolean | object | null][] = [
  [`req:method()`, "POST"],
  [`req:path()`, "/t/é/x y"],
  [`req:host()`, "shop.test:81"],
  [`req:query("a")`, "1"],
  [`req:query("A")`, null],
  [`req:query("empty")`, ""],
  [`req:query("flag")`, ""],
  [`req:query("none")`, null],
  [`req:query("sum")`, "1 + 2"],
  [`req:query_params()`, { a: "1,2", empty: "", flag: "", sum: "1 + 2", "k é": "v" }],
  [`req:header("X-Own")`, "one, two"],
  [`req:header("x-OWN")`, "one, two"],
  [`req:header("none")`, null],
  [`req:header("Host")`, null],
  [`req:header("X-Empty")`, ""],
  [`{ req:header("X-Bytes"):byte(1, -1) }`, [0xe9, 0xff]],
  [`req:content_type()`, "Text/Plain; charset=utf-8"],
  [`req:content_length()`, 5],
  [`req:has_body()`, true],
  [`req:is_content_type("Text/Plain")`, true],
  [`req:is_content_type("text/plain")`, false],
  [`req:is_content_type("")`, true],
  [`req:param("name")`, "é"],
  [`req:param("rest")`, null],
  [`req:param("none")`, null],
  [`req:params()`, { name: "é" }],
  [`req:accepts("text/html")`, true],
  [`req:accepts("application/json")`, false],
  [`req:accepts("application/*")`, true],
  [`req:accepts("TEXT/HTML")`, false],
  [`req:remote_addr():match("^127%.0%.0%.1:%d+$") ~= nil`, true],
];

/** Whole conversations: code that returns a value. */
const codes: [code: string, expected: unknown][] = [
  // Bodies: once, whichever way.
  [`return { req:body(), req:body() }`, ["hello", ""]],
  [
    `local s = req:stream() local a = s:read(2) return { a, s:read(), s:read() == nil, req:body() }`,
    [
      "he",
      "llo",
      true,
      "",
    ],
  ],
  [`local s = req:stream() s:read(2) return req:body()`, "llo"],
  [
    `local s = req:stream() local t = s:stat() return { t.size, t.position, t.readable, t.writable, t.seekable }`,
    [
      5,
      0,
      true,
      false,
      false,
    ],
  ],
  [`local s = req:stream() s:close() local v, err = s:read() return err:kind()`, "Internal"],
  [`local v, err = req:body_json() return { v == nil, err:kind() }`, [true, "Invalid"]],
  [`req:body() local v, err = req:body_json() return err:kind()`, "Invalid"],
  [`local v, err = req:parse_multipart() return err:kind()`, "Invalid"],
  [`local v, err = http.request({ max_body = 4 }):body() return err:kind()`, "Invalid"],
  [`return (http.request({ max_body = 5 }):body())`, "hello"],
  [`return (http.request({ max_body = 5.0, timeout = 1000.0 }):body())`, "hello"],
  [`return (http.request({ max_body = 0 }):body())`, "hello"],
  [`local v, err = http.request({ max_body = -1 }) return { v == nil, err:kind() }`, [
    true,
    "Invalid",
  ]],
  [`local v, err = http.request({ max_body = 1.5 }) return err:kind()`, "Invalid"],
  [`local v, err = http.request({ timeout = "x" }) return err:kind()`, "Invalid"],
  // Wrong types raise.
  [`return pcall(http.request, 7)`, false],
  [`return pcall(req.query, req)`, false],
  [`return pcall(req.query, req, {})`, false],
  [`return pcall(req.header, req, nil)`, false],
  [`return pcall(req.accepts, req)`, false],
  [`return pcall(req.method)`, false],
  [`return pcall(req.parse_multipart, req, "x")`, false],
  [`return pcall(res.set_status, res, "x")`, false],
  [`return pcall(res.set_header, res, "a")`, false],
  [`return pcall(res.write, res, {})`, false],
  [`return pcall(res.set_transfer, res, "gzip")`, false],
  [`return pcall(res.write_event, res, { name = "a" })`, false],
  [`return pcall(res.write_event, res, { data = 1 })`, false],
  [`return pcall(res.write_event, res, { name = "a\\nb", data = 1 })`, false],
  // A response returns only an error, or nil.
  [
    `return { select("#", res:set_status(200)), select("#", res:set_header("A", "b")), select("#", res:set_content_type("a/b")) }`,
    [
      1,
      1,
      1,
    ],
  ],
  [
    `return { res:set_status(200) == nil, res:set_header("A", "b") == nil, res:set_transfer("chunked") == nil }`,
    [
      true,
      true,
      true,
    ],
  ],
  [
    `return { res:set_status(99):kind(), res:set_status(600):kind(), res:set_status(1000):kind() }`,
    [
      "Invalid",
      "Invalid",
      "Invalid",
    ],
  ],
  [
    `return { res:set_header("A", "b\\nc"):kind(), res:set_header("A", "b\\0"):kind(), res:set_header("", "b"):kind(), res:set_header("A b", "c"):kind(), res:set_content_type("a\\r\\nX: y"):kind() }`,
    [
      "Invalid",
      "Invalid",
      "Invalid",
      "Invalid",
      "Invalid",
    ],
  ],
  // The first byte of the body ends what can be said of its headers, sent or not.
  [
    `res:set_status(201) res:write("") res:set_header("A", "b") res:write("x")
     return { res:set_status(500):kind(), res:set_header("A", "c"):kind(), res:set_content_type("a/b"):kind(),
       res:set_transfer("sse"):kind(), res:set_transfer("chunked"):kind(), res:write_event({ name = "a", data = 1 }):kind(),
       tostring(res:write_json({ 1 })), tostring(res:write("y")) }`,
    ["Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "Invalid", "nil", "nil"],
  ],
  [
    `res:write_json({ 1 }) return { res:set_status(500):message(), tostring(res:write_json({ 2 })) }`,
    ["the headers have been sent", "nil"],
  ],
  [`local t = {} t.t = t return res:write_json(t):kind()`, "Invalid"],
  [`return res:write_json({ 1, a = 2 }):kind()`, "Invalid"],
  [`local t = {} t.t = t return res:write_event({ name = "a", data = t }):kind()`, "Invalid"],
  [`return { http.request() ~= nil, http.response() ~= nil, select("#", http.request()) }`, [
    true,
    true,
    2,
  ]],
];

describe.each([
  ["a worker's thread", true],
  ["the node's thread", false],
])("on %s", (_, threads) => {
  const start = (parts: Parts) => startWeb(parts, { threads });

  test("each method of a request", async () => {
    const { port } = await start({
      routes: {
        "POST /t/{name}/{rest...}": `
        local function list(...)
          local found = {}
          for i = 1, select("#", ...) do
            local value = select(i, ...)
            found[i] = { value = value }
          end
          return found
        end
        res:write_json(list(${requests.map(([expression]) => `(${expression})`).join(", ")}))`,
      },
    });
    const raw = await exchangeRaw(
      port,
      "POST /t/%C3%A9/x%20y?a=1&a=2&empty=&flag&sum=1+%2B+2&k%20%C3%A9=v HTTP/1.1\r\n" +
        "Host: shop.test:81\r\nX-Own: one\r\nX-own: two\r\nX-Empty:\r\nX-Bytes: \xe9\xff\r\nContent-Length: 5\r\n" +
        "Content-Type: Text/Plain; charset=utf-8\r\nConnection: close\r\n" +
        "Accept: text/html , text/plain;q=0.5,application/*\r\n\r\nhello",
    );
    const [, body = ""] = raw.split("\r\n\r\n");
    const found = JSON.parse(Buffer.from(body, "latin1").toString()) as { value?: unknown }[];
    expect(requests.map(([expression], at) => [expression, found[at]?.value ?? null]))
      .toEqual(requests);
  });

  test("bodies, options, errors and what raises", async () => {
    const routes = Object.fromEntries(codes.map(([code], at) => [
      `POST /${at}`,
      // What the code wrote is not sent: only its result is looked at.
      `local function run() ${code} end
     local value = run()
     print(json.encode({ value = value }))`,
    ]));
    const { url, application } = await start({ routes });
    for (const [at, [code, expected]] of codes.entries()) {
      await fetch(`${url}/${at}`, { method: "POST", body: "hello" });
      const [line = "{}"] = application.logged(`f${at}`);
      const { value } = JSON.parse(line.replace(/ nil$/, "")) as { value: unknown };
      expect([code, value]).toEqual([code, expected]);
    }
  });

  test("a request without a body, and one in chunks", async () => {
    const { port } = await start({
      routes: {
        "GET /":
          `res:write_json({ req:has_body(), req:content_length(), req:body(), req:content_type() == nil,
        req:is_content_type("a"), req:accepts("a") })`,
        "POST /": `res:write_json({ req:has_body(), req:content_length(), req:body() })`,
      },
    });
    const get = await exchangeRaw(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(get).toEndWith('[false,0,"",true,false,false]');
    const post = await exchangeRaw(
      port,
      "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    );
    expect(post).toEndWith('[false,-1,"ab"]');
  });

  test("the constants", async () => {
    const { url } = await start({
      routes: {
        "GET /": `local all = {}
        for _, name in ipairs({ "METHOD", "CONTENT", "TRANSFER", "ERROR", "STATUS" }) do
          local copy = {}
          for key, value in pairs(http[name]) do copy[key] = value end
          all[name] = copy
        end
        res:write_json(all)`,
      },
    });
    expect(await (await fetch(url)).json()).toEqual({
      METHOD: Object.fromEntries(
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"].map((name) => [name, name]),
      ),
      CONTENT: {
        JSON: "application/json",
        FORM: "application/x-www-form-urlencoded",
        MULTIPART: "multipart/form-data",
        TEXT: "text/plain",
        STREAM: "application/octet-stream",
      },
      TRANSFER: { CHUNKED: "chunked", SSE: "sse" },
      ERROR: Object.fromEntries(
        ["PARSE_FAILED", "INVALID_STATE", "WRITE_FAILED", "STREAM_ERROR"].map((
          name,
        ) => [name, expect.any(String)]),
      ),
      STATUS: {
        OK: 200,
        CREATED: 201,
        ACCEPTED: 202,
        NO_CONTENT: 204,
        PARTIAL_CONTENT: 206,
        MOVED_PERMANENTLY: 301,
        FOUND: 302,
        SEE_OTHER: 303,
        NOT_MODIFIED: 304,
        TEMPORARY_REDIRECT: 307,
        PERMANENT_REDIRECT: 308,
        BAD_REQUEST: 400,
        UNAUTHORIZED: 401,
        PAYMENT_REQUIRED: 402,
        FORBIDDEN: 403,
        NOT_FOUND: 404,
        METHOD_NOT_ALLOWED: 405,
        NOT_ACCEPTABLE: 406,
        CONFLICT: 409,
        GONE: 410,
        UNPROCESSABLE: 422,
        TOO_MANY_REQUESTS: 429,
        INTERNAL_ERROR: 500,
        INTERNAL_SERVER_ERROR: 500,
        NOT_IMPLEMENTED: 501,
        BAD_GATEWAY: 502,
        SERVICE_UNAVAILABLE: 503,
        GATEWAY_TIMEOUT: 504,
        VERSION_NOT_SUPPORTED: 505,
      },
    });
  });

  test("what is said after the body has begun does not reach the client", async () => {
    const { application, url } = await start({
      routes: {
        "GET /late":
          `res:set_status(201) res:write("x") res:set_status(500) res:set_header("X-Late", "1")
          res:write_json({ 1 })`,
        "GET /events": `res:set_transfer("sse") res:write(": hi\\n\\n")
          res:write(tostring(res:write_event({ name = "a", data = 1 })))`,
      },
    });
    try {
      const response = await fetch(`${url}/late`);
      expect([response.status, response.headers.get("x-late"), await response.text()])
        .toEqual([201, null, "x[1]"]);
      expect(response.headers.get("content-type")).toStartWith("text/plain");
      expect(await (await fetch(`${url}/events`)).text()).toBe(": hi\n\nevent: a\ndata: 1\n\nnil");
    } finally {
      await application.stop();
    }
  });

  test("a function that only responds need not look at its request, even if it sends in parts", async () => {
    const source = `
local http = require("http")
local function main()
  local res = http.response()
  res:write("one ")
  res:flush()
  res:write("two ")
  res:flush()
  res:write(http.request():path())
end
return { main = main }`;
    const { application, url } = await start({
      routes: { "GET /parts": { modules: ["http"], source } },
    });
    try {
      expect(await (await fetch(`${url}/parts`)).text()).toBe("one two /parts");
    } finally {
      await application.stop();
    }
  });
});
