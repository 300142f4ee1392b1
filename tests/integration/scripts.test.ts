import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/sources.ts";
import { builtinModules } from "../../src/registry/modules.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { writeFiles } from "../unit/app/temporary-application.ts";

const main = join(root, "src/main.ts");

/** A folder for files and state, and the command line in it. */
function place(files: Record<string, string>) {
  const directory = writeFiles(files);
  const state = mkdtempSync(join(tmpdir(), "wippy-state-"));
  cleanAfterTest(() => rmSync(state, { recursive: true, force: true }));
  const env = { ...process.env, XDG_STATE_HOME: state };
  const start = (args: string[], input: string | Uint8Array = "") =>
    Bun.spawn([process.execPath, main, ...args], {
      cwd: directory,
      env,
      stdin: new TextEncoder().encode(String(input)),
      stdout: "pipe",
      stderr: "pipe",
    });
  const run = async (...args: string[]) => await finished(start(args));
  return { directory, state, start, run, env };
}

async function finished(child: Bun.Subprocess<Uint8Array | "ignore", "pipe", "pipe">) {
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, out, err };
}

/** Reads a stream until the text is there. */
async function readUntil(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  let read = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    read += decoder.decode(chunk, { stream: true });
    if (read.includes(text)) return read;
  }
  throw new Error(`the output ended before ${JSON.stringify(text)}: ${JSON.stringify(read)}`);
}

describe("a plain script", () => {
  test("is its own main, with its own flags and its status", async () => {
    const { run } = place({
      "hello.lua": '#!/usr/bin/env wippy\nlocal io = require("io")\n' +
        'io.print("hello", ...)\nreturn 4\n',
    });
    expect(await run("hello.lua", "--short", "-v")).toEqual({
      status: 4,
      out: "hello\t--short\t-v\n",
      err: "",
    });
  });

  test("may return its main function", async () => {
    const { run } = place({ "main.lua": "return { main = function(n) return 2 * n end }" });
    expect((await run("main.lua", "21")).status).toBe(42);
  });

  test("print writes to standard output, in order with io", async () => {
    const { run } = place({
      "print.lua": 'local io = require("io")\nprint("a", 1) io.print("b") print("c")\n' +
        'require("logger"):info("not shown")\n',
    });
    expect(await run("print.lua")).toEqual({ status: 0, out: "a\t1\nb\nc\n", err: "" });
  });

  test("ends quietly when nobody reads, and with an error when its output cannot be written", () => {
    const { directory, env } = place({ "yes.lua": 'while true do io.write("y\\n") end\n' });
    const shell = (command: string) =>
      Bun.spawnSync(["sh", "-c", command.replace("WIPPY", `"${process.execPath}" "${main}"`)], {
        cwd: directory,
        env,
        stdin: "ignore",
      });
    expect(shell("WIPPY yes.lua | head -2").stdout.toString()).toBe("y\ny\n");
    const full = shell("WIPPY yes.lua > /dev/full");
    expect(full.exitCode).toBe(1);
    expect(full.stderr.toString()).toStartWith("Error: cannot write to standard output: ENOSPC");
  });

  test("an error names the file and the line", async () => {
    const { run } = place({ "bad.lua": "#!/usr/bin/env wippy\n\nlocal t = nil\nt.x = 1\n" });
    const { status, out, err } = await run("bad.lua");
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain("bad.lua:4: attempt to index a nil value");
    expect(err).not.toContain("    at ");
  });

  test("a syntax error names the file, the line and the way to mend it", async () => {
    const { run } = place({ "bad.lua": "local x =\n = 3\n" });
    const { status, err } = await run("bad.lua");
    expect(status).toBe(1);
    expect(err).toStartWith("bad.lua:2  Lua syntax error: unexpected symbol near '='\n    hint: ");
    expect(err).toEndWith("Error: the script has 1 error; nothing was run\n");
  });

  test("a missing file is told", async () => {
    const { status, err } = await place({}).run("none.lua");
    expect(status).toBe(1);
    expect(err).toContain("cannot read none.lua");
  });

  test("runs by its first line, whatever its name", async () => {
    const { directory, env } = place({
      "bin/wippy": `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`,
      "tool": '#!/usr/bin/env wippy\nprint("tool", ...)\n',
    });
    chmodSync(join(directory, "bin/wippy"), 0o755);
    chmodSync(join(directory, "tool"), 0o755);
    symlinkSync("../tool", join(directory, "bin/linked"));
    const path = { ...env, PATH: `${join(directory, "bin")}:${process.env["PATH"]}` };
    for (const command of ["./tool", "linked"]) {
      const child = Bun.spawn([command, "-v", "x"], {
        cwd: directory,
        env: path,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      expect(await finished(child)).toEqual({ status: 0, out: "tool\t-v\tx\n", err: "" });
    }
  });
});

describe("code without a file", () => {
  test("-e runs its value, with arguments", async () => {
    const { run } = place({});
    expect(await run("-e", 'print("hello", ...) return 3', "a", "--b", "-v")).toEqual({
      status: 3,
      out: "hello\ta\t--b\t-v\n",
      err: "",
    });
    expect((await run("-s", "--eval=print(1)")).out).toBe("1\n");
  });

  test("- runs standard input", async () => {
    const { start } = place({});
    const source = "#!/usr/bin/env wippy\nfunction functions.one() return 1 end\n" +
      'function main(...) print(require("funcs").call("script:one"), ...) error("no") end\n';
    expect(await finished(start(["-", "a"], source))).toEqual({
      status: 1,
      out: "1\ta\n",
      err: "stdin:3: no\nstack traceback:\n\tstdin:3: in function <stdin:3>\n",
    });
  });

  test("an error names the line", async () => {
    const { run } = place({});
    expect((await run("-e", "\nerror('no')")).err).toStartWith(
      "(command line):2: no\nstack traceback:\n\t(command line):2: in function ",
    );
    expect((await run("-e", "x =")).err).toStartWith("(command line):1  Lua syntax error: ");
  });

  test("-e without code is told", async () => {
    const { status, err } = await place({}).run("-e");
    expect(status).toBe(1);
    expect(err).toContain("argument missing");
  });

  test("its open runs go on when the same code is run again", async () => {
    const { run } = place({});
    const code = `local time = require("time")
function workflows.wait() time.sleep("20ms") return "done" end
function main(what)
  local options = { ["workflow.id"] = "one", ["workflow.id_reuse_policy"] = "reject_duplicate" }
  local pid, err = process.with_options(options):spawn_monitored("script:wait", "script:workflows")
  if what == "start" then return 0 end
  print(process.events():receive().result.value)
end`;
    expect((await run("-e", code, "start")).status).toBe(0);
    expect(await run("-e", code)).toEqual({ status: 0, out: "done\n", err: "" });
  });
});

const shop = `local funcs = require("funcs")
local io = require("io")
local workflow = require("workflow")

function functions.add(a, b)
  print("adding")
  return a + b
end

function processes.counter(n)
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    n = n + 1
    process.send(message:from(), "count", n)
  end
end

function workflows.order(id)
  return "order " .. id .. ": " .. funcs.call("script:add", 1, 2)
end

function main(...)
  io.print(select("#", ...), ...)
  io.print(funcs.call("script:add", 20, 1))
  local counter = process.spawn("script:counter", "script:processes", 5)
  local counts = process.listen("count")
  process.send(counter, "increase")
  io.print((counts:receive()))
  io.print(workflow.execute("script:order", 7))
  return 3
end
`;

describe("a script with units", () => {
  test("has functions, processes and workflows in one file", async () => {
    const { run, state } = place({ "shop.lua": shop });
    expect(await run("shop.lua", "a", "--b")).toEqual({
      status: 3,
      out: "2\ta\t--b\nadding\n21\tnil\n6\nadding\norder 7: 3\tnil\n",
      err: "",
    });
    const [folder] = [...new Bun.Glob("wippy/scripts/shop.lua-*").scanSync({
      cwd: state,
      absolute: true,
      onlyFiles: false,
    })];
    expect(statSync(folder!).mode & 0o777).toBe(0o700);
  });

  test("--state names another folder for its runs", async () => {
    const { run, directory } = place({ "shop.lua": shop });
    expect((await run("--state", "here", "shop.lua")).status).toBe(3);
    expect(statSync(join(directory, "here/journal.db")).isFile()).toBe(true);
  });

  test("an error in a unit names the file and the line", async () => {
    const { run } = place({
      "bad.lua": `function functions.bad()
  error("no")
end
function main()
  return require("funcs").call("script:bad")
end
`,
    });
    expect(await run("bad.lua")).toEqual({
      status: 1,
      out: "",
      err: "bad.lua:2: no\nstack traceback:\n\tbad.lua:2: in function\n",
    });
  });

  const faulty: [string, string, string][] = [
    ["no main", "function functions.a() end", "defines units but no main"],
    ["a unit that is no function", "functions.a = 1\nfunction main() end", "functions.a must be"],
    ["a body that fails", "\nfunctions.a = nil + 1", "bad.lua:2  attempt to perform arithmetic"],
    [
      "a body that waits",
      'require("time").sleep("1s")\nfunction functions.a() end',
      "cannot wait",
    ],
  ];
  for (const [what, source, message] of faulty) {
    test(`${what} is told before anything runs`, async () => {
      const { status, out, err } = await place({ "bad.lua": source }).run("bad.lua");
      expect([status, out]).toEqual([1, ""]);
      expect(err).toContain(message);
      expect(err).toEndWith("Error: the script has 1 error; nothing was run\n");
    });
  }

  test("its body may do what does not wait", async () => {
    const { run } = place({
      "load.lua": 'local year = require("time").now():year()\n' +
        "function functions.year() return year end\n" +
        'function main() print(require("funcs").call("script:year") > 2000) end\n',
    });
    expect(await run("load.lua")).toEqual({ status: 0, out: "true\n", err: "" });
  });

  test("a process that crashes is one line on standard error, unless -s is given", async () => {
    const { run } = place({
      "crash.lua": `function processes.p() error("boom") end
function main()
  process.spawn_monitored("script:p", "script:processes")
  process.events():receive()
  require("logger"):info("not shown")
end
`,
    });
    const { err, ...rest } = await run("crash.lua");
    expect(rest).toEqual({ status: 0, out: "" });
    expect(err.trimEnd().split("\n")).toEqual([
      expect.stringMatching(
        /^[^\t]+\tERROR\tprocess\tscript:p crashed\t.*"error":"crash.lua:1: boom".*"stack":/,
      ),
    ]);
    expect(await run("-s", "crash.lua")).toEqual({ status: 0, out: "", err: "" });
  });

  test("its workflows cannot use what has no record", async () => {
    const { run } = place({
      "bad.lua": 'local io = require("io")\nfunction workflows.w() io.print("x") end\n' +
        'function main() return require("workflow").execute("script:w") end\n',
    });
    const { status, err } = await run("bad.lua");
    // The record of the failed run, then what `main` returned.
    const [record, result] = err.split("\n");
    expect([status, result]).toEqual([1, "bad.lua:2: module 'io' cannot be used in a workflow"]);
    expect(record).toContain("\tworkflow script:w failed\t");
  });

  test("killed in a workflow and started again, it goes on without doing a step twice", async () => {
    const { start, run } = place({
      "order.lua": `local funcs, time = require("funcs"), require("time")

function functions.step(name)
  print("step " .. name)
  return name
end

function workflows.order()
  local first = funcs.call("script:step", "one")
  time.sleep("3s")
  return first .. " " .. funcs.call("script:step", "two")
end

function main()
  local order = process.with_options({ ["workflow.id"] = "order" })
    :spawn_monitored("script:order", "script:workflows")
  local event = process.events():receive()
  print(event.result.value)
end
`,
    });
    const first = start(["order.lua"]);
    await readUntil(first.stdout, "step one\n");
    // Once a second runtime is refused, the first one still has the journal.
    const refused = await run("order.lua");
    expect(refused.status).toBe(1);
    expect(refused.err).toContain("already open in another runtime");
    first.kill("SIGKILL");
    await first.exited;
    const { status, out, err } = await run("order.lua");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    // The first step may have ended after its print and before its record.
    expect(out.replace(/^step one\n/, "")).toBe("step two\none two\n");
  });
});

describe("what a script reaches", () => {
  const reach = `local fs, env = require("fs"), require("env")
function functions.read() return fs.get("script:cwd"):readfile("note.txt") end
function main()
  print(require("funcs").call("script:read"))
  local root = fs.get("script:root")
  root:writefile(env.get("FOLDER") .. "/made.txt", "made")
  print(fs.get("script:cwd"):readfile("made.txt"))
end
`;

  test("files and environment, with the user's rights", async () => {
    const { run, directory, env } = place({ "reach.lua": reach, "note.txt": "noted" });
    Object.assign(env, { FOLDER: directory });
    expect(await run("reach.lua")).toEqual({ status: 0, out: "noted\tnil\nmade\tnil\n", err: "" });
  });

  test("--sandbox takes that away, from all its units", async () => {
    const { run } = place({ "reach.lua": reach, "note.txt": "noted" });
    const { status, out, err } = await run("--sandbox", "reach.lua");
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain("reach.lua:1  module 'fs' not found; ");
    const outside = [...builtinModules].filter(([, module]) => !module.sandbox).map(([name]) =>
      name
    );
    expect(outside).toContain("registry");
    for (const name of outside) {
      const code = `function functions.f() return ${name} end\n` +
        `function main() print(funcs.call("script:f"), ${name}, pcall(require, "${name}")) end`;
      const there = await run("--sandbox", "-e", code);
      expect(there.out).toStartWith(`nil nil false module '${name}' not found`);
    }
  });
});

test("the scripts of the guide print what it says", async () => {
  const page = readFileSync(join(root, "docs/guide/scripts.md"), "utf8");
  const shown = [...page.matchAll(/^```lua\n-- (\S+)\n(.*?)^```\n\n```text\n(.*?)^```/gms)];
  expect(shown.length).toBeGreaterThan(2);
  const { run } = place(Object.fromEntries(shown.map(([, name, source]) => [name!, source!])));
  for (const [, name, , text] of shown) {
    expect(await run(name!)).toEqual({ status: 0, out: text!, err: "" });
  }
});
