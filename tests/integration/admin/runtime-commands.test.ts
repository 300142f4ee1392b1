import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { openSocket, socketPath } from "../../../src/admin/socket.ts";
import { stateOf } from "../../../src/platform/task-state.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

/** The state of a process that is in the system's table. */
function stateIfThere(id: number): string | undefined {
  try {
    return stateOf(`/proc/${id}`);
  } catch {
    return undefined;
  }
}

const program = join(import.meta.dir, "../../../src/main.ts");

test("units are listed, sent to, canceled; functions are called; the log is read", async () => {
  const shop = new Shop();
  await shop.open();
  expect(statSync(socketPath(shop.stateDir)).mode & 0o777).toBe(0o600);
  const { units } = await shop.json("ps") as { units: { pid: string; names: string[] }[] };
  const counter = units.find(({ names }) => names.includes("counter"))!;
  expect((await shop.wippy("ps", "--tree")).out).toContain(`└─ ${counter.pid}`);
  expect((await shop.wippy("ps", "--entry", "app:none")).out).toBe("No units run\n");
  expect((await shop.wippy("call", "app:pay", "21")).out).toBe("42\n");
  const failed = await shop.wippy("call", "app:bad");
  expect(failed).toMatchObject({ status: 1, err: "Error: app:bad:1: no luck\n" });
  expect((await shop.wippy("call", "app:none")).err).toBe("Error: no function app:none\n");
  expect((await shop.wippy("send", "counter", "tick")).status).toBe(0);
  expect((await shop.wippy("send", "nobody", "tick")).err).toContain("name not registered: nobody");
  const logs = await until(
    () => shop.wippy("logs", "--level", "warn"),
    ({ out }) => out.includes("counted"),
  );
  expect(logs.out).toContain('"topic":"tick"');
  expect((await shop.wippy("logs", "--text", "nothing like it")).out).toBe("");
  expect(await shop.json("status")).toMatchObject({ units: 2, services: { running: 3 } });
  expect((await shop.wippy("kill", counter.pid)).status).toBe(0);
  // Its supervisor has started another one.
  await until(
    () => shop.json("ps") as Promise<{ units: { pid: string; names: string[] }[] }>,
    (now) => now.units.some(({ pid, names }) => names.includes("counter") && pid !== counter.pid),
  );
  expect((await shop.wippy("cancel", counter.pid)).err).toContain("process not found");
  expect((await shop.wippy("cancel", "x")).err).toContain("not a PID: x");
});

test.each([
  ["from the start", false],
  ["by a compiler that is loaded later", true],
])("what is compiled is shown where functions are compiled %s", async (_, late) => {
  const shop = new Shop({ jit: { late } });
  const loop = "local sum = 0 for i = 1, n do sum = sum + i end return sum";
  shop.write("src/pay.lua", `return { main = function(n) ${loop} end }`);
  await shop.open();
  type Status = { workers: { compiled: Record<string, number> }[] };
  const status = await until(
    async () => {
      await shop.wippy("call", "app:pay", "300000");
      return await shop.json("status") as Status;
    },
    ({ workers }) => workers[0]!.compiled.functions! > 0,
  );
  expect(status.workers[0]!.compiled.bytes).toBeGreaterThan(0);
  expect((await shop.wippy("status")).out).toMatch(/compiled +\d+ functions, .*B, in \d/);
  const without = new Shop();
  await without.open();
  expect((await without.wippy("status")).out).not.toContain("compiled");
});

test("a socket belongs to one runtime, and one that was left behind is replaced", async () => {
  const shop = new Shop();
  await shop.open();
  expect(await openSocket(shop.stateDir, () => new Response("other"))).toBeUndefined();
  await shop.stop();
  const left = Bun.listen({
    unix: socketPath(shop.stateDir),
    socket: { data() {} },
  });
  left.stop(true);
  await shop.open();
  expect((await shop.wippy("status")).status).toBe(0);
});

test("a state folder with a long path has its socket elsewhere, for its owner only", async () => {
  const shop = new Shop();
  const deep = join(shop.directory, "a".repeat(60), "b".repeat(60));
  const path = socketPath(deep);
  expect(path.length).toBeLessThan(100);
  const socket = await openSocket(deep, () => new Response("here"));
  try {
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(socket!.path).toBe(path);
  } finally {
    await socket!.close();
  }
});

test("wippy stop ends a runtime in order, and says when there is none", async () => {
  const shop = new Shop();
  const child = Bun.spawn(
    [process.execPath, program, "run", "-s"],
    { cwd: shop.directory, stdout: "ignore", stderr: "ignore" },
  );
  await until(() => shop.wippy("status"), ({ status }) => status === 0);
  const stopped = await shop.wippy("stop");
  // It has ended, though this test, its parent, may not have asked how yet: its journal is free.
  expect([undefined, "Z"]).toContain(stateIfThere(child.pid));
  expect(stopped).toMatchObject({ status: 0, out: `process ${child.pid} is stopped\n` });
  expect(await child.exited).toBe(0);
  expect((await shop.wippy("stop")).err).toContain("no runtime is running");
});

test("wippy stop says what it waits for", async () => {
  const directory = writeFiles({
    "wippy.lock": "directories:\n  modules: .wippy\n  src: ./src\n",
    "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: deaf, kind: process.lua, source: "file://deaf.lua", method: main, modules: [time] }
  - name: service
    kind: process.service
    process: app:deaf
    host: app:processes
    lifecycle: { auto_start: true, stop_timeout: 2s }
`,
    "src/deaf.lua": `return { main = function() require("time").sleep("1h") end }`,
  });
  const wippy = (...args: string[]) =>
    Bun.spawn([process.execPath, program, ...args], {
      cwd: directory,
      stdout: "pipe",
      stderr: "pipe",
    });
  const runtime = wippy("run", "-s");
  await until(async () => await wippy("status").exited, (status) => status === 0);
  const stop = wippy("stop");
  expect(await stop.exited).toBe(0);
  expect(await new Response(stop.stderr).text()).toBe(
    `process ${runtime.pid} is stopping; each service has until its stop_timeout (10s by default)\n`,
  );
  expect(await runtime.exited).toBe(0);
});

test.skipIf(process.platform !== "linux")(
  "wippy stop does not wait for the parent of a runtime that has ended (Linux)",
  async () => {
    const shop = new Shop();
    // The parent never asks how its child has ended, as the first process of some containers.
    const parent = Bun.spawn(
      ["sh", "-c", '"$0" "$1" run -s & exec sleep 600', process.execPath, program],
      { cwd: shop.directory, stdout: "ignore", stderr: "ignore" },
    );
    cleanAfterTest(() => parent.kill());
    await until(() => shop.wippy("status"), ({ status }) => status === 0);
    expect(await shop.wippy("stop")).toMatchObject({ status: 0 });
    expect(parent.exitCode).toBeNull();
  },
  20_000,
);
