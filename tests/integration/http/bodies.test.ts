import { expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { openFiles } from "../../open-files.ts";
import { until } from "../../until.ts";
import { startWeb } from "./web.ts";

/** Uploads that this process keeps on the disk. */
const spooled = () => openFiles("wippy-upload-");

function temporary(): string {
  const root = mkdtempSync(join(tmpdir(), "wippy-bodies-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

const uploads = {
  "POST /sizes": `
    local form, err = req:parse_multipart(1000)
    if err then res:set_status(422) res:write(err:kind()) return end
    local found = {}
    for name, files in pairs(form.files) do
      for _, file in ipairs(files) do
        local stream, sum, size = file:stream(), 0, 0
        while true do
          local part = stream:read()
          if not part then break end
          size = size + #part
          sum = (sum + part:byte(1) + part:byte(-1)) % 1000003
        end
        stream:seek("set", 5)
        found[#found + 1] = { name, file:name(), file:size(), size, stream:read(3), stream:stat().position }
      end
    end
    table.sort(found, function(a, b) return a[1] < b[1] end)
    print("spooled")
    if req:query("wait") then time.sleep("1h") end
    res:write_json({ form.values, found, rawequal(form, req:parse_multipart()), req:body() })`,
};

test("files beyond a size lie on the disk until the function ends", async () => {
  const { url, application } = await startWeb({ routes: uploads });
  const form = new FormData();
  form.append("v", "value");
  form.append("a", new File(["abcdefghij".repeat(50)], "small"));
  form.append("b", new File(["0123456789".repeat(300_000)], "large"));
  form.append("c", new File(["zyxwvutsrq".repeat(20)], "later"));
  const post = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { method: "POST", body: form, ...init });
  expect(await (await post("/sizes")).json()).toEqual([
    { v: "value" },
    [
      ["a", "small", 500, 500, "fgh", 8],
      ["b", "large", 3_000_000, 3_000_000, "567", 8],
      ["c", "later", 200, 200, "uts", 8],
    ],
    true,
    "",
  ]);
  expect(spooled()).toBe(0);
  const controller = new AbortController();
  const waiting = post("/sizes?wait=1", { signal: controller.signal }).catch(() => "gone");
  await until(() => application.logged("f0").length === 2);
  expect(spooled()).toBe(1);
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("wippy-upload-"))).toEqual([]);
  controller.abort();
  await waiting;
  await until(() => spooled() === 0);
});

test("a form that breaks off, is too large or takes too long leaves nothing", async () => {
  const { port, application, url } = await startWeb({
    server: { timeouts: { read: "200ms" } },
    routes: {
      "POST /": `
        local form, err = http.request({ max_body = 2000000 }):parse_multipart(0)
        print(err and err:kind())
        res:write(err and err:kind() or "parsed")`,
    },
  });
  const head = "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 1500000\r\n\r\n";
  const start = `POST / HTTP/1.1\r\nHost: x\r\n${head}--B\r\n` +
    'Content-Disposition: form-data; name="f"; filename="x"\r\n\r\n' + "x".repeat(100_000);
  const socket = connect(port, "127.0.0.1", () => socket.write(start));
  await until(() => application.logged("f0").length === 1);
  expect(application.logged("f0")).toEqual(["Internal"]);
  socket.destroy();
  const form = new FormData();
  form.append("f", new File(["x".repeat(2_000_000)], "x"));
  expect(await (await fetch(url, { method: "POST", body: form })).text()).toBe("Invalid");
  // Without a length, too.
  const chunks = new ReadableStream({
    start(controller) {
      controller.enqueue(
        Buffer.from('--B\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'),
      );
      for (let i = 0; i < 30; i++) controller.enqueue(Buffer.alloc(100_000, "x"));
      controller.enqueue(Buffer.from("\r\n--B--"));
      controller.close();
    },
  });
  const headers = { "content-type": "multipart/form-data; boundary=B" };
  expect(await (await fetch(url, { method: "POST", body: chunks, headers })).text()).toBe(
    "Invalid",
  );
  await until(() => spooled() === 0);
});

/** Sends a body for as long as the server takes it. Returns how many bytes it has sent. */
function pour(socket: Socket, most: number): { sent: number } {
  const progress = { sent: 0 };
  const data = Buffer.alloc(64 * 1024, "x");
  const pump = () => {
    while (progress.sent < most) {
      const part = data.subarray(0, Math.min(data.length, most - progress.sent));
      progress.sent += part.length;
      if (!socket.write(part)) {
        socket.once("drain", pump);
        return;
      }
    }
  };
  pump();
  return progress;
}

/** Bytes that the system's sockets and the runtime may have between a client and a function. */
const mostBetween = 16 * 1024 * 1024;

test("an upload is never further ahead of its function than the sockets are", async () => {
  const size = 200 * 1024 * 1024;
  const { port, application } = await startWeb({
    routes: {
      "POST /": `
        local stream, got = req:stream(), 0
        print("0")
        while true do
          local part, err = stream:read()
          if not part then break end
          got = got + #part
          if got >= 50000000 and got - #part < 50000000 then
            print(tostring(got))
            time.sleep("300ms")
            print(tostring(got))
          end
        end
        res:write(tostring(got))`,
    },
  });
  let response = "";
  const socket = connect(port, "127.0.0.1");
  cleanAfterTest(() => void socket.destroy());
  socket.on("error", () => {});
  socket.on("data", (data) => {
    response += data;
  });
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
  const progress = pour(socket, size);
  await until(() => application.logged("f0").length === 3);
  // The function stood still meanwhile: whatever was going to be taken was.
  expect(progress.sent).toBeLessThan(Number(application.logged("f0")[2]) + mostBetween);
  await until(() => response.endsWith(String(size)));
});

/** The form of the test below for `WIPPY_LONG_BODIES=1`: 2 GB instead of 100 MB. */
const long = process.env["WIPPY_LONG_BODIES"] === "1";
const passing = long ? 2 * 1024 ** 3 : 100 * 1024 * 1024;

test("an upload into fs and a download from fs pass through little memory", async () => {
  const root = temporary();
  const { url } = await startWeb({
    entries: { files: { kind: "fs.directory", directory: root } },
    routes: {
      "PUT /{name}": {
        modules: ["http", "fs"],
        source: `
local http, fs = require("http"), require("fs")
local function main()
  local req, res = http.request(), http.response()
  local file = assert(fs.get("app:files"):open("/" .. req:param("name"), "w"))
  local stream = req:stream()
  while true do
    local part, err = stream:read(65536)
    if err then return nil, err end
    if not part then break end
    file:write(part)
  end
  file:close()
  res:set_status(201)
end
return { main = main }`,
      },
      "GET /{name}": {
        modules: ["http", "fs"],
        source: `
local http, fs = require("http"), require("fs")
local function main()
  local req, res = http.request(), http.response()
  local file = assert(fs.get("app:files"):open("/" .. req:param("name"), "r"))
  while true do
    local part, err = file:read(65536)
    if err then return nil, err end
    if not part or part == "" then break end
    local failed = res:write(part)
    if failed then return nil, failed end
  end
  file:close()
end
return { main = main }`,
      },
    },
  }, { memoryLimit: 64 * 1024 * 1024 });
  const source = join(root, "source");
  writeFileSync(source, "");
  truncateSync(source, passing);
  const put = await fetch(`${url}/copy`, { method: "PUT", body: Bun.file(source) });
  expect(put.status).toBe(201);
  expect(statSync(join(root, "copy")).size).toBe(passing);
  let got = 0;
  for await (const part of (await fetch(`${url}/copy`)).body!) got += (part as Uint8Array).length;
  expect(got).toBe(passing);
  expect(existsSync(source)).toBe(true);
}, long ? 600_000 : 30_000);
