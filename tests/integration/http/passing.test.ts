/** Files of any size pass between a network and a disk through a runtime with 64 MiB of Lua memory. */
import { expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";

const mebibyte = 1024 ** 2;
/** `WIPPY_LONG_BODIES=1`: 2 GB instead of 256 MB. */
const long = process.env["WIPPY_LONG_BODIES"] === "1";
const passing = long ? 2048 * mebibyte : 256 * mebibyte;
/** What each way needs once, whatever the size. */
const warming = 24 * mebibyte;
/** What the runtime may keep of all that has passed, and have meanwhile, as parts that were not yet collected. */
const [kept, uncollected] = [64 * mebibyte, 128 * mebibyte];

const entries = `version: "1.0"
namespace: app
entries:
  - { name: web, kind: http.service, addr: "127.0.0.1:0", timeouts: { write: 1h, read: 1h }, lifecycle: { auto_start: true } }
  - { name: api, kind: http.router, meta: { server: web } }
  - { name: files, kind: fs.directory, directory: ./files, auto_init: true }
  - { name: download, kind: function.lua, source: file://ways.lua, method: download, modules: [http, http_client, fs] }
  - { name: upload, kind: function.lua, source: file://ways.lua, method: upload, modules: [http, http_client, fs] }
  - { name: serve, kind: function.lua, source: file://ways.lua, method: serve, modules: [http, http_client, fs] }
  - { name: download.get, kind: http.endpoint, meta: { router: api }, method: GET, path: /download, func: download }
  - { name: upload.get, kind: http.endpoint, meta: { router: api }, method: GET, path: /upload, func: upload }
  - { name: serve.get, kind: http.endpoint, meta: { router: api }, method: GET, path: "/files/{name}", func: serve }
`;

const ways = `
local http, http_client, fs = require("http"), require("http_client"), require("fs")

-- From a server into a file.
local function download()
  local req, res = http.request(), http.response()
  local answer = assert(http_client.get(req:query("from"), { stream = true, max_response_body = 4 << 30 }))
  local file = assert(fs.get("app:files"):open("/copy", "w"))
  while true do
    local part, err = answer.stream:read(65536)
    assert(not err, err)
    if not part then break end
    assert(file:write(part))
  end
  file:close()
  res:write("done")
end

-- From a file to a server.
local function upload()
  local req, res = http.request(), http.response()
  local file = assert(fs.get("app:files"):open("/source", "r"))
  local answer = assert(http_client.post(req:query("to"), { body = file, timeout = "1h" }))
  res:write(answer.body)
end

-- From a file to a client of the application's own server.
local function serve()
  local req, res = http.request(), http.response()
  local file = assert(fs.get("app:files"):open("/" .. req:param("name"), "r"))
  while true do
    local part = assert(file:read(65536))
    if part == "" then break end
    assert(not res:write(part))
  end
  file:close()
end

return { download = download, upload = upload, serve = serve }
`;

/** The application in a program of its own, so that its memory can be told. */
async function startRuntime() {
  const directory = mkdtempSync(join(tmpdir(), "wippy-passing-"));
  mkdirSync(join(directory, "src"));
  mkdirSync(join(directory, "files"));
  writeFileSync(join(directory, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(join(directory, "src/_index.yaml"), entries);
  writeFileSync(join(directory, "src/ways.lua"), ways);
  const runtime = Bun.spawn(
    [
      process.execPath,
      join(root, "src/main.ts"),
      "serve",
      "--port",
      "0",
      "--workers",
      "1",
      "--memory-limit",
      "64M",
    ],
    { cwd: directory, stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  cleanAfterTest(async () => {
    runtime.kill("SIGKILL");
    await runtime.exited;
    rmSync(directory, { recursive: true, force: true });
  });
  let logs = "";
  void runtime.stderr.pipeTo(
    new WritableStream({ write: (chunk) => void (logs += Buffer.from(chunk).toString()) }),
  );
  const url = await until(() =>
    /listening on (http:\S+).*app:web|app:web.*listening on (http:\S+)/.exec(logs)
  );
  return {
    url: url[1] ?? url[2]!,
    file: (name: string) => join(directory, "files", name),
    /** Bytes: resident now, and at most since `forget`. */
    memory: () => {
      const status = readFileSync(`/proc/${runtime.pid}/status`, "utf8");
      const kilobytes = (name: string) =>
        Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]);
      return { now: kilobytes("VmRSS") * 1024, most: kilobytes("VmHWM") * 1024 };
    },
    forget: () => writeFileSync(`/proc/${runtime.pid}/clear_refs`, "5"),
  };
}

/** A server that sends as many bytes as it is asked for, and counts those that it gets. */
function startPeer() {
  const part = new Uint8Array(65_536).fill(97);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method === "POST") {
        let got = 0;
        for await (const chunk of request.body!) got += (chunk as Uint8Array).length;
        return new Response(String(got));
      }
      let left = Number(new URL(request.url).searchParams.get("bytes"));
      return new Response(
        new ReadableStream({
          pull(controller) {
            if (left <= 0) return controller.close();
            controller.enqueue(part.slice(0, Math.min(left, part.length)));
            left -= part.length;
          },
        }),
      );
    },
  });
  cleanAfterTest(() => server.stop(true));
  return server.url.href;
}

test("downloads into fs and uploads from fs need memory for their parts alone", async () => {
  const { url, file, memory, forget } = await startRuntime();
  const peer = startPeer();
  const ask = async (path: string) => await (await fetch(`${url}${path}`)).text();
  const pass = async (bytes: number) => {
    writeFileSync(file("source"), "");
    truncateSync(file("source"), bytes);
    const from = encodeURIComponent(`${peer}?bytes=${bytes}`);
    expect(await ask(`/download?from=${from}`)).toBe("done");
    expect(statSync(file("copy")).size).toBe(bytes);
    expect(await ask(`/upload?to=${encodeURIComponent(peer)}`)).toBe(String(bytes));
    let served = 0;
    const { body } = await fetch(`${url}/files/source`);
    for await (const chunk of body!) served += (chunk as Uint8Array).length;
    expect(served).toBe(bytes);
  };
  await pass(warming);
  await pass(warming);
  const before = memory().now;
  forget();
  await pass(passing);
  const { now, most } = memory();
  expect(now - before).toBeLessThan(kept);
  expect(most - before).toBeLessThan(uncollected);
}, long ? 1_800_000 : 60_000);
