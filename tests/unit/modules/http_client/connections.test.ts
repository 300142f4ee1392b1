import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { requestOf } from "../../../../src/operations/http_client/request.ts";
import { cleanAfterTest } from "../../../cleanup.ts";
import { evaluate } from "../lua-unit.ts";
import { certificate, key } from "./certificate.ts";
import { serve, serveRaw } from "./servers.ts";

test("a connection is used again, and one that the server has closed is not", async () => {
  let connections = 0;
  let requests = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.on("data", () => {
      requests += 1;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${requests}`);
      if (requests === 3) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const code = `
    local result = {}
    for i = 1, 4 do
      local res, err = http_client.get(...)
      result[i] = res and res.body or err:details().code
    end
    return result`;
  expect(await evaluate(code, { args: [url] })).toEqual(["1", "2", "3", "4"]);
  expect(connections).toBe(2);
});

test("a connection that nobody checked is not used by a request that checks", async () => {
  const url = serve(() => new Response("answer"), { tls: { key, cert: certificate } });
  const code = `
    local url, ca = ...
    local function ask(tls)
      local res, err = http_client.get(url, { tls = tls })
      return res and res.body or err:details().code
    end
    return {
      ask({ insecure_skip_verify = true }), ask(), ask({ ca = ca }), ask({ ca = ca, server_name = "shop.test" }),
      ask({ server_name = "shop.test" }), ask({ ca = ca, server_name = "other.test" }),
    }`;
  expect(await evaluate(code, { args: [url, certificate] })).toEqual([
    "answer",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "answer",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
  ]);
});

test("the length of a body that is not sent counts for nothing", async () => {
  const { url } = await serveRaw((socket, first) => {
    const status = first.startsWith("HEAD") ? "200 OK" : "304 Not Modified";
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n`);
  });
  const code = `
    local head = assert(http_client.head(..., { max_response_body = 10 }))
    local unchanged = assert(http_client.get(..., { max_response_body = 10 }))
    return { head.status_code, head.headers["Content-Length"], head.body_size, unchanged.status_code }`;
  expect(await evaluate(code, { args: [url] })).toEqual([200, "1000000", 0, 304]);
});

test("what a response sets is not sent with the next request", async () => {
  const url = serve((request) =>
    new Response(request.headers.get("cookie") ?? "none", { headers: { "Set-Cookie": "a=1" } })
  );
  const code = `
    local first, second = http_client.get(...), http_client.get(...)
    return { first.cookies.a, second.body }`;
  expect(await evaluate(code, { args: [url] })).toEqual(["1", "none"]);
});

test("numbers of options may be floats that are whole", async () => {
  const code = `
    local a = http_client.get(..., { timeout = 2.0, max_response_body = 100.0 })
    local _, err = websocket.connect("ws://127.0.0.1:1/", { dial_timeout = 50.0, compression = 1.0, read_limit = 100.0 })
    return { a.body, err:kind() }`;
  expect(await evaluate(code, { args: [serve(() => new Response("x"))] })).toEqual([
    "x",
    "Internal",
  ]);
});

test.each<[string | number | undefined, number]>([
  [undefined, 30_000],
  [0, 30_000],
  ["0s", 30_000],
  [0.9, 30_000],
  [1.9, 1000],
  [2, 2000],
  ["500ms", 500],
  ["1m30s", 90_000],
])("timeout %p is %d ms", (timeout, expected) => {
  const options = timeout === undefined ? {} : { timeout };
  expect(requestOf("GET", "http://h/", options).timeout).toBe(expected);
});

test.each<[number | undefined, number]>([[undefined, 125_829_120], [0, 125_829_120], [7, 7]])(
  "max_response_body %p is %d bytes",
  (limit, expected) => {
    const options = limit === undefined ? {} : { max_response_body: limit };
    expect(requestOf("GET", "http://h/", options).limit).toBe(expected);
  },
);

test("the body of a response to a TRACE is not taken for the next response", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const body = data.toString().split(" ", 1)[0]!;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
      // Sleeps because the client must take the headers for the whole response before the body comes.
      setTimeout(() => socket.write(body), 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const code = `
    local url = ...
    local result = {}
    for i = 1, 3 do
      result[i] = assert(http_client.request("TRACE", url)).status_code .. assert(http_client.get(url)).body
    end
    return result`;
  expect(await evaluate(code, { args: [url] })).toEqual(["200GET", "200GET", "200GET"]);
});
