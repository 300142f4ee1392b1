import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { cleanAfterTest } from "../../cleanup.ts";
import { serve } from "../../unit/modules/http_client/servers.ts";
import { serveSockets } from "../../unit/modules/websocket/servers.ts";
import { serveProxy } from "../../unit/network/proxies.ts";
import { until } from "../../until.ts";
import { type Code, startApplication } from "../application.ts";
import { startWeb } from "./web.ts";
import { startDurable } from "../workflow-runs/durable-application.ts";

const docs = join(import.meta.dir, "../../../docs");

function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(docs, page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map((match) =>
    match[1]!
  );
}

/** The Lua block of a page that begins with this file's name. */
function file(page: string, name: string): string {
  const found = blocks(page, "lua").find((block) => block.startsWith(`-- ${name}\n`));
  if (found === undefined) throw new Error(`${page} has no ${name}`);
  return found;
}

test("the server of the guide answers as the page says", async () => {
  const page = "guide/serve-http.md";
  const list = parse(blocks(page, "yaml")[0]!.replace(":8080", "127.0.0.1:0")) as Record<
    string,
    unknown
  >[];
  const entries: Record<string, Record<string, unknown>> = {};
  const functions: Record<string, Code> = {};
  for (const { name, source, ...fields } of list) {
    if (fields["kind"] !== "function.lua") entries[String(name)] = fields;
    else {functions[String(name)] = {
        ...fields,
        source: file(page, String(source).replace("file://", "")),
      };}
  }
  const application = await startApplication({ entries, functions });
  const { message } = await until(() =>
    application.logs.find(({ message }) => message.startsWith("listening on "))
  );
  const url = message.slice("listening on ".length);
  const response = await fetch(`${url}/api/orders/7?note=blue`, {
    headers: { origin: "https://shop.example" },
  });
  expect(`${await response.text()}\n`).toBe(blocks(page, "text")[0]!);
  expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  expect((await fetch(`${url}/api/orders/x`)).status).toBe(400);
});

test("the file of the guide is sent", async () => {
  const root = mkdtempSync(join(tmpdir(), "wippy-guide-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "reports"));
  writeFileSync(join(root, "reports/2026.csv"), "a,b\n");
  writeFileSync(join(root, "index.html"), "<h1>Shop</h1>");
  const list = parse(blocks("guide/serve-http.md", "yaml")[1]!) as Record<string, unknown>[];
  const entries = Object.fromEntries(list.map(({ name, ...fields }) => [String(name), fields]));
  const { url } = await startWeb({
    entries: { ...entries, assets: { kind: "fs.directory", directory: root } },
    router: { middleware: ["sendfile"], options: { "sendfile.fs": "app:assets" } },
    routes: {
      "GET /export": { modules: ["http"], source: file("guide/serve-http.md", "export.lua") },
    },
  });
  const sent = await fetch(`${url}/export`);
  expect([await sent.text(), sent.headers.get("content-disposition")])
    .toEqual(["a,b\n", 'attachment; filename="report.csv"']);
  const page = await fetch(`${url}/orders/7`);
  expect([await page.text(), page.headers.get("cache-control")])
    .toEqual(["<h1>Shop</h1>", "max-age=3600"]);
});

test("the room of the guide echoes", async () => {
  const page = "guide/serve-http.md";
  const list = parse(blocks(page, "yaml").find((block) => block.includes("name: room"))!) as Record<
    string,
    unknown
  >[];
  const entries: Record<string, Record<string, unknown>> = {};
  for (const { name, ...fields } of list) {
    if (!String(fields["kind"]).endsWith(".lua")) entries[String(name)] = fields;
  }
  const { url } = await startWeb({
    entries,
    functions: {
      join_chat: { modules: ["http", "json"], source: file(page, "join_chat.lua") },
    },
    processes: { room: { modules: [], source: file(page, "room.lua") } },
  });
  const socket = new WebSocket(`${url.replace("http", "ws")}/live/chat`);
  const received: string[] = [];
  socket.onopen = () => socket.send("good day");
  socket.onmessage = ({ data }) => received.push(String(data));
  await until(() => received.length === 2);
  expect(received).toEqual([
    '{"data":"hello ann","topic":"welcome"}',
    '{"data":"good day","topic":"echo"}',
  ]);
  socket.close();
});

test("the example of the module says that there is no request", async () => {
  const source = blocks("reference/modules/http.md", "lua")[0]!;
  const application = await startApplication({
    functions: { main: { source, modules: ["http"] } },
  });
  expect(`${String(await application.call("main"))}\n`).toBe(
    blocks("reference/modules/http.md", "text")[0]!,
  );
});

test("the workflow of the guide pays once, though the API fails at first", async () => {
  const page = "guide/call-an-api.md";
  const seen: (string | null)[] = [];
  const url = serve((request) => {
    seen.push(request.headers.get("idempotency-key"));
    if (seen.length < 3) return new Response("busy", { status: 503 });
    return Response.json({ receipt: "r-1" }, { status: 201 });
  });
  const local = (name: string) => file(page, name).replaceAll("https://pay.example", url);
  const application = await startDurable({
    workflows: { pay: { source: local("pay.lua") } },
    functions: {
      charge: { source: local("charge.lua") },
      start: 'return workflow.exec("app:pay", { id = "o-1", amount = 3 })',
    },
  });
  expect(await application.call("start")).toBe("r-1");
  expect(seen).toEqual(["o-1", "o-1", "o-1"]);
});

test("the other functions of the guide on APIs work", async () => {
  const page = "guide/call-an-api.md";
  let archived = "";
  const url = serve(async (request, { pathname }) => {
    if (pathname === "/archive") archived = await request.text();
    return new Response(
      pathname === "/export" ? "a,b\n1,2\n" : `price of ${decodeURIComponent(pathname)}`,
    );
  });
  const code = (name: string, modules: string[]): Code => ({
    modules,
    source: file(page, name).replaceAll("https://pay.example", url),
  });
  const application = await startApplication({
    entries: { files: { kind: "fs.directory", directory: "./files", auto_init: true } },
    functions: {
      mirror: code("mirror.lua", ["fs", "http_client"]),
      prices: code("prices.lua", ["http_client"]),
    },
  });
  expect(await application.call("mirror")).toBe(200);
  expect(archived).toBe("a,b\n1,2\n");
  expect(await application.call("prices", ["a/b", "c"]))
    .toEqual({ "a/b": "price of /prices/a/b", c: "price of /prices/c" });
});

test("the proxy of the guide is used, and its WebSocket received from", async () => {
  const page = "guide/call-an-api.md";
  const url = new URL(serve((request) => new Response(request.headers.get("host"))));
  const login = { username: "wippy", password: "s3cret" };
  const proxy = await serveProxy("network.socks5", {
    ...login,
    names: { "inner.example": Number(url.port) },
  });
  const [list] = blocks(page, "yaml").filter((block) => block.includes("network.socks5"));
  const [{ name, ...partner }] = parse(list!) as [Record<string, unknown>];
  const socket = serveSockets({
    message(server, data) {
      server.send(`${data}d`);
      server.close();
    },
  });
  const application = await startApplication({
    entries: {
      [String(name)]: { ...partner, addr: `127.0.0.1:${proxy.port}`, password: "s3cret" },
    },
    functions: {
      partner: {
        source: file(page, "partner.lua").replace("https:", "http:"),
        modules: ["http_client"],
      },
      ticker: { source: file(page, "ticker.lua"), modules: ["websocket"] },
    },
  });
  expect(await application.call("partner")).toBe("inner.example");
  expect(await application.call("ticker", socket)).toBe("subscribed");
});
