import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../../cleanup.ts";
import { evaluate } from "../lua-unit.ts";
import { mirror, serve, serveRaw, verdict } from "./servers.ts";

interface Mirrored {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** Runs a request and decodes what the mirror says. */
async function mirrored(call: string): Promise<Mirrored> {
  const code = `local base = ... local res = assert(${call}) return res.body`;
  return JSON.parse(String(await evaluate(code, { args: [serve(mirror)] })));
}

describe("requests", () => {
  test.each(["get", "put", "post", "delete", "head", "patch"])(
    "%s has its method",
    async (name) => {
      const url = serve((request) =>
        new Response(null, { headers: { "X-Method": request.method } })
      );
      const code = `return assert(http_client.${name}(...)).headers["X-Method"]`;
      expect(await evaluate(code, { args: [url] })).toBe(name.toUpperCase());
    },
  );

  test("a response has status, url, headers, cookies and body", async () => {
    const url = serve(() => {
      const headers = new Headers({ "x-api-key": "k", "Content-Type": "text/plain" });
      headers.append("Set-Cookie", "a=1; Path=/");
      headers.append("Set-Cookie", "b=2=3");
      return new Response("hello", { status: 201, headers });
    });
    const code = `
      local res = assert(http_client.get(... .. "/x?y=1"))
      return { res.status_code, res.url == ... .. "/x?y=1", res.body, res.body_size,
        res.headers["X-Api-Key"], res.headers["Content-Type"], res.cookies.a, res.cookies.b, res.stream == nil }`;
    expect(await evaluate(code, { args: [url] }))
      .toEqual([201, true, "hello", 5, "k", "text/plain", "1", "2=3", true]);
  });

  test("an empty body is nil, and bytes are bytes", async () => {
    const url = serve((_, { pathname }) =>
      pathname === "/empty"
        ? new Response(null, { status: 204 })
        : new Response(new Uint8Array([0, 255, 128]))
    );
    const code = `
      local empty, bytes = http_client.get(... .. "/empty"), http_client.get(...)
      return { empty.body == nil, empty.body_size, bytes.body == "\\0\\255\\128", bytes.body_size }`;
    expect(await evaluate(code, { args: [url] })).toEqual([true, 0, true, 3]);
  });

  test("headers, query, cookies and basic auth are sent; only strings are kept", async () => {
    const seen = await mirrored(`http_client.get(base .. "/p?z=1", {
      headers = { ["X-Bytes"] = "\\195\\169", ["X-Number"] = 5 },
      query = { a = "b c&d", ["é"] = "~" }, cookies = { s = "1", t = "2" },
      auth = { user = "ada", pass = "p:w" } })`);
    expect(seen.path).toBe("/p?z=1&a=b+c%26d&%C3%A9=~");
    const headers = seen.headers;
    expect(headers["x-bytes"]).toBe("\xc3\xa9");
    expect(headers["x-number"]).toBeUndefined();
    expect(headers["cookie"]).toBe("s=1; t=2");
    expect(headers["authorization"]).toBe(`Basic ${btoa("ada:p:w")}`);
  });

  test("a form goes before a body, and files go before both", async () => {
    const form = await mirrored(
      `http_client.post(base, { form = { b = "2 3", a = "1" }, body = "x" })`,
    );
    expect(form.body).toBe("a=1&b=2+3");
    const files = await mirrored(`http_client.post(base, { body = "x", form = { a = "1" },
      files = { { name = 'a"\\r\\nb', filename = "f.txt", content = "\\0\\255" } } })`);
    const boundary = files.headers["content-type"]!.split(
      "boundary=",
    )[1]!;
    expect(files.body).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="a%22%0D%0Ab"; filename="f.txt"\r\n` +
        `Content-Type: application/octet-stream\r\n\r\n\0\xff\r\n--${boundary}--\r\n`,
    );
  });

  test("encode_uri and decode_uri", async () => {
    const code = `
      local text = "a b/é&~-_.\\0"
      local encoded = http_client.encode_uri(text)
      local bad, err = http_client.decode_uri("50%")
      return { encoded, http_client.decode_uri(encoded) == text, bad == nil, err:kind(),
        select("#", http_client.encode_uri("x")), select("#", http_client.decode_uri("x")) }`;
    expect(await evaluate(code))
      .toEqual(["a+b%2F%C3%A9%26~-_.%00", true, true, "Invalid", 1, 1]);
  });

  test("a Unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "wippy-unix-"));
    cleanAfterTest(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "s");
    const server = Bun.serve({
      unix: path,
      fetch: (request) => new Response(new URL(request.url).pathname),
    });
    cleanAfterTest(() => server.stop(true));
    const code = `return assert(http_client.get("http://local/over", { unix_socket = ... })).body`;
    expect(await evaluate(code, { args: [path] })).toBe("/over");
  });
});

describe("bad requests are Invalid, and nothing is sent", () => {
  test.each([
    ["get('nonsense')", "is no URL"],
    ["get('ftp://h/')", "ftp:// is not supported; use http:// or https://"],
    ["get('http://')", "is no URL"],
    ["request('GE T', base)", "is no HTTP method"],
    ["request('CONNECT', base)", "CONNECT"],
    ["get(base, { headers = { ['X'] = 'a\\r\\nInjected: yes' } })", "line break"],
    ["get(base, { headers = { ['X'] = 'a\\0' } })", "NUL byte"],
    ["get(base, { headers = { ['X: y\\r\\nZ'] = 'a' } })", "is no name of a header"],
    ["post(base, { headers = { ['Transfer-Encoding'] = 'chunked' }, body = 'x' })", "leave it out"],
    ["post(base, { headers = { ['content-length'] = '3' }, body = 'abcdef' })", "leave it out"],
    ["get(base, { cookies = { a = '1; b=2' } })", "cookie cannot hold"],
    ["get(base, { cookies = { a = '1' }, headers = { Cookie = 'b=2' } })", "give one of them"],
    ["get(base, { timeout = -1 })", "not above 0"],
    ["get(base, { timeout = '7d' })", "bad duration"],
    ["get(base, { timeout = true })", "timeout is a number of seconds or a duration"],
    ["get(base, { max_response_body = -1 })", "max_response_body"],
    ["get(base, { auth = { user = 'a' } })", "auth.pass"],
    ["get(base, { tls = { cert = 'x' } })", "give both"],
    ["get(base, { tls = { cert = 'x', key = 'y' } })", "cert is not a certificate in PEM form"],
    ["get(base, { tls = { ca = 'x' } })", "ca is not a certificate in PEM form"],
    ["get(base, { overlay_network = 'app:net' })", "network app:net: there is no such entry"],
    ["get(base, { overlay_network = 5 })", "the id of a network entry"],
    ["get(base, { overlay_network = 'app:net', unix_socket = '/s' })", "exclude each other"],
    ["post(base, { body = 5 })", "body is a string, a File or a Stream"],
    ["post(base, { files = {} })", "files is a list"],
    ["post(base, { files = { { name = 'a' } } })", "give content"],
    ["post(base, { files = { { content = 'a' } } })", "name is required"],
    ["request_batch({ { 'GET', base, { stream = true } } })", "stream is not available in a batch"],
    ["request_batch({ { 'GET' } })", "request 1 of the batch"],
  ])("%s", async (call, message) => {
    let requests = 0;
    const url = serve(() => {
      requests += 1;
      return new Response();
    });
    const code = `local base = ... local res, err = http_client.${call}
      return { res == nil, err:kind(), err:retryable(), err:message() }`;
    const [none, kind, retryable, text] = await evaluate(code, { args: [url] }) as [
      boolean,
      string,
      boolean,
      string,
    ];
    expect([none, kind, retryable]).toEqual([true, "Invalid", false]);
    expect(text).toContain(message);
    expect(requests).toBe(0);
  });

  test.each([
    "get()",
    "request('GET')",
    "get('http://x', 5)",
    "request_batch({})",
    "request_batch()",
  ])(
    "%s raises",
    async (call) => {
      expect(await evaluate(`return (pcall(function() return http_client.${call} end))`)).toBe(
        false,
      );
    },
  );
});

describe("failures are Errors: Internal, retryable, with code and phase", () => {
  const half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc";

  test.each([
    ["closed at once", "", "ECONNRESET", "headers"],
    ["no HTTP", "hello world\r\n\r\n", "ECONNRESET", "headers"],
    ["half of the headers", "HTTP/1.1 200 OK\r\nContent-Le", "ECONNRESET", "headers"],
    ["half of the body", half, "ECONNRESET", "body"],
    [
      "half of a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
      "ECONNRESET",
      "body",
    ],
    [
      "a body that is not what its encoding says",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      "ZlibError",
      "body",
    ],
    [
      "endless headers",
      `HTTP/1.1 200 OK\r\n${`X: ${"a".repeat(1000)}\r\n`.repeat(2000)}\r\n`,
      "Malformed_HTTP_Response",
      "headers",
    ],
  ])("%s", async (_, bytes, code, phase) => {
    const { url } = await serveRaw((socket) => socket.end(bytes));
    expect(await evaluate(`${verdict} return verdict(http_client.get(...))`, { args: [url] }))
      .toEqual(["Internal", true, code, phase]);
  });

  test("a refused connection, an unknown host, a missing socket", async () => {
    const code = `${verdict} return {
      verdict(http_client.get("http://127.0.0.1:1/")), verdict(http_client.get("http://nowhere.invalid/")),
      verdict(http_client.get("http://x/", { unix_socket = "/nowhere/s" })) }`;
    expect(await evaluate(code)).toEqual([
      ["Internal", true, "ECONNREFUSED", "headers"],
      ["Internal", true, "ENOTFOUND", "headers"],
      ["Internal", true, "ENOENT", "headers"],
    ]);
  });

  test("the message names method, host and path, but not the query", async () => {
    const code = `return select(2, http_client.get("http://127.0.0.1:1/a?token=secret")):message()`;
    expect(await evaluate(code))
      .toBe("GET http://127.0.0.1:1/a: the connection was refused (ECONNREFUSED)");
  });

  test("a timeout of more days than a timer takes is none that passes at once", async () => {
    const server = await serveRaw((socket) =>
      // Sleeps because a timeout that passes at once must come before the answer.
      setTimeout(() => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), 50)
    );
    const code = `return http_client.get(..., { timeout = "1000h" }).body`;
    expect(await evaluate(code, { args: [server.url] })).toBe("ok");
  });

  test("a server that never answers, and one that stops in the middle", async () => {
    const silent = await serveRaw(() => {});
    const slow = await serveRaw((socket) => socket.write(half));
    const code = `${verdict} local a, b = ...
      return { verdict(http_client.get(a, { timeout = "50ms" })), verdict(http_client.get(b, { timeout = "50ms" })) }`;
    expect(await evaluate(code, { args: [silent.url, slow.url] })).toEqual([
      ["Internal", true, "TIMEOUT", "headers"],
      ["Internal", true, "TIMEOUT", "body"],
    ]);
    await Promise.all([silent.closed, slow.closed]);
  });

  test("a body above max_response_body, announced or not, or after decompression", async () => {
    const url = serve((_, { pathname }) => {
      if (pathname === "/announced") return new Response(new Uint8Array(1001));
      if (pathname === "/bomb") {
        return new Response(gzipSync(Buffer.alloc(50 * 1024 * 1024)), {
          headers: { "Content-Encoding": "gzip" },
        });
      }
      return new Response(
        new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(400)) }),
      );
    });
    const code = `${verdict} local base, result = ..., {}
      for i, path in ipairs({ "/announced", "/endless", "/bomb" }) do
        result[i] = verdict(http_client.get(base .. path, { max_response_body = 1000 }))
      end
      return result`;
    const tooLarge = ["Internal", true, "BODY_TOO_LARGE", "body"];
    expect(await evaluate(code, { args: [url] })).toEqual([tooLarge, tooLarge, tooLarge]);
  });
});

describe("redirects", () => {
  const hops = (request: Request, url: URL) => {
    const [, status, ...rest] = url.pathname.split("/");
    if (status === "end") return mirror(request, url);
    if (status === "loop") return Response.redirect("/loop", 302);
    return new Response(null, {
      status: Number(status),
      headers: { Location: `/${rest.join("/")}` },
    });
  };

  test.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [302, "PUT", "PUT", "body"],
    [307, "POST", "POST", "body"],
    [308, "PATCH", "PATCH", "body"],
  ])("%d turns %s into %s", async (status, method, then, body) => {
    const code = `
      local base, method = ...
      local res = assert(http_client.request(method, base .. "/${status}/end/x", { body = "body" }))
      local seen = json.decode(res.body)
      return { seen.method, seen.body, res.url == base .. "/end/x" }`;
    expect(await evaluate(code, { args: [serve(hops), method] })).toEqual([then, body, true]);
  });

  test("at most ten", async () => {
    const code = `${verdict} local base = ...
      local ten = http_client.get(base .. ("/302"):rep(10) .. "/end")
      return { ten.status_code, verdict(http_client.get(base .. "/loop")) }`;
    expect(await evaluate(code, { args: [serve(hops)] }))
      .toEqual([200, ["Internal", true, "TOO_MANY_REDIRECTS", "headers"]]);
  });

  test("to another origin go neither credentials nor cookies", async () => {
    const other = serve(mirror);
    const url = serve((_, { pathname }) =>
      Response.redirect(pathname === "/away" ? `${other}/` : "/away", 302)
    );
    const code = `
      local res = assert(http_client.get(..., { auth = { user = "a", pass = "b" }, cookies = { s = "1" },
        headers = { ["X-Other"] = "kept" } }))
      local headers = json.decode(res.body).headers
      return { headers.authorization == nil, headers.cookie == nil, headers["x-other"], headers.host }`;
    expect(await evaluate(code, { args: [url] })).toEqual([
      true,
      true,
      "kept",
      new URL(other).host,
    ]);
  });

  test("to what is not HTTP is Invalid", async () => {
    const { url } = await serveRaw((socket) =>
      socket.end("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
    );
    expect(await evaluate("return select(2, http_client.get(...)):kind()", { args: [url] })).toBe(
      "Invalid",
    );
  });
});

describe("request_batch", () => {
  test("runs at the same time and keeps the order", async () => {
    let waiting: (() => void)[] = [];
    const url = serve(async (_, { pathname }) => {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        // Nobody goes on before all are there.
        if (waiting.length === 3) { for (const go of waiting) go(); }
      });
      return new Response(pathname);
    });
    waiting = [];
    const code = `
      local base = ...
      local found, failed = http_client.request_batch({ { "GET", base .. "/1" }, { "POST", base .. "/2", { body = "x" } },
        { "GET", base .. "/3" } })
      return { found[1].body, found[2].body, found[3].body, failed == nil }`;
    expect(await evaluate(code, { args: [url] })).toEqual(["/1", "/2", "/3", true]);
  });

  test("those that fail leave holes; one that is malformed ends all", async () => {
    let requests = 0;
    const url = serve(() => {
      requests += 1;
      return new Response("x");
    });
    const code = `
      local base = ...
      local found, failed = http_client.request_batch({ { "GET", "http://127.0.0.1:1/" }, { "GET", base } })
      local none, err = http_client.request_batch({ { "GET", base }, { "GET", "nonsense" } })
      return { found[1] == nil, found[2].body, failed[1]:kind(), failed[2] == nil, none == nil, err:kind() }`;
    expect(await evaluate(code, { args: [url] })).toEqual([
      true,
      "x",
      "Internal",
      true,
      true,
      "Invalid",
    ]);
    expect(requests).toBe(1);
  });
});
