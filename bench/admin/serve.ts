/**
 * What looking costs: how soon `wippy serve` answers, and how long the API takes beside 100,000 processes.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const folder = temporaryFolder();
mkdirSync(join(folder, "src"));
writeFileSync(join(folder, "wippy.lock"), "directories: { src: ./src }\n");
writeFileSync(
  join(folder, "src/_index.yaml"),
  `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true, stop_timeout: 10ms } }
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: idle, kind: process.lua, source: "file://idle.lua" }
  - { name: fill, kind: function.lua, source: "file://fill.lua", method: main }
`,
);
writeFileSync(
  join(folder, "src/idle.lua"),
  "return { main = function() process.inbox():receive() end }\n",
);
writeFileSync(
  join(folder, "src/fill.lua"),
  `return {
  main = function(count)
    for _ = 1, count do
      assert(process.spawn("app:idle", "app:processes"))
    end
    return count
  end,
}
`,
);

/** A runtime that answers, and how long that took in milliseconds. */
async function start() {
  const port = 20_000 + Math.floor(performance.now()) % 20_000;
  const began = performance.now();
  const child = Bun.spawn([...wippy, "serve", "-s", "--port", String(port)], {
    cwd: folder,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const base = `http://127.0.0.1:${port}`;
  while (!await fetch(`${base}/readyz`).then(({ ok }) => ok, () => false)) await Bun.sleep(2);
  const ready = performance.now() - began;
  const token = readFileSync(join(folder, ".wippy/admin-token"), "utf8").trim();
  const headers = { "authorization": `Bearer ${token}`, "content-type": "application/json" };
  return {
    ready,
    get: async (path: string) => await (await fetch(`${base}/api/v1${path}`, { headers })).json(),
    post: async (path: string, body: unknown) =>
      await (await fetch(`${base}/api/v1${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      })).json(),
    end: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

const starts = quick ? 5 : 15;
await measure({
  figure: "admin.ready",
  unit: "ms",
  better: "lower",
  n: starts,
  target: 150,
  ours: async () => {
    const times: number[] = [];
    for (let n = 0; n < starts; n++) {
      const runtime = await start();
      times.push(runtime.ready);
      await runtime.end();
    }
    return times.sort((a, b) => a - b)[starts >> 1]!;
  },
});

const processes = quick ? 20_000 : 100_000;
const requests = quick ? 200 : 1000;
await measure({
  figure: `admin.api_p99_${processes}`,
  unit: "ms",
  better: "lower",
  n: requests,
  target: 50,
  ours: async () => {
    const runtime = await start();
    try {
      const filled = await runtime.post("/functions/app:fill/call", { args: [processes] }) as {
        value?: number;
      };
      if (filled.value !== processes) throw new Error(JSON.stringify(filled));
      const times: number[] = [];
      let after = "";
      for (let n = 0; n < requests; n++) {
        const path = ["/status", "/functions", "/attention", `/units?limit=100${after}`][n % 4]!;
        const began = performance.now();
        const answer = await runtime.get(path) as { next?: string };
        times.push(performance.now() - began);
        if (n % 4 === 3) {
          after = answer.next === undefined ? "" : `&after=${encodeURIComponent(answer.next)}`;
        }
      }
      return times.sort((a, b) => a - b)[Math.floor(requests * 0.99)]!;
    } finally {
      await runtime.end();
    }
  },
});
