import { expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { cleanAfterTest } from "../../cleanup.ts";
import { openFiles } from "../../open-files.ts";
import { until } from "../../until.ts";
import { startApplication } from "../application.ts";
import { exchangeRaw, startWeb } from "./web.ts";

/** A folder with these files; a name that ends with a slash is a folder. */
function folder(files: Record<string, string | Uint8Array>): string {
  const root = mkdtempSync(join(tmpdir(), "wippy-static-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(join(path, ".."), { recursive: true });
    if (name.endsWith("/")) mkdirSync(path);
    else writeFileSync(path, content);
  }
  return root;
}

/** A server with an `http.static` entry of these fields. */
function startStatic(root: string, fields: Record<string, unknown> = {}, volume = {}) {
  return startWeb({
    entries: {
      files: { kind: "fs.directory", directory: root, ...volume },
      site: {
        kind: "http.static",
        meta: { server: "web" },
        path: "/static/",
        fs: "files",
        ...fields,
      },
    },
    routes: { "GET /static/dynamic": `res:write("dynamic")` },
  });
}

const html = "text/html; charset=utf-8";

test("files, indexes, listings and redirects", async () => {
  const root = folder({
    "a.txt": "plain",
    "style.css": "body{}",
    "data": "\0",
    "dir/index.html": "<h1>dir</h1>",
    'list/b <&" c.txt': "b",
    "list/sub/x": "x",
    "é.txt": "accent",
  });
  const { url, port } = await startStatic(root, { static_options: { cache: "max-age=60" } });
  const get = async (path: string, method = "GET") => {
    const response = await fetch(url + path, { method, redirect: "manual" });
    expect(response.headers.get("cache-control")).toBe(
      path === "/static" || path.startsWith("/other") ? null : "max-age=60",
    );
    const { status, headers } = response;
    return [status, headers.get("content-type") ?? headers.get("location"), await response.text()];
  };
  expect(await get("/static/a.txt")).toEqual([200, "text/plain; charset=utf-8", "plain"]);
  expect(await get("/static/style.css")).toEqual([200, "text/css; charset=utf-8", "body{}"]);
  expect(await get("/static/data")).toEqual([200, "application/octet-stream", "\0"]);
  expect(await get("/static/%C3%A9.txt")).toEqual([200, "text/plain; charset=utf-8", "accent"]);
  expect(await get("/static/dir/")).toEqual([200, "text/html; charset=utf-8", "<h1>dir</h1>"]);
  expect(await get("/static/dir/index.html?a=1")).toEqual([301, "./?a=1", ""]);
  expect(await get("/static/dir")).toEqual([301, "./dir/", ""]);
  expect(await get("/static/a.txt/")).toEqual([301, "../a.txt", ""]);
  expect(await get("/static")).toEqual([301, expect.any(String), ""]);
  expect(await get("/static/list/")).toEqual([
    200,
    html,
    '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n' +
    '<a href="b%20%3C%26%22%20c.txt">b &lt;&amp;&#34; c.txt</a>\n<a href="sub/">sub/</a>\n</pre>\n',
  ]);
  expect((await get("/static/missing"))[0]).toBe(404);
  expect((await get("/static/a.txt/b"))[0]).toBe(404);
  expect((await get("/static/a%00.txt"))[0]).toBe(404);
  // Every method; what is more specific wins, and where it fits with other methods only, the files do.
  expect((await get("/static/a.txt", "POST"))[2]).toBe("plain");
  expect((await fetch(`${url}/static/dynamic`)).headers.get("cache-control")).toBeNull();
  expect((await get("/static/dynamic", "POST"))[0]).toBe(404);
  const head = await exchangeRaw(
    port,
    "HEAD /static/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  );
  expect(head).toMatch(/^HTTP\/1\.1 200 .*content-length: 5\r\n/is);
  expect(head).toEndWith("\r\n\r\n");
});

test("conditions and parts", async () => {
  const root = folder({ "a.txt": "0123456789" });
  utimesSync(join(root, "a.txt"), 1_600_000_000, 1_600_000_000);
  const { url } = await startStatic(root);
  const get = async (headers: Record<string, string>) => {
    const response = await fetch(`${url}/static/a.txt`, { headers });
    return [response.status, await response.text(), response.headers.get("content-range")];
  };
  const first = await fetch(`${url}/static/a.txt`);
  const etag = first.headers.get("etag")!;
  const date = "Sun, 13 Sep 2020 12:26:40 GMT";
  expect(first.headers.get("last-modified")).toBe(date);
  expect(first.headers.get("accept-ranges")).toBe("bytes");
  const whole = [200, "0123456789", null];
  expect(await get({ "if-none-match": etag })).toEqual([304, "", null]);
  expect(await get({ "if-none-match": `"x", W/${etag}` })).toEqual([304, "", null]);
  expect(await get({ "if-none-match": "*" })).toEqual([304, "", null]);
  // The tag counts, not the date.
  expect(await get({ "if-none-match": '"x"', "if-modified-since": date })).toEqual(whole);
  expect(await get({ "if-modified-since": date })).toEqual([304, "", null]);
  expect(await get({ "if-modified-since": "Sun, 13 Sep 2020 12:26:39 GMT" })).toEqual(whole);
  expect(await get({ "if-modified-since": "nonsense" })).toEqual(whole);
  expect((await get({ "if-match": '"x"' }))[0]).toBe(412);
  expect(await get({ "if-match": etag })).toEqual(whole);
  expect((await get({ "if-unmodified-since": "Sun, 13 Sep 2020 12:26:39 GMT" }))[0]).toBe(412);
  expect(await get({ range: "bytes=2-4" })).toEqual([206, "234", "bytes 2-4/10"]);
  expect(await get({ range: "bytes=-2" })).toEqual([206, "89", "bytes 8-9/10"]);
  expect(await get({ range: "bytes=10-" })).toEqual([416, "invalid range", "bytes */10"]);
  expect(await get({ range: "bytes=2-4", "if-range": etag })).toEqual([206, "234", "bytes 2-4/10"]);
  expect(await get({ range: "bytes=2-4", "if-range": date })).toEqual([206, "234", "bytes 2-4/10"]);
  expect(await get({ range: "bytes=2-4", "if-range": `W/${etag}` })).toEqual(whole);
  expect(await get({ range: "bytes=2-4", "if-range": '"x"' })).toEqual(whole);
  const parts = await fetch(`${url}/static/a.txt`, { headers: { range: "bytes=0-1,8-" } });
  expect(parts.status).toBe(206);
  const [, boundary] = /^multipart\/byteranges; boundary=(\w+)$/
    .exec(parts.headers.get("content-type")!)!;
  const text = await parts.text();
  expect(text).toBe(
    `--${boundary}\r\nContent-Range: bytes 0-1/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01\r\n` +
      `--${boundary}\r\nContent-Range: bytes 8-9/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n89\r\n` +
      `--${boundary}--\r\n`,
  );
  expect(parts.headers.get("content-length")).toBe(String(text.length));
});

test("compressed files beside the plain one, for who accepts them", async () => {
  const text = "<p>hello</p>".repeat(20);
  const root = folder({
    "page.html": text,
    "page.html.gz": gzipSync(text),
    "page.html.br": brotliCompressSync(text),
    "old.html": text,
    "old.html.gz": gzipSync("an older version"),
  });
  utimesSync(join(root, "old.html.gz"), 1_600_000_000, 1_600_000_000);
  const { url, port } = await startStatic(root);
  const coding = async (path: string, accept: string) => {
    const raw = await exchangeRaw(
      port,
      `HEAD /static/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: ${accept}\r\n\r\n`,
    );
    expect(raw).toMatch(/\r\nvary: accept-encoding\r\n/i);
    expect(raw).toMatch(/\r\ncontent-type: text\/html;/i);
    return /\r\ncontent-encoding: (\w+)\r\n/i.exec(raw)?.[1];
  };
  expect(await coding("page.html", "gzip, br")).toBe("br");
  expect(await coding("page.html", "gzip, br;q=0")).toBe("gzip");
  expect(await coding("page.html", "identity")).toBeUndefined();
  expect(await coding("old.html", "gzip")).toBeUndefined();
  const response = await fetch(`${url}/static/page.html`, { headers: { "accept-encoding": "br" } });
  expect(await response.text()).toBe(text);
  const tags = await Promise.all(
    ["br", "gzip", "identity"].map(async (accept) =>
      (await fetch(`${url}/static/page.html`, { headers: { "accept-encoding": accept } }))
        .headers.get("etag")
    ),
  );
  expect(new Set(tags).size).toBe(3);
  // A part is one of the plain file.
  const headers = { "accept-encoding": "br", range: "bytes=3-7" };
  const part = await fetch(`${url}/static/page.html`, { headers });
  expect([part.status, part.headers.get("content-encoding"), await part.text()])
    .toEqual([206, null, "hello"]);
});

test("an application of one page has its index for all that is no file", async () => {
  const root = folder({ "app.html": "<main>", "assets/a.js": "1", "dir/": "" });
  const { url } = await startStatic(root, {
    static_options: { spa: true, index: "app.html", cache: "no-store" },
  });
  const get = async (path: string) => {
    const response = await fetch(url + path, { redirect: "manual" });
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  const index = [200, html, "<main>"];
  expect(await get("/static/assets/a.js")).toEqual([200, "text/javascript; charset=utf-8", "1"]);
  for (const path of ["", "orders/7", "dir/", "dir", "missing.js", "..%2f..%2fetc%2fpasswd"]) {
    expect(await get(`/static/${path}`)).toEqual(index);
  }
  rmSync(join(root, "app.html"));
  expect(await get("/static/orders")).toEqual([
    500,
    "text/plain; charset=utf-8",
    expect.any(String),
  ]);
});

test("no path, no link and no special file leads out of the volume", async () => {
  const outside = folder({ "secret.txt": "secret" });
  const root = folder({ "in/a.txt": "inside", "closed/a.txt": "closed" });
  symlinkSync(join(outside, "secret.txt"), join(root, "link.txt"));
  symlinkSync(outside, join(root, "out"));
  symlinkSync("in/a.txt", join(root, "inner.txt"));
  symlinkSync("/dev/zero", join(root, "zero"));
  const { url, port } = await startStatic(root);
  const raw = async (path: string) =>
    await exchangeRaw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  expect(await (await fetch(`${url}/static/inner.txt`)).text()).toBe("inside");
  const name = outside.slice(outside.lastIndexOf("/") + 1);
  for (
    const path of [
      "link.txt",
      "out/secret.txt",
      "zero",
      `..%2f${name}%2fsecret.txt`,
      `../${name}/secret.txt`,
      `%2e%2e/${name}/secret.txt`,
      `in/..%2f..%2f${name}/secret.txt`,
      `..%5c${name}%5csecret.txt`,
      `%2f${outside}/secret.txt`,
    ]
  ) {
    const response = await raw(`/static/${path}`);
    expect(response).not.toContain("secret\r\n");
    expect(response).toMatch(/^HTTP\/1\.1 (?:404|301|400) /);
    expect(response).not.toEndWith("secret");
  }
});

test("a volume that must not be read is not", async () => {
  const { url } = await startStatic(folder({ "a.txt": "a" }), {}, { mode: "0311" });
  expect((await fetch(`${url}/static/a.txt`)).status).toBe(403);
});

test("a large file is read as the client takes it, and closed when the client goes away", async () => {
  const size = 64 * 1024 * 1024;
  const root = folder({ large: "" });
  truncateSync(join(root, "large"), size);
  const { url, port } = await startStatic(root);
  const whole = await (await fetch(`${url}/static/large`)).arrayBuffer();
  expect(whole.byteLength).toBe(size);
  expect(openFiles(root)).toBe(0);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write("GET /static/large HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => openFiles(root) === 1);
  socket.destroy();
  await until(() => openFiles(root) === 0);
});

test("a client that goes away before the body begins leaves nothing open", async () => {
  const root = folder({ large: "" });
  truncateSync(join(root, "large"), 10_000_000);
  const { port, url } = await startStatic(root);
  for (let i = 0; i < 20; i++) {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET /static/large HTTP/1.1\r\nHost: x\r\n\r\n");
      setImmediate(() => socket.destroy());
    });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("close", resolve));
  }
  expect((await fetch(`${url}/static/none`)).status).toBe(404);
  await until(() => openFiles(root) === 0);
});

test("sendfile: the function names a file of a volume", async () => {
  const root = folder({ "report.csv": "a,b", "dir/": "" });
  const { url } = await startWeb({
    entries: { files: { kind: "fs.directory", directory: root } },
    router: { middleware: ["sendfile"], options: { "sendfile.fs": "app:files" } },
    routes: {
      "GET /send": `res:set_header("X-Sendfile", req:query("f"))
        res:set_header("X-File-Name", 'été "1".csv')`,
      "GET /legacy":
        `res:set_header("X-File-Path", "/report.csv") res:set_header("Content-Type", "text/x-own")`,
      "GET /wrote": `res:set_header("X-Sendfile", "report.csv") res:write("own")`,
      "GET /failed": `res:set_header("X-Sendfile", "report.csv") res:set_status(403)`,
      "GET /other": `res:write("other")`,
    },
  });
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, { headers });
    expect(response.headers.has("x-sendfile")).toBe(false);
    return [response.status, response.headers.get("content-type"), await response.text()];
  };
  const csv = "text/csv; charset=utf-8";
  const sent = await fetch(`${url}/send?f=report.csv`);
  expect(sent.headers.get("content-disposition"))
    .toBe(`attachment; filename="_t_ _1_.csv"; filename*=UTF-8''%C3%A9t%C3%A9%20%221%22.csv`);
  expect(await get("/send?f=report.csv")).toEqual([200, csv, "a,b"]);
  expect(await get("/send?f=report.csv", { range: "bytes=2-" })).toEqual([206, csv, "b"]);
  expect(await get("/legacy")).toEqual([200, "text/x-own", "a,b"]);
  expect((await get("/wrote"))[2]).toBe("own");
  expect((await get("/failed"))[0]).toBe(403);
  expect((await get("/other"))[2]).toBe("other");
  for (
    const [path, status] of [["", 400], [".", 400], ["..", 400], ["none", 404], ["dir", 404], [
      "../../etc/passwd",
      404,
    ]] as const
  ) expect((await get(`/send?f=${encodeURIComponent(path)}`))[0]).toBe(status);
});

test("sendfile without a volume is a fault of the configuration", async () => {
  for (const options of [{}, { "sendfile.fs": "app:none" }]) {
    const { url, application } = await startWeb({
      router: { middleware: ["sendfile"], options },
      routes: { "GET /": `res:set_header("X-Sendfile", "a")` },
    });
    expect((await fetch(url)).status).toBe(500);
    await until(() => application.logs.some(({ message }) => message.startsWith("sendfile: ")));
  }
});

test("compress leaves parts and streams of files alone, and weakens the tag of what it compresses", async () => {
  const root = folder({ "a.txt": "x".repeat(5_000) });
  const { url } = await startStatic(root, { middleware: ["compress"] });
  const headers = { "accept-encoding": "gzip" };
  const whole = await fetch(`${url}/static/a.txt`, { headers });
  expect(whole.headers.get("content-encoding")).toBe("gzip");
  expect(whole.headers.get("etag")).toStartWith('W/"');
  expect(await whole.text()).toBe("x".repeat(5_000));
  const again = { ...headers, "if-none-match": whole.headers.get("etag")! };
  expect((await fetch(`${url}/static/a.txt`, { headers: again })).status).toBe(304);
  const part = await fetch(`${url}/static/a.txt`, {
    headers: { ...headers, range: "bytes=0-3999" },
  });
  expect([part.status, part.headers.get("content-encoding")]).toEqual([206, null]);
});

test.each([
  [{ path: "static" }, "path must start with /"],
  [{ fs: undefined }, "fs is required"],
  [{ fs: "nothing" }, "nothing"],
  [{ static_options: { spa: true } }, "static_options.index is required with spa"],
  [{ options: { spa: true } }, "static_options.index is required with spa"],
  [{ middleware: ["corss"] }, "unknown middleware: corss"],
  [{ meta: {} }, "meta.server is required"],
])("an http.static with %j is refused at load", async (fields, message) => {
  const application = startApplication({
    entries: {
      web: { kind: "http.service", addr: ":0" },
      files: { kind: "fs.directory", directory: "/tmp" },
      site: { kind: "http.static", meta: { server: "web" }, path: "/", fs: "files", ...fields },
    },
  });
  expect(await application.then(() => "it starts", (error) => String(error.message))).toContain(
    message,
  );
});

test("the legacy form of the options", async () => {
  const { url } = await startStatic(folder({ "i.html": "index" }), {
    options: { spa: "true", index: "i.html", cache: "no-cache" },
  });
  const response = await fetch(`${url}/static/any`);
  expect([await response.text(), response.headers.get("cache-control")]).toEqual([
    "index",
    "no-cache",
  ]);
});
