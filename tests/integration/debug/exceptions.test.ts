/** A debugger that stops at all errors. */
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
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - name: main
    kind: process.lua
    meta: { command: { name: main } }
    source: file://main.lua
    method: main
    modules: [funcs, io]
`,
  "src/main.lua": `  local io, funcs = require("io"), require("funcs")
return { main = function()
  local ok, why = pcall(function(reason)
    error(reason, 0)
  end, "first")
  io.print(ok, why)
  local made, fault = pcall(function()
    local missing
    return missing.field
  end)
  io.print(made, fault)
  local called, refused = pcall(funcs.call, 5)
  local next = coroutine.wrap(function(inner)
    error(inner, 0)
  end)
  local _, last = pcall(next, "in a generator")
  io.print(called, last)
  return 0
end }`,
};

test("an application stops at errors that something catches, and goes on as it would without", async () => {
  const root = mkdtempSync(join(tmpdir(), "wippy-debug-errors-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "src"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  const editor = new DapClient();
  await editor.launch({ cwd: root, command: "main" }, {}, ["all"]);
  const evaluate = async (frameId: number, expression: string) =>
    (await editor.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
      frameId,
      expression,
    })).result;
  const look = async () => {
    const { threadId, reason, text } = await editor.event("stopped");
    expect(reason).toBe("exception");
    const info = await editor.request<DebugProtocol.ExceptionInfoResponse["body"]>(
      "exceptionInfo",
      { threadId },
    );
    expect(info).toMatchObject({ breakMode: "always", description: text });
    const [frame] = await editor.stack(threadId!);
    return { threadId: threadId!, text, frame: frame! };
  };
  const first = await look();
  expect([first.text, first.frame.line]).toEqual(["first", 4]);
  expect(await evaluate(first.frame.id, "reason")).toBe('"first"');
  // An expression that fails is no error of the application.
  await expect(evaluate(first.frame.id, "error('no')")).rejects.toThrow("no");
  // A step goes on where the error is caught.
  await editor.request("next", { threadId: first.threadId });
  expect((await editor.event("stopped")).reason).toBe("step");
  expect((await editor.stack(first.threadId))[0]!.line).toBe(6);
  expect((await editor.ask("exceptionInfo", { threadId: first.threadId })).success).toBe(false);
  await editor.request("continue", { threadId: first.threadId });

  const second = await look();
  expect([second.frame.line, await evaluate(second.frame.id, "missing")]).toEqual([9, "nil"]);
  await editor.request("continue", { threadId: second.threadId });

  // An error that a module raises is shown where the module was called.
  const third = await look();
  expect(third.frame.line).toBe(12);
  await editor.request("continue", { threadId: third.threadId });

  const last = await look();
  expect([last.text, last.frame.line]).toEqual(["in a generator", 14]);
  expect(await evaluate(last.frame.id, "inner")).toBe('"in a generator"');
  // Off again: the rest goes on without a stop.
  await editor.request("setExceptionBreakpoints", { filters: [] });
  await editor.request("continue", { threadId: last.threadId });
  expect(await editor.output("stdout", "generator")).toBe(
    "false\tfirst\nfalse\tapp:main:9: attempt to index a nil value (local 'missing')\n" +
      "false\tin a generator\n",
  );
  expect(await editor.event<DebugProtocol.ExitedEvent["body"]>("exited")).toEqual({
    exitCode: 0,
  });
});
