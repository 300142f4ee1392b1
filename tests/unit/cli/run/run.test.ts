import { afterEach, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { writeFiles } from "../../app/temporary-application.ts";

const main = resolve(import.meta.dir, "../../../../src/main.ts");
const lock = { "wippy.lock": "directories: { src: src }\n" };

const running = new Set<Bun.Subprocess>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});

/** Starts the command line as a process of its own. */
function start(directory: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, main, ...args], {
    cwd: directory,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.add(child);
  return child;
}

/** Runs the command line to its end. */
async function run(directory: string, ...args: string[]) {
  const child = start(directory, ...args);
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, out, err };
}

/** Gives the lines of a stream without their time, one after the other. */
async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const line of parts) yield line.replace(/^\S+ \S+\t/, "");
  }
}

/** Reads lines until one begins so; fails when they end before. */
async function until(reader: AsyncGenerator<string>, beginning: string): Promise<void> {
  const seen: string[] = [];
  for (;;) {
    const { value, done } = await reader.next();
    if (done) throw new Error(`no line "${beginning}" in:\n${seen.join("\n")}`);
    if (value.startsWith(beginning)) return;
    seen.push(value);
  }
}

/** An application with one service, whose process never ends by itself. */
function service(source: string): Record<string, string> {
  return {
    ...lock,
    "src/_index.yaml": `namespace: app
entries:
  - { name: host, kind: process.host, lifecycle: { auto_start: true } }
  - { name: idle, kind: process.lua, source: "file://idle.lua" }
  - name: service
    kind: process.service
    process: idle
    host: app:host
    lifecycle: { auto_start: true, requires: [app:host] }
`,
    "src/idle.lua": source,
  };
}

/** Ends when it is told to. */
const obedient = "return { main = function() process.events():receive() end }\n";
/** Hears nothing. */
const deaf = "return { main = function() channel.new(0):receive() end }\n";

describe("a plain run", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`ends in order at ${signal}`, async () => {
      const child = start(writeFiles(service(obedient)), "run");
      const log = lines(child.stderr);
      await until(log, "INFO\truntime\truntime ready");
      child.kill(signal);
      await until(log, `INFO\truntime\treceived shutdown signal\t{"signal":"${signal}"}`);
      await until(log, "INFO\truntime\tshutting down (press Ctrl+C again to force exit)");
      expect(await child.exited).toBe(0);
    });
  }

  test("ends at once at the second signal", async () => {
    const child = start(writeFiles(service(deaf)), "run");
    const log = lines(child.stderr);
    await until(log, "INFO\truntime\truntime ready");
    child.kill("SIGINT");
    await until(log, "INFO\truntime\tshutting down");
    child.kill("SIGINT");
    await until(log, "INFO\truntime\tforce exit");
    expect(await child.exited).toBe(1);
  });

  test(
    "with --watch takes changed files over, tells mistakes, and goes on with what ran before",
    async () => {
      const ticking = (word: string) =>
        `local funcs, time, logger = require("funcs"), require("time"), require("logger")
return { main = function()
  while true do
    logger:info(funcs.call("app:word"))
    time.sleep("20ms")
  end
end }
`.replaceAll("app:word", word);
      const word = (text: string) => `return { main = function() return "${text}" end }\n`;
      const files = service(ticking("app:word"));
      files["src/_index.yaml"] = files["src/_index.yaml"]!.replace(
        `source: "file://idle.lua" }`,
        `source: "file://idle.lua", modules: [funcs, time, logger] }
  - { name: word, kind: function.lua, source: "file://word.lua", method: main }`,
      );
      const directory = writeFiles({ ...files, "src/word.lua": word("first") });
      const child = start(directory, "run", "--watch");
      const log = lines(child.stderr);
      await until(log, "INFO\truntime\truntime ready");
      await until(log, "INFO\t\tfirst");
      await Bun.write(`${directory}/src/word.lua`, word("second"));
      await until(log, "watch: v1: updated app:word");
      await until(log, "INFO\t\tsecond");
      await Bun.write(`${directory}/src/word.lua`, "return { main = function( end }\n");
      await until(log, "src/word.lua:1");
      await until(log, "watch: no change was applied; the application runs as before");
      await until(log, "INFO\t\tsecond");
      await Bun.write(`${directory}/src/word.lua`, 'error("at load")\n');
      await until(log, "watch: failed to apply changes: app:word:1:");
      await until(log, "INFO\t\tsecond");
      child.kill("SIGTERM");
      // Its process never listens, so its service is stopped by force after ten seconds.
      expect(await child.exited).toBe(0);
    },
    40_000,
  );

  test("without a lock file stays up and says that nothing is loaded", async () => {
    const directory = writeFiles({});
    const child = start(directory, "run");
    const log = lines(child.stderr);
    await until(log, `warning: no wippy.lock in ${directory}, so nothing is loaded`);
    await until(log, 'INFO\truntime\truntime ready\t{"entries":0}');
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("faults of the code's bodies are told with those of the entries, and nothing runs", async () => {
    const directory = writeFiles({
      ...lock,
      "src/_index.yaml": `namespace: app
entries:
  - { name: f, kind: function.lua, source: "file://f.lua", method: run }
  - { name: l, kind: library.lua, source: "file://l.lua" }
  - { name: x, kind: functon.lua }
`,
      "src/f.lua": "return { main = function() end }\n",
      "src/l.lua": '\nerror("not today")\n',
    });
    const { status, out, err } = await run(directory, "run");
    expect([status, out]).toEqual([1, ""]);
    const told = err.split("\n").filter((line) => !line.startsWith("    hint: "));
    expect(told).toEqual([
      'src/_index.yaml:3:5  app:f  method "run" not found in module',
      'src/_index.yaml:5:16  app:x  unknown kind "functon.lua"',
      expect.stringMatching(/^src\/l\.lua:2 {2}app:l {2}failed to execute script: .*not today/),
      "Error: the application has 3 errors; nothing was run",
      "",
    ]);
  });
});

test("a start warns of bodies that fail, and whoever uses these entries gets the error", async () => {
  const entries = (command: string) =>
    `namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: f, kind: function.lua, source: "file://f.lua", method: run }
  - { name: p, kind: process.lua, source: "file://p.lua" }
  - { name: go, kind: process.lua, source: "file://go.lua", modules: [io, funcs], meta: { command: { name: ${command} } } }
`;
  const files = {
    ...lock,
    "src/f.lua": "return { main = function() end }\n",
    "src/p.lua": 'error("not today")\n',
    "src/go.lua": `local io, funcs = require("io"), require("funcs")
return { main = function()
  local _, spawned = process.spawn("app:p", "app:processes")
  local _, called = funcs.call("app:f")
  io.print(spawned:kind(), called:kind(), called:message())
end }
`,
  };
  const directory = writeFiles({ ...files, "src/_index.yaml": entries("go") });
  const { status, out, err } = await run(directory, "run", "go");
  expect([status, out]).toEqual([0, 'Internal\tNotFound\tmethod "run" not found in module\n']);
  const told = err.split("\n").filter((line) => line.startsWith("src/"));
  expect(told).toEqual([
    'src/_index.yaml:5:5  app:f  warning: method "run" not found in module',
    expect.stringMatching(
      /^src\/p\.lua:1 {2}app:p {2}warning: failed to execute script: .*not today/,
    ),
  ]);
  // The command itself has to be right, and what has VMs at once.
  const eager = entries("go").replace(
    "method: run",
    "method: run, pool: { type: static, size: 1 }",
  );
  const stopped = await run(writeFiles({ ...files, "src/_index.yaml": eager }), "run", "go");
  expect([stopped.status, stopped.out]).toEqual([1, ""]);
  expect(stopped.err).toContain("the application has 1 error and 1 warning; nothing was run");
  const broken = writeFiles({
    ...files,
    "src/go.lua": "return {}\n",
    "src/_index.yaml": entries("go"),
  });
  const refused = await run(broken, "run", "go");
  expect([refused.status, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("the application has 1 error and 2 warnings; nothing was run");
});

describe("commands", () => {
  const application = (source: string): Record<string, string> => ({
    ...lock,
    "src/_index.yaml": `namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - name: command
    kind: process.lua
    meta: { command: { name: go } }
    source: "file://go.lua"
    modules: [io]
`,
    "src/go.lua": `local io = require("io")\nreturn { main = function(...) ${source} end }\n`,
  });

  const results: [string, { status: number; out: string; err: string }][] = [
    ["return 3", { status: 3, out: "", err: "" }],
    ["return true", { status: 0, out: "", err: "" }],
    ["return false", { status: 1, out: "", err: "" }],
    ["return nil", { status: 0, out: "", err: "" }],
    ['return "done"', { status: 0, out: "done\n", err: "" }],
    ['return nil, "broken"', { status: 1, out: "", err: "broken\n" }],
    ["io.print(...) io.write(#io.args())", { status: 0, out: "a\t--b\n2", err: "" }],
  ];
  for (const [source, expected] of results) {
    test(`${source} gives status ${expected.status}`, async () => {
      const directory = writeFiles(application(source));
      expect(await run(directory, "run", "go", "--", "a", "--b")).toEqual(expected);
    });
  }

  test("--exec takes every positional argument", async () => {
    const directory = writeFiles(application("io.print(...)"));
    expect(await run(directory, "run", "-x", "app:command", "go", "list")).toEqual({
      status: 0,
      out: "go\tlist\n",
      err: "",
    });
  });
});

test("a service with the terminal ends the runtime, its result is the status", async () => {
  const directory = writeFiles({
    ...lock,
    "src/_index.yaml": `namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: shell, kind: process.lua, source: "file://shell.lua", modules: [io] }
  - name: service
    kind: process.service
    process: shell
    host: app:terminal
    input: [a, 2]
    lifecycle: { auto_start: true, requires: [app:terminal] }
`,
    "src/shell.lua": `return { main = function(...)
  io.print(table.concat(io.args(), " "), ...)
  return 5
end }
`,
  });
  const { status, out } = await run(directory, "run", "-s");
  expect(out).toBe("a 2\ta\t2\n");
  expect(status).toBe(5);
});

test("a terminal host runs one process at a time", async () => {
  const directory = writeFiles({
    ...lock,
    "src/_index.yaml": `namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: shell, kind: process.lua, source: "file://shell.lua", modules: [io] }
  - { name: other, kind: process.lua, source: "file://other.lua", modules: [io] }
`,
    "src/shell.lua": `return { main = function()
  local pid, err = process.spawn_monitored("app:other", "app:terminal")
  io.print(tostring(pid), err:kind(), err:message())
  return 3
end }
`,
    "src/other.lua": `return { main = function() io.print("must not run") return 4 end }\n`,
  });
  expect(await run(directory, "run", "-x", "app:shell")).toEqual({
    status: 3,
    out: "nil\tLimitExceeded\thost app:terminal has its limit of one process\n",
    err: "",
  });
});
