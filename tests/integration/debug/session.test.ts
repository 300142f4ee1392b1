/** One session over everything that an editor asks of a runtime that runs: a coroutine, its stack, its variables. */
import type { DebugProtocol } from "@vscode/debugprotocol";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { askSocket } from "../../../src/admin/socket.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { TestApplication } from "../application.ts";
import { DapClient } from "./dap-client.ts";

const add = `local calls = 0
local function add(a, b)
  calls = calls + 1
  local sum = a + b
  return sum
end
return { main = function(list)
  local total = 0
  coroutine.spawn(function()
    local mine = "a coroutine"
    require("time").sleep("1h")
    return mine
  end)
  for _, n in ipairs(list) do
    total = add(total, n)
  end
  return total
end }
`;

test("an attached session asks for everything, and detaches", async () => {
  const application = await TestApplication.start({ functions: { add } }, {});
  cleanAfterTest(() => application.stop());
  const directory = application.path("");
  const state = join(directory, "state");
  const main = join(import.meta.dir, "../../../src/main.ts");
  const flags = ["-C", directory, "-s", "run", "--debuggable", "--state", state];
  const program = Bun.spawn([process.execPath, main, ...flags], { stderr: "inherit" });
  cleanAfterTest(() => program.kill("SIGKILL"));
  await until(() => isThere(state));
  const file = application.path("src/add.lua");
  const editor = new DapClient();
  await editor.attach({ cwd: directory, state }, {
    // A condition, and a log point.
    [file]: [{ line: 5, condition: "b == 2" }, { line: 4, logMessage: "adds {b}" }],
  });
  const call = askSocket(state, "/api/v1/functions/app:add/call", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ args: [[1, 2, 3]] }),
  });
  const { threadId, reason } = await editor.event("stopped");
  expect(reason).toBe("breakpoint");
  expect(await editor.output("console", "adds 2")).toContain("adds 1\n");

  // Units and their coroutines are threads.
  const { threads } = await editor.request<DebugProtocol.ThreadsResponse["body"]>("threads");
  expect(threads.find(({ id }) => id === threadId)?.name).toStartWith("app:add");
  expect(threads.some(({ name }) => name.startsWith("app:add") && name.endsWith("(coroutine)")))
    .toBe(true);

  const [top, caller] = await editor.stack(threadId!);
  expect([top!.line, caller!.line]).toEqual([5, 15]);
  const scopes = await editor.scopes(top!.id);
  const shown = async (ref: number) =>
    (await editor.variables(ref)).map(({ name, value }) => `${name} = ${value}`);
  expect(await shown(scopes["Locals"]!)).toEqual(["a = 1", "b = 2", "sum = 3"]);
  expect(await shown(scopes["Upvalues"]!)).toEqual(["calls = 2"]);
  for (const context of ["watch", "hover", "repl"]) {
    const args = { frameId: top!.id, expression: "sum * calls", context };
    expect(await editor.request("evaluate", args)).toMatchObject({ result: "6" });
  }

  const step = async (kind: string) => {
    await editor.request(kind, { threadId });
    expect((await editor.event("stopped")).reason).toBe("step");
    return (await editor.stack(threadId!))[0]!.line;
  };
  await editor.breakpoints(file, []);
  expect(await step("stepOut")).toBe(14);
  expect(await step("next")).toBe(15);
  expect(await step("stepIn")).toBe(3);
  // Only a recorded run goes back.
  for (const back of ["stepBack", "reverseContinue"]) {
    await expect(editor.request(back, { threadId })).rejects.toThrow("only a recorded run");
  }
  // Detaching lets the unit go on that stands.
  await editor.request("disconnect");
  expect(await (await call).json()).toMatchObject({ value: 6 });
  expect(program.exitCode).toBeNull();
});

async function isThere(state: string): Promise<boolean> {
  return await askSocket(state, "/api/v1/status").then(({ ok }) => ok, () => false);
}
