/**
 * Requests of the module `http_client` to a server on this machine, which is a program of its own, beside Bun's `fetch`
 * in the same number of loops: one after the other, and 50 in flight.
 * @module
 */
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick, wanted } from "../kernel/measurement/measurement.ts";
import { entry, startNode } from "./node/node.ts";

const requests = quick ? 4_000 : 20_000;
const warmUp = 1_000;

const source = `
local http_client = require("http_client")
local function loop(url, count)
  for _ = 1, count do
    local res = assert(http_client.get(url))
    assert(#res.body == 1000)
  end
end
return { main = function(url, loops, count)
  local done = channel.new(loops)
  for _ = 1, loops do
    coroutine.spawn(function()
      loop(url, count // loops)
      done:send(true)
    end)
  end
  for _ = 1, loops do done:receive() end
end }`;

/** Starts the server. */
async function serve(): Promise<{ url: string; end(): Promise<void> }> {
  const code = `const body = "x".repeat(1000);
    console.log(Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(body) }).url.href);`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  process.once("exit", () => child.kill());
  const { value } = await child.stdout.getReader().read();
  return {
    url: new TextDecoder().decode(value).trim(),
    async end() {
      child.kill();
      await child.exited;
    },
  };
}

/** Requests per second of a run, after a warm-up. */
async function rate(run: (count: number) => Promise<unknown>): Promise<number> {
  await run(warmUp);
  const begin = performance.now();
  await run(requests);
  return requests * 1000 / (performance.now() - begin);
}

async function ours(url: string, loops: number): Promise<number> {
  const node = await startNode(temporaryFolder(), [
    entry("get", "function.lua", { method: "main", modules: ["http_client"], source }),
  ]);
  try {
    return await rate((count) => node.call("app:get", [url, loops, count]));
  } finally {
    await node.stop();
  }
}

async function plain(url: string, loops: number): Promise<number> {
  const loop = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const body = new Uint8Array(await (await fetch(url)).arrayBuffer());
      if (body.length !== 1000) throw new Error("half a body");
    }
  };
  return await rate((count) =>
    Promise.all(Array.from({ length: loops }, () => loop(Math.floor(count / loops))))
  );
}

const figures = [
  { figure: "io.http_client", loops: 1 },
  { figure: "io.http_client_in_flight", loops: 50 },
];

if (figures.some(({ figure }) => wanted(figure))) {
  const server = await serve();
  for (const { figure, loops } of figures) {
    await measure({
      figure,
      unit: "1/s",
      better: "higher",
      n: requests,
      target: 0.5,
      ours: () => ours(server.url, loops),
      peer: { name: "fetch", run: () => plain(server.url, loops) },
    });
  }
  await server.end();
}
