import { expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { cleanAfterTest } from "../../../cleanup.ts";
import { evaluate } from "../lua-unit.ts";
import { certificate, key } from "./certificate.ts";
import { serveRaw, verdict } from "./servers.ts";

/** A server that reads every body, which Bun's own does not for GET. */
async function serve(
  answer: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void,
): Promise<string> {
  const server = createHttpServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    answer(request, Buffer.concat(parts), response);
  });
  cleanAfterTest(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** What the server received, as JSON. */
function mirror(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): void {
  response.end(JSON.stringify({ method, path: url, headers, body: body.toString("latin1") }));
}

test("GET takes a body, a form and files", async () => {
  const code = `
    local base = ...
    local function sent(options) return assert(http_client.get(base .. "/x?y=1", options)).body end
    return { sent({ body = "\\0\\255 hi", headers = { ["Content-Type"] = "a/b", ["X-One"] = "1" } }),
      sent({ form = { a = "b c" } }), sent({ files = { { name = "f", content = "data" } } }), sent({ body = "" }) }`;
  const texts = await evaluate(code, { args: [await serve(mirror)] }) as string[];
  const [body, form, files, none] = texts.map((text) => JSON.parse(text)) as {
    method: string;
    path: string;
    headers: Record<string, string>;
    body: string;
  }[];
  expect([body!.method, body!.path, body!.body]).toEqual(["GET", "/x?y=1", "\0\xff hi"]);
  expect(body!.headers).toMatchObject({
    "content-type": "a/b",
    "x-one": "1",
    "content-length": "5",
    accept: "*/*",
    "user-agent": navigator.userAgent,
  });
  expect([form!.headers["content-type"], form!.body])
    .toEqual(["application/x-www-form-urlencoded", "a=b+c"]);
  expect(files!.body).toContain("data");
  expect([none!.method, none!.body]).toEqual(["GET", ""]);
});

test("so do HEAD and TRACE, which get what a response without body has", async () => {
  const raw = await serveRaw((socket) => {
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Own: o\r\nConnection: close\r\n\r\n");
  });
  const code = `
    local res = assert(http_client.head(..., { body = "hello" }))
    return { res.status_code, res.body == nil, res.headers["X-Own"] }`;
  expect(await evaluate(code, { args: [raw.url] })).toEqual([200, true, "o"]);
  expect(raw.received()).toMatch(/^HEAD \/ HTTP\/1\.1\r\n[^]*\r\n\r\nhello$/);
  const lower = `return http_client.request("get", ..., { body = "hello" }).body`;
  expect(JSON.parse(String(await evaluate(lower, { args: [await serve(mirror)] }))))
    .toMatchObject({ method: "GET", body: "hello" });
  const traced = `return http_client.request("TRACE", ..., { body = "hello" }).status_code`;
  expect(await evaluate(traced, { args: [await serve(mirror)] })).toBe(200);
});

test("its response is that of any request: compression, cookies, redirects, a stream", async () => {
  const packed = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };
  const url = await serve(({ method, url: path = "", headers }, body, response) => {
    const coding = path.slice(1) as keyof typeof packed;
    if (coding in packed) {
      response.setHeader("Content-Encoding", coding).end(packed[coding]("plain"));
    } else if (path === "/307" || path === "/302") {
      response.writeHead(Number(coding), { Location: "/end" }).end();
    } else {
      response.setHeader("Set-Cookie", "a=1").setHeader("X-Type", headers["content-type"] ?? "-")
        .end(`${method} ${body}`);
    }
  });
  const code = `
    local base = ...
    local function get(path, options)
      options = options or {}
      options.body, options.headers = "b", options.headers or { ["Content-Type"] = "t/t" }
      return assert(http_client.get(base .. path, options))
    end
    local seen = get("/end")
    return { get("/gzip").body, get("/br").body, get("/zstd").body, seen.cookies.a, seen.body,
      get("/307").body, get("/302").body, get("/302").headers["X-Type"],
      get("/end", { stream = true }).stream:read(), #get("/gzip", { headers = { ["Accept-Encoding"] = "gzip" } }).body }`;
  expect(await evaluate(code, { args: [url] })).toEqual([
    ...["plain", "plain", "plain", "1", "GET b", "GET b", "GET ", "-", "GET b"],
    gzipSync("plain").length,
  ]);
});

test("it goes over TLS and through a socket file", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "wippy-get-")), "s");
  const server = createServer({ cert: certificate, key }, (socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      text += String(data);
      if (text.endsWith("hi")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  cleanAfterTest(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const code = `
    ${verdict}
    local path, ca = ...
    local options = { body = "hi", unix_socket = path, tls = { ca = ca, server_name = "shop.test" } }
    local res = assert(http_client.get("https://shop.test/", options))
    return { res.status_code, res.body,
      verdict(http_client.get("https://shop.test/", { body = "hi", unix_socket = path })) }`;
  const [status, body, failure] = await evaluate(code, { args: [path, certificate] }) as [
    number,
    string,
    unknown[],
  ];
  expect([status, body]).toEqual([200, "ok"]);
  expect(failure).toEqual(["Internal", true, "DEPTH_ZERO_SELF_SIGNED_CERT", "headers"]);
});

test("its failures are those of any request", async () => {
  const silent = await serveRaw(() => {});
  const closing = await serveRaw((socket) => socket.destroy());
  const half = await serveRaw((socket) => {
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  });
  const damaged = await serveRaw((socket) => {
    socket.end("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello");
  });
  const code = `
    ${verdict}
    local silent, closing, half, damaged = ...
    local function get(url, options)
      options = options or {}
      options.body = "x"
      return verdict(http_client.get(url, options))
    end
    return { get("http://127.0.0.1:1/"), get(silent, { timeout = "50ms" }), get(closing), get(half), get(damaged),
      get("http://shop.test/", { unix_socket = "/none" }) }`;
  expect(
    await evaluate(code, { args: [silent.url, closing.url, half.url, damaged.url] }),
  ).toEqual([
    ["Internal", true, "ECONNREFUSED", "headers"],
    ["Internal", true, "TIMEOUT", "headers"],
    ["Internal", true, "ECONNRESET", "headers"],
    ["Internal", true, "ECONNRESET", "body"],
    ["Internal", true, "ZlibError", "body"],
    ["Internal", true, "ENOENT", "headers"],
  ]);
});
