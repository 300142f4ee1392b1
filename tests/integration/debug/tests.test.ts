/** Tests of an application are debugged in their virtual time. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { DapClient } from "./dap-client.ts";

const files = {
  "wippy.lock": "directories: { src: ./src }\n",
  "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: wait, kind: function.lua, source: "file://wait.lua", method: main, modules: [time] }
`,
  "src/wait.lua": `local time = require("time")
return { main = function(days)
  time.sleep(days * 24 .. "h")
  local waited = days
  return waited
end }
`,
  "src/wait_test.lua": `local funcs = require("funcs")
local time = require("time")

it("waits a week", function()
  local before = clock.now()
  local result = funcs.call("app:wait", 7)
  local hours = clock.now():sub(before):hours()
  expect(result):to_equal(7)
  expect(math.floor(hours)):to_equal(168)
end)

it("is not stopped for by a timer", function()
  local late = time.after("1h")
  local reached = "here"
  local chosen = channel.select({ late:case_receive(), default = true })
  expect(chosen.default):to_equal(true)
end)

it("waits no more", function()
  expect(funcs.call("app:wait", 1)):to_equal(2)
end)
`,
};

function application() {
  const root = mkdtempSync(join(tmpdir(), "wippy-debug-tests-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "src"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  return { root, file: (name: string) => join(root, "src", name) };
}

test("tests stop at breakpoints, each in a runtime of its own, and their clock stands meanwhile", async () => {
  const { root, file } = application();
  const editor = new DapClient();
  await editor.launch({ cwd: root, test: "src/wait_test.lua" }, {
    [file("wait.lua")]: [{ line: 5 }],
    [file("wait_test.lua")]: [{ line: 14 }],
  });
  const look = async () => {
    const { threadId } = await editor.event("stopped");
    const [frame] = await editor.stack(threadId!);
    const evaluate = async (expression: string) =>
      (await editor.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
        frameId: frame!.id,
        expression,
      })).result;
    return { threadId: threadId!, at: `${frame!.source?.path}:${frame!.line}`, evaluate };
  };
  const week = await look();
  expect(week.at).toBe(`${file("wait.lua")}:5`);
  expect(await week.evaluate("waited")).toBe("7");
  await editor.request("continue", { threadId: week.threadId });

  // An hour of virtual time is a moment, but not while the test stands.
  const timer = await look();
  expect(timer.at).toBe(`${file("wait_test.lua")}:14`);
  const now = "require('time').now():unix()";
  const first = await timer.evaluate(now);
  expect(await timer.evaluate(now)).toBe(first);
  await editor.request("continue", { threadId: timer.threadId });

  const last = await look();
  expect(await last.evaluate("days")).toBe("1");
  await editor.request("continue", { threadId: last.threadId });
  expect(await editor.output("stdout", "2 passed, 1 failed")).toContain("waits no more");
  expect(await editor.event<DebugProtocol.ExitedEvent["body"]>("exited")).toEqual({ exitCode: 1 });
});

test("one test is chosen by its name", async () => {
  const { root, file } = application();
  const editor = new DapClient("--test", "src/wait_test.lua", "--filter", "no more");
  await editor.launch({ cwd: root }, { [file("wait.lua")]: [{ line: 5 }] });
  const { threadId } = await editor.event("stopped");
  await editor.request("continue", { threadId });
  expect(await editor.output("stdout", "0 passed, 1 failed")).not.toContain("a week");
  await editor.event("terminated");
});

test("what names no test is refused", async () => {
  const { root } = application();
  await expect(new DapClient().launch({ cwd: root, filter: "x" })).rejects.toThrow(
    "filter goes with test",
  );
  await expect(new DapClient().launch({ cwd: root, test: "a", command: "b" })).rejects.toThrow(
    "only one of program, command, run and test",
  );
  const editor = new DapClient();
  await expect(editor.launch({ cwd: root, test: "src/none.lua" })).rejects.toThrow("ended");
  expect(await editor.output("stderr", "hint")).toContain("there is no src/none.lua");
});
