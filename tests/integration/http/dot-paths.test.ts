import { expect, test } from "bun:test";
import { connect as connectHttp2 } from "node:http2";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dotRoutes, hasDotSegments } from "../../../src/services/http/dot-paths.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { certificate, key } from "../../unit/modules/http_client/certificate.ts";
import { exchangeRaw, startWeb } from "./web.ts";

const routes = { "GET /a/{name}": `res:write(req:param("name"))`, "POST /b": `res:write("b")` };

/** Status line and location of the response to a request. */
async function headOf(port: number, method: string, path: string): Promise<string[]> {
  const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n`;
  const raw = await exchangeRaw(port, `${head}Connection: close\r\n\r\n`);
  return [raw.slice(9, 12), /\r\nlocation: (.*)\r\n/i.exec(raw)?.[1] ?? ""];
}

test("a path with the segments . and .. redirects to the path without", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wippy-dots-"));
  writeFileSync(join(folder, "a.txt"), "a");
  const { port } = await startWeb({
    routes,
    entries: {
      files: { kind: "fs.directory", directory: folder },
      site: { kind: "http.static", meta: { server: "web" }, path: "/static", fs: "files" },
    },
  });
  const cases: [string, string, string, string][] = [
    ["GET", "/a/../b", "301", "/b"],
    ["GET", "/a/./x", "301", "/a/x"],
    ["GET", "/a/x/..", "301", "/a/"],
    ["GET", "/a/b/c/d/e/../f?q=1&r=/../", "301", "/a/b/c/d/f?q=1&r=/../"],
    ["GET", "/../../none", "301", "/none"],
    ["GET", "/a//x/../y", "301", "/a/y"],
    ["HEAD", "/a/%2E%2E/a/x", "301", "/a/x"],
    ["GET", "/a/%2E/x", "301", "/a/x"],
    ["GET", "http://x/a/../a/x", "301", "/a/x"],
    ["POST", "/a/../b", "308", "/b"],
    ["GET", "/static/x/../a.txt", "301", "/static/a.txt"],
    ["GET", "/a/...", "200", ""],
    ["GET", "/a/x..", "200", ""],
    ["GET", "/a/..%2fx", "200", ""],
    ["GET", "/a/x?q=/../", "200", ""],
    ["GET", "/static/a.txt", "200", ""],
  ];
  for (const [method, path, status, location] of cases) {
    expect([path, ...(await headOf(port, method, path))]).toEqual([path, status, location]);
  }
});

test("so does HTTP/2", async () => {
  const { url } = await startWeb({
    server: { tls: { mode: "manual", cert: certificate, key } },
    routes,
  });
  const session = connectHttp2(url, { ca: certificate, servername: "shop.test" });
  cleanAfterTest(() => session.destroy());
  const ask = (path: string) =>
    new Promise((resolve) => {
      session.request({ ":path": path }).on("response", (headers) => {
        resolve([headers[":status"], headers["location"]]);
      });
    });
  expect(await ask("/a/../a/x")).toEqual([301, "/a/x"]);
  expect(await ask("/a/x")).toEqual([200, undefined]);
});

test("dots in a URL as it was written", () => {
  for (const path of ["/..", "/.", "/a/%2e", "/a/../b", "/%2E./", "/a/..?x", "/a/.#x"]) {
    expect([path, hasDotSegments(`http://h${path}`)]).toEqual([path, true]);
  }
  for (const path of ["", "/", "/...", "/.a", "/a?/../", "/a#/../", "/..%2f", "/a..b"]) {
    expect([path, hasDotSegments(`http://h${path}`)]).toEqual([path, false]);
  }
  expect(Object.keys(dotRoutes(() => {}))).toContain("/:p0/:p1/%2e%2e/*");
});
