/** A debugger that attaches to a runtime which runs already, and everything that may go wrong with one. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { openLocal } from "../../../src/admin/local.ts";
import type { AdminTarget } from "../../../src/admin/route.ts";
import { serveAdmin } from "../../../src/admin/server.ts";
import { askSocket, largestBody, socketPath } from "../../../src/admin/socket.ts";
import { Tokens } from "../../../src/admin/tokens.ts";
import { silentSink } from "../../../src/observe/log.ts";
import { LogMemory } from "../../../src/observe/log-memory.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { TestApplication } from "../application.ts";
import { DapClient } from "./dap-client.ts";

const one = "return { main = function(x)\n  local y = x + 1\n  return y\nend }";

/** A runtime with its local socket. */
async function runtime(debuggable: AdminTarget["debuggable"] | false = {}) {
  const application = await TestApplication.start({ functions: { one } }, {});
  cleanAfterTest(() => application.stop());
  const directory = application.path("");
  const state = application.path(".wippy");
  const logs = new LogMemory(silentSink);
  const target: AdminTarget = {
    node: application.node,
    logs,
    version: "test",
    directory,
    startedAt: Date.now(),
    config: {},
    stop: () => {},
    ...(debuggable && { debuggable }),
  };
  const socket = await openLocal(target, state);
  cleanAfterTest(() => socket?.close());
  const said = (text: string) =>
    logs.find({ limit: 1000 }).some(({ message }) => message.includes(text));
  return {
    socket: socket!,
    application,
    target,
    state,
    directory,
    said,
    file: application.path("src/one.lua"),
  };
}

type Running = Awaited<ReturnType<typeof runtime>>;

/** Attaches an editor that stops at line 3, and has it stop there. */
async function stopped({ application, directory, file }: Running) {
  const editor = new DapClient();
  await editor.attach({ cwd: directory }, { [file]: [{ line: 3 }] });
  const result = application.call("one", 1);
  const { threadId } = await editor.event("stopped");
  return { editor, result, threadId: threadId! };
}

async function problem(response: Response): Promise<[number, string]> {
  const { detail } = await response.json() as { detail: string };
  return [response.status, detail];
}

const post = (body: unknown) => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

describe("an attached debugger", () => {
  test("stops, looks and steps, and leaves a runtime that runs at full speed", async () => {
    const running = await runtime();
    const { editor, result, threadId } = await stopped(running);
    const [frame] = await editor.stack(threadId);
    expect(frame).toMatchObject({ line: 3, source: { path: running.file } });
    const scopes = await editor.scopes(frame!.id);
    const locals = await editor.variables(scopes["Locals"]!);
    expect(locals.map(({ name, value }) => `${name} = ${value}`)).toEqual(["x = 1", "y = 2"]);
    const set = { variablesReference: scopes["Locals"], name: "y", value: "x * 40" };
    expect(await editor.request("setVariable", set)).toMatchObject({ value: "40" });
    await editor.request("continue", { threadId });
    expect(await result).toBe(40);

    await editor.request("disconnect");
    await until(() => running.said("detached"));
    expect(await running.application.call("one", 1)).toBe(2);
    // Another one may come now.
    const again = await stopped(running);
    await again.editor.request("disconnect");
    expect(await again.result).toBe(2);
  });

  test("that is killed while a unit stands lets it go on", async () => {
    const running = await runtime();
    const { editor, result } = await stopped(running);
    editor.kill();
    expect(await result).toBe(2);
    expect(await running.application.call("one", 2)).toBe(3);
  });

  test("that gives no sign of life lets a unit go on that stands", async () => {
    const running = await runtime({ pulse: 20 });
    const { application, state, file } = running;
    // A connection that stays open, and whose other side reads nothing and says nothing.
    const connection = createConnection(socketPath(state));
    cleanAfterTest(() => void connection.destroy());
    connection.write("GET /api/v1/debug/events HTTP/1.1\r\nhost: wippy\r\n\r\n");
    const first = await new Promise<Buffer>((resolve) => connection.once("data", resolve));
    connection.pause();
    const session = /"attached":"([^"]+)"/.exec(first.toString())![1]!;
    const call = (method: string, ...args: unknown[]) =>
      askSocket(state, "/api/v1/debug/calls", post({ session, method, args }));
    expect((await call("breakpoints", file, [{ line: 3 }])).status).toBe(200);
    expect(await application.call("one", 1)).toBe(2);
    expect(running.said("it does not answer")).toBe(true);
    expect(await problem(await call("threads"))).toEqual([404, "this debugger is not attached"]);
  });

  test("is alone, and knows its runtime by the state folder", async () => {
    const [left, right] = await Promise.all([runtime(), runtime()]);
    const [one, two] = await Promise.all([stopped(left), stopped(right)]);
    const third = new DapClient();
    await expect(third.attach({ cwd: left.directory })).rejects.toThrow(
      "a debugger is attached already",
    );
    await one.editor.request("continue", { threadId: one.threadId });
    expect(await one.result).toBe(2);
    await two.editor.request("disconnect");
    expect(await two.result).toBe(2);
  });

  test("hears of the end of its runtime", async () => {
    const running = await runtime();
    // With --attach, a launch that names nothing to run attaches.
    const editor = new DapClient("--attach", "--state", running.state);
    await editor.launch({});
    await running.socket.close();
    await editor.event("terminated");
    await expect(editor.request("threads")).rejects.toThrow("no runtime is running");
  });
});

test("a runtime that was started with --debuggable is debugged, and ends as ever", async () => {
  const application = await TestApplication.start({ functions: { one } }, {});
  cleanAfterTest(() => application.stop());
  const directory = application.path("");
  const main = join(import.meta.dir, "../../../src/main.ts");
  const state = join(directory, "state");
  const program = Bun.spawn(
    [process.execPath, main, "-C", directory, "-s", "run", "--debuggable", "--state", state],
    { stderr: "inherit" },
  );
  cleanAfterTest(() => program.kill("SIGKILL"));
  await until(() => existsSync(socketPath(state)));
  const editor = new DapClient();
  const file = application.path("src/one.lua");
  await editor.attach({ cwd: directory, state }, { [file]: [{ line: 2 }] });
  const call = askSocket(state, "/api/v1/functions/app:one/call", post({ args: [1] }))
    .then(() => "answered", () => "cut off");
  const { threadId } = await editor.event("stopped");
  expect((await editor.stack(threadId!))[0]!.line).toBe(2);
  // A signal ends a runtime whose unit stands: the debugger is detached before units are stopped.
  program.kill("SIGTERM");
  expect(await program.exited).toBe(0);
  await editor.event("terminated");
  expect(await call).toBeOneOf(["answered", "cut off"]);
});

describe("the door", () => {
  test("is shut unless the runtime was started with it open", async () => {
    const { directory, state } = await runtime(false);
    const editor = new DapClient();
    await expect(editor.attach({ cwd: directory })).rejects.toThrow("start it with --debuggable");
    const call = post({ session: "x", method: "threads", args: [] });
    const [status] = await problem(await askSocket(state, "/api/v1/debug/calls", call));
    expect(status).toBe(403);
  });

  test("is shut to every token, whatever its role", async () => {
    const { target, state } = await runtime();
    const tokens = new Tokens(state);
    const server = serveAdmin(target, tokens, { host: "127.0.0.1", port: 0, names: [] });
    cleanAfterTest(() => server.close());
    for (const role of ["viewer", "operator", "admin"] as const) {
      const authorization = { authorization: `Bearer ${tokens.create(role, role)}` };
      const call = post({ session: "x", method: "threads", args: [] });
      const doors: [string, RequestInit][] = [["/debug/events", {}], ["/debug/calls", call]];
      for (const [path, init] of doors) {
        const [status, detail] = await problem(
          await fetch(`${server.url}/api/v1${path}`, {
            ...init,
            headers: { ...authorization, "content-type": "application/json" },
          }),
        );
        expect(status).toBe(403);
        expect(detail).toContain(role === "admin" ? "only the owner" : "needs the role admin");
      }
    }
  });

  test("is shut when others may open the socket", async () => {
    const { directory, state } = await runtime();
    chmodSync(socketPath(state), 0o660);
    const editor = new DapClient();
    await expect(editor.attach({ cwd: directory })).rejects.toThrow("nobody else can open");
    chmodSync(socketPath(state), 0o600);
    await new DapClient().attach({ cwd: directory });
  });

  test("says that no runtime is there, and what fits no attach", async () => {
    const { directory } = await runtime();
    const editor = new DapClient();
    const nowhere = { cwd: directory, state: "nowhere" };
    await expect(editor.attach(nowhere)).rejects.toThrow(
      `no runtime is running with the state folder ${join(directory, "nowhere")}`,
    );
    await expect(new DapClient().attach({ cwd: 5 })).rejects.toThrow("attach: cwd");
  });

  test("answers nonsense with errors, and stays open", async () => {
    const running = await runtime();
    const { state, application, file } = running;
    const path = "/api/v1/debug/calls";
    const over = new AbortController();
    cleanAfterTest(() => over.abort());
    const events = await askSocket(state, "/api/v1/debug/events", { signal: over.signal });
    const reader = events.body!.getReader();
    const { attached: session } = JSON.parse(Buffer.from((await reader.read()).value!).toString());
    const call = (method: unknown, ...args: unknown[]) => post({ session, method, args });
    const cases: [RequestInit, number, string][] = [
      [post("{"), 400, "JSON"],
      [post("[".repeat(100_000)), 400, ""],
      [post({}), 400, "session"],
      [post({ session: "another", method: "threads", args: [] }), 404, "not attached"],
      [call("attach"), 400, "method"],
      [call("constructor"), 400, "method"],
      [call("standInRun", "x"), 400, "method"],
      [call("threads", 1), 400, "args"],
      [call("stack", -1), 400, "args.0"],
      [call("stack", 64), 404, "no coroutine that stands"],
      [call("stack", 63), 404, "nothing that stands"],
      [call("breakpoints", file, [{ line: 1, more: 1 }]), 400, "args.1.0"],
      [call("breakpoints", file, [{ line: "1" }]), 400, "args.1.0.line"],
      [call("evaluate", 0, "x".repeat(200_000)), 400, "args.1"],
    ];
    for (const [init, status, text] of cases) {
      const [answered, detail] = await problem(await askSocket(state, path, init));
      expect([detail, answered]).toEqual([expect.stringContaining(text), status]);
    }
    expect((await askSocket(state, path, post(" ".repeat(largestBody + 1)))).status).toBe(413);
    const raw = createConnection(socketPath(state));
    const refusal = new Promise<string>((resolve) => {
      let all = "";
      raw.on("data", (bytes) => all += bytes).on("close", () => resolve(all));
    });
    raw.write(Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 131 + 7) % 256)));
    raw.end();
    expect(await refusal).not.toContain("200");
    const [alive] = [await askSocket(state, path, call("alive"))];
    expect(alive!.status).toBe(200);
    expect(await application.call("one", 1)).toBe(2);
  });
});
