import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LuaValue } from "../../../src/vm/value.ts";
import { type Code, startApplication, type TestApplication } from "../application.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";

const path = "/usr/local/bin:/usr/bin:/bin";

/** A function whose body has an executor, and `told(err)` for an error. */
function unit(body: string): Code {
  return {
    modules: ["exec", "time"],
    source: `local exec, time = require("exec"), require("time")
      local function told(err) return err and err:kind() .. ": " .. err:message() end
      local function all(stream)
        local parts = {}
        for part in function() return (assert(stream):read()) end do parts[#parts + 1] = part end
        return table.concat(parts)
      end
      local function main(...)
        local shell = assert(exec.get("app:shell"))
        ${body}
      end
      return { main = main }`,
  };
}

function start(
  functions: Record<string, string>,
  shell: Record<string, unknown> = {},
): Promise<TestApplication> {
  return startApplication({
    entries: { shell: { kind: "exec.native", default_env: { PATH: path }, ...shell } },
    functions: Object.fromEntries(
      Object.entries(functions).map(([name, body]) => [name, unit(body)]),
    ),
  });
}

async function run(body: string, shell: Record<string, unknown> = {}): Promise<LuaValue> {
  return await (await start({ main: body }, shell)).call("main");
}

test("a program has its input, its outputs, its environment and its exit code", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("sh -c 'cat; echo $A$B$HOME; echo no >&2; exit 3'", { env = { B = "2" } }))
       local out, err = p:stdout_stream(), p:stderr_stream()
       assert(p:start())
       assert(p:write_stdin("a\\0\\xff\\n"))
       assert(p:write_stdin(""))
       return { all(out), out:read() == nil, all(err), p:wait() }`,
      { default_env: { PATH: path, A: "1", B: "1" } },
    ),
  ).toEqual([new Uint8Array([97, 0, 255, 10, 49, 50, 10]), true, "no\n", 3]);
});

test("what was taken can be read when the program was waited for", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("echo late"))
       local out = p:stdout_stream()
       p:start()
       local code = p:wait()
       return { code, out:read(), out:read() == nil, out:stat().position, told(select(2, p:wait())) }`,
    ),
  ).toEqual([0, "late\n", true, 5, "Invalid: wait: the program is closed"]);
});

test("a program that nobody reads does not wait for ever", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("sh -c 'yes | head -c 3000000; yes | head -c 3000000 >&2'"))
       p:start()
       return p:wait()`,
    ),
  ).toBe(0);
});

test("many megabytes go through both pipes in their order", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("cat"))
       local out = p:stdout_stream()
       p:start()
       local block = ("0123456789abcdef"):rep(8192)
       coroutine.spawn(function()
         for i = 1, 100 do p:write_stdin(block) end
         p:write_stdin("")
       end)
       local size, whole = 0, true
       while true do
         local data, err = out:read(65536)
         if not data then break end
         local from = size % 16
         whole = whole and data == block:sub(from + 1, from + #data)
         size = size + #data
       end
       return { size, whole, p:wait() }`,
    ),
  ).toEqual([100 * 131072, true, 0]);
}, 30_000);

test.skipIf(process.platform !== "linux")(
  "a program waits while nobody reads its output",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "wippy-exec-"));
    cleanAfterTest(() => rmSync(folder, { recursive: true }));
    const application = await start({
      main: `local p = assert(shell:exec("sh -c 'echo $$ > pid; exec yes'"))
        local out = p:stdout_stream()
        p:start()
        out:read(1)
        time.sleep("1h")`,
    }, { default_work_dir: folder });
    application.call("main").catch(() => {});
    const pid = await until(() => {
      const file = join(folder, "pid");
      return existsSync(file) && readFileSync(file, "utf8").trim();
    });
    const written = () => Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, "utf8"))![1]);
    const state = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]![0];
    // It sleeps in the write.
    await until(() => written() > 60_000 && state() === "S");
    expect(written()).toBeLessThan(2_000_000);
  },
  30_000,
);

const refusals: [call: string, message: string | RegExp][] = [
  ["exec.get('')", "Invalid: empty executor id"],
  ["exec.get('app:none')", "NotFound: executor not found: app:none"],
  [
    "exec.get('app:processes')",
    "Invalid: app:processes is a process.host entry; use the id of an exec.* entry",
  ],
  ["shell:exec('')", "Invalid: the command is empty"],
  ["shell:exec([['' \"\"]])", "Invalid: the command is empty"],
  ["shell:exec('a\\0b')", "Invalid: a command cannot hold a NUL byte"],
  [
    "shell:exec('ls', { env = { A = 1 } })",
    "Invalid: exec: env.A must have a name and be a string",
  ],
  ["shell:exec('ls', { env = { ['A=B'] = '1' } })", /^Invalid: env: the name of a variable/],
  ["shell:exec('ls', { env = { A = 'a\\0' } })", /^Invalid: env: the name of a variable/],
  ["shell:exec('ls', { env = 'A=1' })", "Invalid: exec: env is a table of strings"],
  ["shell:exec('ls', { work_dir = 1 })", "Invalid: exec: work_dir is a string"],
  ["shell:exec('missing'):start()", /^Internal: start missing: no such program in PATH; give its/],
  ["shell:exec('/missing'):start()", "Internal: start /missing: there is no such program"],
  ["shell:exec('/tmp'):start()", "Internal: start /tmp: there is no such program"],
  [
    "shell:exec('ls', { work_dir = '/missing' }):start()",
    "Internal: start ls: work_dir /missing is not a directory",
  ],
  ["shell:exec('ls'):wait()", "Invalid: the program is not started"],
  ["shell:exec('ls'):write_stdin('x')", "Invalid: the program is not started"],
  ["shell:exec('ls'):write_stdin('')", "Invalid: the program is not started"],
  ["shell:exec('ls'):signal(15)", "Invalid: the program is not started"],
  ["shell:exec('ls'):close()", "Invalid: the program is not started"],
  ["ended():signal(15)", "Invalid: signal: the program is closed"],
  ["ended():close()", "Invalid: close: the program is closed"],
  ["ended():start()", "Invalid: start: the program is closed"],
  ["ended():stdout_stream()", "Invalid: take: the program is closed"],
  ["ended():write_stdin('x')", "Invalid: write: the program is closed"],
  ["sleeping():start()", "Invalid: the program is already started"],
  ["sleeping():signal(0)", /^Invalid: exec.signal: argument 1: a signal is a number/],
  ["sleeping():signal(65)", /^Invalid: exec.signal: argument 1: a signal is a number/],
  ["closed():write_stdin('x')", "Invalid: the input of the program is closed"],
  ["closed():write_stdin('')", "Invalid: the input of the program is closed"],
  ["released():exec('ls')", "Invalid: exec: the executor is released"],
];

test("what cannot be done is refused", async () => {
  const application = await start(Object.fromEntries(
    refusals.map(([call], index) => [
      `case_${index}`,
      `local function ended() local p = shell:exec("true"); p:start(); p:wait(); return p end
       local function sleeping() local p = shell:exec("sleep 100"); assert(p:start()); return p end
       local function closed() local p = sleeping(); assert(p:write_stdin("")); return p end
       local function released() assert(shell:release()); return shell end
       return told(select(2, ${call}))`,
    ]),
  ));
  for (const [index, [call, message]] of refusals.entries()) {
    const told = String(await application.call(`case_${index}`));
    if (typeof message === "string") expect({ call, told }).toEqual({ call, told: message });
    else expect({ call, told }).toEqual({ call, told: expect.stringMatching(message) });
  }
});

test.each([
  ["exec.get()", "bad argument #1 to 'get'"],
  ["shell:exec({})", "bad argument #1 to 'exec'"],
  ["shell:exec('ls', 'x')", "bad argument #2 to 'exec'"],
  ["shell:exec('ls'):signal('x')", "bad argument #1 to 'signal'"],
  ["shell:exec('ls'):write_stdin()", "bad argument #1 to 'write_stdin'"],
  ["shell:exec('ls'):close(1)", "bad argument #1 to 'close'"],
])("%s raises", async (call, message) => {
  expect(String(await run(`return select(2, pcall(function() return ${call} end))`)))
    .toContain(message);
});

test("a shell is not there unless the command is one", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("echo $HOME; echo 'a  b' > x"))
       local out = p:stdout_stream()
       p:start()
       p:wait()
       return out:read()`,
    ),
  ).toBe("$HOME; echo a  b > x\n");
});

test("only whole commands of the whitelist run", async () => {
  expect(
    await run(
      `local _, longer = shell:exec("echo yes; id")
       local _, quoted = shell:exec("echo  yes")
       local p = assert(shell:exec("echo yes"))
       local out = p:stdout_stream()
       p:start()
       return { out:read(), longer:kind(), quoted:kind() }`,
      { command_whitelist: ["echo yes"] },
    ),
  ).toEqual(["yes\n", "Internal", "Internal"]);
});

test("a program runs where the entry or the call says", async () => {
  expect(
    await run(
      `local function where(options)
         local p = assert(shell:exec("pwd", options))
         local out = p:stdout_stream()
         assert(p:start())
         p:wait()
         return (out:read():match("[^/]*/[^/]*$"):gsub("%s", ""))
       end
       return { where(), where({ work_dir = "src/.." }) == where({ work_dir = "." }), where({ work_dir = "/usr/bin" }) }`,
      { default_work_dir: "src" },
    ),
  ).toEqual([expect.stringMatching(/^wippy-kernel-\w+\/src$/), true, "usr/bin"]);
});

test("without PATH a program needs its absolute path", async () => {
  expect(
    await run(
      `local _, err = shell:exec("true"):start()
       local p = assert(shell:exec("/bin/true"))
       assert(p:start())
       return { err:kind(), p:wait() }`,
      { default_env: {} },
    ),
  ).toEqual(["Internal", 0]);
});

test("a signal reaches the program, and what killed it is its exit code", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("sh -c 'trap \\"exit 7\\" USR1; echo up; while :; do sleep 0.01; done'"))
       local out = p:stdout_stream()
       p:start()
       out:read()
       p:signal(10)
       local seven = p:wait()
       local q = shell:exec("sleep 100")
       q:start()
       q:signal(9)
       return { seven, q:wait() }`,
    ),
  ).toEqual([7, 137]);
});

test("an executor runs no more programs than it may", async () => {
  expect(
    await run(
      `local first = shell:exec("sleep 100")
       first:start()
       local _, err = shell:exec("sleep 100"):start()
       first:close(true)
       local again
       repeat again = shell:exec("true"):start() until again
       return { told(err), err:retryable() }`,
      { max_processes: 1 },
    ),
  ).toEqual([
    "Unavailable: executor app:shell runs 1 programs already; raise max_processes",
    true,
  ]);
});

test("a program that writes more than it may is killed", async () => {
  expect(
    await run(
      `local p = assert(shell:exec("yes"))
       local out = p:stdout_stream()
       p:start()
       local data, err
       repeat data, err = out:read() until not data
       return { told(err), p:wait() }`,
      { max_output: 100_000 },
    ),
  ).toEqual(["Internal: the program wrote more than 100000 bytes; raise max_output", 137]);
});

test.each([
  [{ command_whitelist: "ls" }, /command_whitelist/],
  [{ default_env: { "A=B": "1" } }, /default_env/],
  [{ default_env: { A: 1 } }, /default_env/],
  [{ max_processes: -1 }, /max_processes/],
  [{ max_output: 1.5 }, /max_output/],
  [{ lifecycle: 7 }, /lifecycle/],
])("an entry with %j is refused", async (fields, message) => {
  const failed = await start({ main: "" }, fields).then(() => undefined, (error: Error) => error);
  expect(failed?.message).toMatch(message);
});

test("an executor that its entry does not start is unavailable", async () => {
  const application = await start({ main: "return told(select(2, shell:exec('ls')))" }, {
    lifecycle: { auto_start: false },
  });
  expect(await application.call("main")).toContain("Unavailable: ");
});
