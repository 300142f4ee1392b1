/**
 * Requests that a Lua function answers with a text, on as many workers as there are cores and on one, beside Hono on
 * `Bun.serve`, Fastify on Node, each a program and a thread of its own, and nginx with its Lua module, which has a
 * process per core. Another program asks, over 50 connections that stay open, each one request after the other; over
 * 1,000 connections it is Debian's `wrk`, where it is installed.
 * @module
 */
import { Config } from "../../src/app/config.ts";
import { Node } from "../../src/node/node.ts";
import { defaultWorkers } from "../../src/node/worker-pool-options.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import {
  measure,
  quick,
  report,
  rounds,
  wanted,
  withoutPeers,
} from "../kernel/measurement/measurement.ts";
import { nginxIsMissing, withNginx } from "./http/nginx.ts";

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
    socket.setTimeout(10_000, () => reject(new Error("no answer within 10 s; so far: " + rest)));
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

/** Milliseconds that this part of the requests take at most. */
interface Latency {
  p50: number;
  p99: number;
}

/** How long requests take over 1,000 connections. */
async function latencyOf(port: number): Promise<Latency> {
  const url = `http://127.0.0.1:${port}/`;
  const asks = ["wrk", "-t1", "-c1000", `-d${quick ? 2 : 8}s`, "--latency", url];
  const child = Bun.spawn(asks, { stdout: "pipe", stderr: "inherit" });
  const [text, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  const quantile = (part: number) => {
    const [, amount, unit] = new RegExp(`${part}%\\s+([\\d.]+)(us|ms|s)`).exec(text) ?? [];
    if (status !== 0 || amount === undefined) throw new Error(`wrk ended with ${status}: ${text}`);
    return Number(amount) * { us: 0.001, ms: 1, s: 1_000 }[unit as "us" | "ms" | "s"];
  };
  return { p50: quantile(50), p99: quantile(99) };
}

/** Asks a server that listens at this port. */
type Measure<Result> = (port: number) => Promise<Result>;

async function ours<Result>(
  measured: Measure<Result>,
  workers = defaultWorkers(),
): Promise<Result> {
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
    workers,
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
    return await measured(Number(new URL(await listening.promise).port));
  } finally {
    await node.stop();
  }
}

/** Measures a program that prints its port. */
async function peer<Result>(command: string[], measured: Measure<Result>): Promise<Result> {
  const child = Bun.spawn(command, { cwd: import.meta.dir, stdout: "pipe", stderr: "inherit" });
  try {
    const { value } = await child.stdout.getReader().read();
    return await measured(Number(new TextDecoder().decode(value)));
  } finally {
    child.kill();
    await child.exited;
  }
}

const hono = `const { Hono } = require("hono");
  const app = new Hono().get("/", (context) => context.text("${hello}"));
  console.log(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch }).port);`;

const fastify = `const app = require("fastify")();
  app.get("/", (_, reply) => reply.send("${hello}"));
  app.listen({ port: 0, host: "127.0.0.1" }).then(() => console.log(app.server.address().port));`;

const runHono = <Result>(measured: Measure<Result>) =>
  peer([process.execPath, "-e", hono], measured);

const rate = { unit: "1/s", better: "higher", n: requests, target: 0.5 } as const;

await measure({
  ...rate,
  figure: "io.http",
  ours: () => ours(rateOf),
  peer: { name: "hono", run: () => runHono(rateOf) },
});

await measure({
  ...rate,
  figure: "io.http_one_worker",
  ours: () => ours(rateOf, 1),
  peer: { name: "hono", run: () => runHono(rateOf) },
});

const node = Bun.which("node");
if (node === null && wanted("io.http_fastify")) console.error("io.http_fastify: no node, left out");
if (node !== null) {
  await measure({
    ...rate,
    figure: "io.http_fastify",
    target: 2,
    ours: () => ours(rateOf),
    peer: { name: "fastify", run: () => peer([node, "-e", fastify], rateOf) },
  });
}

if (nginxIsMissing !== undefined) {
  if (wanted("io.http_nginx")) console.error(`io.http_nginx: ${nginxIsMissing}, left out`);
} else {
  await measure({
    ...rate,
    figure: "io.http_nginx",
    target: null,
    ours: () => ours(rateOf),
    peer: { name: "nginx", run: () => withNginx(hello, rateOf) },
  });
}

/** Latencies over 1,000 connections, of which the one at 99 % has a target beside Hono. */
async function measureLatencies(): Promise<void> {
  const own: Latency[] = [];
  const peers: Record<"hono" | "nginx", Latency[]> = { hono: [], nginx: [] };
  for (let round = 0; round < rounds; round++) {
    own.push(await ours(latencyOf));
    if (withoutPeers) continue;
    peers.hono.push(await runHono(latencyOf));
    if (nginxIsMissing === undefined) peers.nginx.push(await withNginx(hello, latencyOf));
  }
  for (const part of ["p50", "p99"] as const) {
    for (const name of ["hono", "nginx"] as const) {
      const theirs = peers[name].map((latency) => latency[part]);
      if (name === "nginx" && theirs.length === 0) continue;
      report(
        {
          figure: `io.http_${part}${name === "hono" ? "" : `_${name}`}`,
          unit: "ms",
          better: "lower",
          n: 1_000,
          target: name === "hono" && part === "p99" ? 1 / 3 : null,
        },
        own.map((latency) => latency[part]),
        theirs.length > 0 ? { name, values: theirs } : undefined,
      );
    }
  }
}

const latencies = ["io.http_p50", "io.http_p99"];
if (latencies.some(wanted)) {
  if (Bun.which("wrk") === null) {
    console.error("io.http_p50, io.http_p99: no wrk (scripts/setup --peers), left out");
  } else {
    console.error("io.http_p50, io.http_p99 …");
    await measureLatencies();
  }
}
