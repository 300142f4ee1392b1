/**
 * Requests that a Lua function answers with a text, beside Hono on `Bun.serve`, which is a program of its own. Another
 * program asks, over 50 connections that stay open, each one request after the other.
 * @module
 */
import { Config } from "../../src/app/config.ts";
import { Node } from "../../src/node/node.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick, wanted } from "../kernel/measurement/measurement.ts";

const requests = quick ? 4_000 : 30_000;
const warmUp = 2_000;
const connections = 50;
const hello = "hello, world!";

const source = `
local http = require("http")
return { main = function() http.response():write("${hello}") end }`;

/** The program that asks: its arguments are a port, and numbers of requests, for each of which it prints the rate. */
const client = `
const { connect } = require("node:net");
const [port, ...counts] = process.argv.slice(-3).map(Number);
const run = (total) => new Promise((resolve, reject) => {
  let asked = 0, answered = 0;
  const begin = performance.now();
  for (let i = 0; i < ${connections}; i++) {
    let rest = "";
    const ask = () => {
      if (asked === total) return socket.end();
      asked += 1;
      socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
    };
    const socket = connect(port, "127.0.0.1", ask);
    socket.on("error", reject);
    socket.on("data", (data) => {
      rest += data.toString("latin1");
      if (!rest.endsWith("${hello}")) return;
      if (!rest.startsWith("HTTP/1.1 200 ")) return reject(new Error(rest));
      rest = "";
      answered += 1;
      if (answered === total) resolve(total * 1000 / (performance.now() - begin));
      ask();
    });
  }
});
await run(counts[0]);
console.log(await run(counts[1]));
process.exit(0);`;

/** Requests per second of a server at this port, after a warm-up. */
async function rateOf(port: number): Promise<number> {
  const asks = [process.execPath, "-e", client, String(port), String(warmUp), String(requests)];
  const child = Bun.spawn(asks, { stdout: "pipe", stderr: "inherit" });
  const [text, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (status !== 0) throw new Error(`the client ended with ${status}`);
  return Number(text);
}

async function ours(): Promise<number> {
  const folder = temporaryFolder();
  const listening = Promise.withResolvers<string>();
  const entry = (id: string, kind: string, meta: object, data: object) => ({
    id,
    kind,
    meta: { ...meta },
    data: { ...data },
  });
  const node = await Node.start({
    entries: [
      entry("app:web", "http.service", {}, {
        addr: "127.0.0.1:0",
        lifecycle: { auto_start: true },
      }),
      entry("app:router", "http.router", { server: "web" }, {}),
      entry("app:get", "http.endpoint", { router: "router" }, {
        method: "GET",
        path: "/",
        func: "hello",
      }),
      entry("app:hello", "function.lua", {}, { method: "main", modules: ["http"], source }),
    ],
    config: Config.empty,
    directory: folder,
    stateDir: folder,
    workers: 1,
    inline: false,
    log: {
      log: ({ level, message }) => {
        if (level === "error") console.error(message);
        const [, url] = /^listening on (.*)$/.exec(message) ?? [];
        if (url !== undefined) listening.resolve(url);
      },
    },
  });
  try {
    await node.launch();
    return await rateOf(Number(new URL(await listening.promise).port));
  } finally {
    await node.stop();
  }
}

async function hono(): Promise<number> {
  const code = `const { Hono } = require("hono");
    const app = new Hono().get("/", (context) => context.text("${hello}"));
    console.log(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch }).port);`;
  const child = Bun.spawn([process.execPath, "-e", code], {
    cwd: import.meta.dir,
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    const { value } = await child.stdout.getReader().read();
    return await rateOf(Number(new TextDecoder().decode(value)));
  } finally {
    child.kill();
    await child.exited;
  }
}

if (wanted("io.http")) {
  await measure({
    figure: "io.http",
    unit: "1/s",
    better: "higher",
    n: requests,
    target: 0.5,
    ours,
    peer: { name: "hono", run: hono },
  });
}
