import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { cannotStop, stopThread, threadsOf } from "./stop-thread.ts";

const index = `version: "1.0"
namespace: app
entries:
  - { name: host, kind: process.host, lifecycle: { auto_start: true } }
  - { name: idle, kind: process.lua, source: file://idle.lua, method: main, modules: [channel] }
  - { name: answer, kind: function.lua, source: file://answer.lua, method: main }
  - { name: one, kind: process.service, process: app:idle, host: app:host, lifecycle: { auto_start: true } }
`;

/** A runtime in a program of its own, and commands that ask it. */
function serve(heartbeatTimeout: string) {
  const directory = mkdtempSync(join(tmpdir(), "wippy-stalled-"));
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(
    join(directory, ".wippy.yaml"),
    `workers: { heartbeat_timeout: ${heartbeatTimeout} }\n`,
  );
  writeFileSync(join(directory, "src/_index.yaml"), index);
  writeFileSync(
    join(directory, "src/idle.lua"),
    "return { main = function() require('channel').new():receive() end }",
  );
  writeFileSync(join(directory, "src/answer.lua"), "return { main = function() return 42 end }");
  const start = (...args: string[]) =>
    Bun.spawn([process.execPath, join(root, "src/main.ts"), ...args], {
      cwd: directory,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  const runtime = start("serve", "--port", "0", "--workers", "2");
  let logs = "";
  void runtime.stderr.pipeTo(
    new WritableStream({ write: (chunk) => void (logs += Buffer.from(chunk).toString()) }),
  );
  cleanAfterTest(async () => {
    runtime.kill("SIGKILL");
    await runtime.exited;
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    logs: () => logs,
    worker: () => until(() => threadsOf(runtime.pid, "Worker")[0]),
    wippy: async (...args: string[]) => {
      const child = start(...args);
      const out = await new Response(child.stdout).text();
      const err = await new Response(child.stderr).text();
      return { out, err, status: await child.exited };
    },
  };
}

const refused = cannotStop();

const name = (what: string) => refused === undefined ? what : `${what} (skipped: ${refused})`;

test.skipIf(refused !== undefined)(
  name("commands say that a worker stands still, and work goes to another one"),
  async () => {
    const runtime = serve("0s");
    await until(() => runtime.logs().includes("runtime ready"));
    const goOn = stopThread(await runtime.worker());
    try {
      await until(() => runtime.logs().includes("a worker stands still"));
      expect((await runtime.wippy("ps")).out)
        .toMatch(/^\nMissing: worker 0 has stood still for .*: its unit is not listed\n$/);
      expect(JSON.parse((await runtime.wippy("ps", "--json")).out))
        .toMatchObject({ units: [], unlisted: [{ worker: 0, units: 1 }] });
      expect((await runtime.wippy("status")).out).toMatch(/workers +0: 1 \(has stood still for /);
      expect((await runtime.wippy("call", "app:answer")).out).toBe("42\n");
    } finally {
      goOn();
    }
    await until(() => runtime.logs().includes("a worker that stood still goes on"));
    expect((await runtime.wippy("ps")).out).toMatch(/app:idle +process +waiting/);
  },
  60_000,
);

test.skipIf(refused !== undefined)(
  name("a worker that stands still for too long is replaced, and its units are restarted"),
  async () => {
    const runtime = serve("2s");
    await until(() => runtime.logs().includes("runtime ready"));
    const before = (await runtime.wippy("ps", "--json")).out;
    const goOn = stopThread(await runtime.worker());
    try {
      await until(() => runtime.logs().includes("worker 0 was replaced: worker 0 has stood still"));
    } finally {
      goOn();
    }
    const unit = (text: string): { pid: string; started: number } | undefined =>
      JSON.parse(text).units[0];
    const old = unit(before)!;
    const { pid, started } = await until(
      async () => unit((await runtime.wippy("ps", "--json")).out),
      (found) => found !== undefined,
    ) as typeof old;
    expect(pid).not.toBe(old.pid);
    expect(started).toBeGreaterThan(old.started);
    expect(runtime.logs()).toContain("service app:one is failed");
  },
  60_000,
);
