import type { DebugProtocol } from "@vscode/debugprotocol";
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { DapClient } from "./dap-client.ts";

const definitions = `version: "1.0"
namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: price, kind: function.lua, source: "file://price.lua", method: main }
  - { name: order, kind: workflow.lua, source: "file://order.lua", method: main, modules: [funcs, time] }
  - name: main
    kind: process.lua
    meta: { command: { name: main } }
    source: file://main.lua
    method: main
`;

const order = `local funcs, time = require("funcs"), require("time")

local function main(count)
  local total = 0
  for i = 1, count do
    local price = funcs.call("app:price", i)
    total = total + price
  end
  time.sleep("1ms")
  return total
end

return { main = main }
`;

const main = `return { main = function()
  local events = process.events()
  process.with_options({ ["workflow.id"] = "order-1" })
    :spawn_monitored("app:order", "app:durable", 2)
  events:receive()
  return 0
end }
`;

/** An application with the closed run order-1. */
async function application(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), "wippy-recorded-run-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "wippy.lock"), "directories: { src: ./src }\n");
  const files = {
    "_index.yaml": definitions,
    "price.lua": "return { main = function(i) return i * 10 end }\n",
    "order.lua": order,
    "main.lua": main,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, "src", name), text);
  const program = join(import.meta.dir, "../../../src/main.ts");
  const run = Bun.spawn([process.execPath, program, "run", "main"], { cwd: root });
  expect(await run.exited).toBe(0);
  return root;
}

test("a closed run is gone through forward and back, with the variables at each event", async () => {
  const root = await application();
  const file = join(root, "src/order.lua");
  const editor = new DapClient();
  await editor.request("initialize", { adapterID: "wippy" });
  await expect(editor.request("launch", { cwd: root, run: "order-2" })).rejects.toThrow("order-2");
  await editor.request("disconnect");

  const second = new DapClient();
  await second.launch({ cwd: root, run: "order-1" });

  /** Where the run stands: its line, its local variables, what it waits for. */
  const look = async () => {
    const { threadId } = await second.event("stopped");
    const [frame] = await second.stack(threadId!);
    const scopes = await second.scopes(frame!.id);
    const shown = async (ref: number) =>
      Object.fromEntries((await second.variables(ref)).map(({ name, value }) => [name, value]));
    const { time: _, ...run } = await shown(scopes["Run"]!);
    const locals = scopes["Locals"] === undefined ? {} : await shown(scopes["Locals"]);
    return { threadId: threadId!, frame: frame!, run, locals };
  };
  const go = async (kind: string, { threadId }: { threadId: number }) => {
    await second.request(kind, { threadId });
    return await look();
  };

  // A closed run is shown where it waited last.
  const last = await look();
  expect(last.frame).toMatchObject({ line: 9, source: { path: file } });
  expect(last.locals).toMatchObject({ count: "2", total: "30" });
  expect(Object.keys(last.run)).toContain("waits for timer 1");

  const before = await go("stepBack", last);
  expect(before.frame.line).toBe(6);
  expect(before.locals).toMatchObject({ total: "10", i: "2" });
  expect(before.run["waits for activity 2"]).toStartWith("app:price (event ");

  const first = await go("reverseContinue", before);
  expect(first.locals).toMatchObject({ total: "0", i: "1" });
  expect(first.run["position"]).toBe("1 of 4");
  expect(Object.keys(first.run)).toContain("waits for activity 1");
  // There is nothing before it.
  expect((await go("stepBack", first)).run["position"]).toBe("1 of 4");

  const { result } = await second.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
    frameId: (await second.stack(
      (await second.request<
        DebugProtocol.ThreadsResponse["body"]
      >("threads")).threads[0]!.id,
    ))[0]!.id,
    expression: "count + i",
  });
  expect(result).toBe("3");

  // A breakpoint holds where the code waits on its line.
  await second.breakpoints(file, [{ line: 9 }]);
  const [thread] = (await second.request<DebugProtocol.ThreadsResponse["body"]>("threads")).threads;
  expect((await go("continue", { threadId: thread!.id })).frame.line).toBe(9);
  await second.breakpoints(file, []);
  const [again] = (await second.request<DebugProtocol.ThreadsResponse["body"]>("threads")).threads;
  const end = await go("next", { threadId: again!.id });
  expect(end.frame.name).toStartWith("the run has ended after event ");
  expect(end.run["position"]).toBe("4 of 4");
  await second.request("disconnect");

  // Code that no longer does what the history says stops where the two part.
  writeFileSync(file, order.replace('time.sleep("1ms")', 'funcs.call("app:price", 3)'));
  const third = new DapClient();
  await third.launch({ cwd: root, run: "order-1" });
  const { reason, text, threadId } = await third.event("stopped");
  expect(reason).toBe("exception");
  expect(text).toContain("TimerStarted");
  expect((await third.stack(threadId!))[0]!.line).toBe(9);
  await third.request("disconnect");
});
