import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/sources.ts";
import { cleanAfterTest } from "../cleanup.ts";

/** Runs `wippy repl` on an input, in a folder of its own for state and temporary files. */
async function repl(input: string, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "wippy-repl-test-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), "repl", ...args], {
    cwd: folder,
    env: { ...process.env, XDG_STATE_HOME: folder, TMPDIR: folder },
    stdin: new TextEncoder().encode(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, status, folder };
}

test("the prompt reads a pipe to its end, errors do not end it, and nothing is left behind", async () => {
  const { out, err, status, folder } = await repl(`x = 20
function double(n)
  return 2 * n
end
double(x), "text"
error("no")
print("shown", x)
function functions.add(a, b) return a + b end
funcs.call("script:add", x, 1)
function workflows.order(n) time.sleep("1ms") return funcs.call("script:add", n, n) end
workflow.execute("script:order", 2)
io.readline()
a line for the code
require("env").get("XDG_STATE_HOME") ~= nil
`);
  expect(err).toBe("repl:1: no\n");
  expect(out).toBe('40\n"text"\nshown\t20\n21\n4\n"a line for the code"\ntrue\n');
  // Whoever writes into the pipe learns of the error.
  expect(status).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ["nothing", "", 0, ""],
  ["what works", "1 + 1\n", 0, ""],
  ["an error, then what works", "error('no')\n1\n", 1, "repl:1: no\n"],
  ["an error, then .exit", "error('no')\n.exit\n", 1, "repl:1: no\n"],
  ["a syntax error", "x = = 1\n", 1, "repl:1: unexpected symbol near '='\n"],
  ["half of a function", "function f()\n  return 1\n", 1, "the input ends within: function f()\n"],
])("the status after %s", async (_what, input, status, err) => {
  expect(await repl(input)).toMatchObject({ status, err });
});

test("what runs may end it, with a status", async () => {
  expect(await repl("system.exit(3)\ntime.sleep('1h')\n")).toMatchObject({ status: 3, err: "" });
  expect(await repl("1\n.exit\n2\n")).toMatchObject({ status: 0, out: "1\n" });
});

test("--sandbox and --state hold for it too", async () => {
  const { out, folder } = await repl("fs, registry\n.help\n", "--sandbox", "--state", "kept");
  expect(out).toStartWith("nil\nType Lua: ");
  expect(existsSync(join(folder, "kept/journal.db"))).toBe(true);
});
