import { describe, expect, test } from "bun:test";
import { failure, startDurable, type Units } from "./durable-application.ts";

const main = `
  local seen = {}
  workflow.set_query_handler("seen", function(prefix)
    local list = {}
    for i, value in ipairs(seen) do list[i] = (prefix or "") .. value end
    return list
  end)
  workflow.set_query_handler("fail", function() return nil, "no answer" end)
  workflow.set_query_handler("raise", function() error("broken") end)
  workflow.set_query_handler("sleep", function() time.sleep(1) end)
  workflow.set_query_handler("call", function() return funcs.call("app:close") end)
  workflow.set_query_handler("send", function() return process.send(process.pid(), "value", "x") end)
  workflow.set_query_handler("version", function() return workflow.version("new", -1, 1) end)
  workflow.set_query_handler("random", function() return math.random() end)
  workflow.set_query_handler("spawn", function() coroutine.spawn(function() seen[#seen + 1] = "spawned" end) end)
  workflow.set_query_handler("wait", function() return channel.new():receive() end)
  workflow.set_query_handler("loop", function() while true do end end)
  workflow.set_query_handler("info", function() return workflow.info().run_id ~= nil and time.now():unix() > 0 end)
  local values = process.listen("value")
  while true do
    local value = values:receive()
    if value == "close" then return #seen end
    seen[#seen + 1] = value
  end`;

const units: Units = {
  workflows: { main },
  functions: {
    spawn: `return process.with_options{ ["workflow.id"] = "q" }:spawn("app:main", "app:durable")`,
    send: `return process.send("{app:durable|q}", "value", ...)`,
    query: `return workflow.query("{app:durable|q}", ...)`,
    length: `return workflow.query("{app:durable|q}", "length")`,
    close: `process.send("{app:durable|q}", "value", "close")
      return process.exec("app:waiter", "app:processes")`,
  },
  processes: {
    waiter: `process.monitor("{app:durable|q}") return process.events():receive().result.value`,
  },
};

async function startMain(changes: Units = {}) {
  const application = await startDurable({ ...units, ...changes });
  await application.call("spawn");
  return application;
}

describe("queries", () => {
  test("see every message that was sent before, of live, replayed and closed runs", async () => {
    const application = await startMain();
    expect(await application.call("query", "seen")).toEqual({});
    await application.call("send", "a");
    expect(await application.call("query", "seen", "1")).toEqual(["1a"]);
    await application.start(units);
    expect(await application.call("query", "seen", "2")).toEqual(["2a"]);
    await application.call("send", "b");
    expect(await application.call("query", "seen")).toEqual(["a", "b"]);
    expect(await application.call("close")).toBe(2);
    expect(await application.call("query", "seen", "3")).toEqual(["3a", "3b"]);
    await application.start(units);
    expect(await application.call("query", "seen")).toEqual(["a", "b"]);
    expect(await application.call("query", "pid")).toBe("{app:durable|q}");
  });

  test("of a closed run are answered by the code of today", async () => {
    const application = await startMain();
    await application.call("send", "a");
    await application.call("close");
    await application.start({
      ...units,
      workflows: { main: main.replace("return list", "return #list") },
    });
    expect(await application.call("query", "seen")).toBe(1);
  });

  test("leave no events", async () => {
    const counted = `
      local length = 0
      workflow.set_query_handler("length", function() return length end)
      while process.listen("value"):receive() do length = workflow.history_length() end`;
    const application = await startMain({ workflows: { main: counted } });
    await application.call("send", "a");
    const before = Number(await application.call("length"));
    for (let i = 0; i < 5; i++) await application.call("query", "length");
    await application.call("send", "b");
    // TaskCompleted, ExecutionSignaled, TaskStarted.
    expect(await application.call("length")).toBe(before + 3);
  });

  test("fail with the handler's error and harm nothing", async () => {
    const application = await startMain();
    await application.call("send", "a");
    expect(await failure(application.call("query", "fail"))).toMatchObject({
      kind: "Internal",
      message: "no answer",
    });
    expect((await failure(application.call("query", "raise"))).message).toContain("broken");
    expect(await failure(application.call("query", "other"))).toMatchObject({
      kind: "NotFound",
      message: expect.stringContaining("unknown query 'other'; known are: call, fail, info"),
    });
    for (const name of ["sleep", "call", "send", "version", "random"]) {
      expect(await failure(application.call("query", name))).toMatchObject({
        kind: "Invalid",
        message: "a query handler must not have side effects",
      });
    }
    expect(await failure(application.call("query", "spawn"))).toMatchObject({ kind: "Invalid" });
    expect(await failure(application.call("query", "wait"))).toMatchObject({ kind: "Internal" });
    expect(await application.call("query", "info")).toBe(true);
    await application.call("send", "b");
    expect(await application.call("query", "seen")).toEqual(["a", "b"]);
    expect(await application.call("close")).toBe(2);
  });

  test("that never end are ended", async () => {
    const application = await startMain();
    expect(await failure(application.call("query", "loop"))).toMatchObject({ kind: "Internal" });
    expect(await application.call("close")).toBe(0);
  });

  test("of unknown runs are NotFound, of blocked ones Conflict", async () => {
    const application = await startMain();
    await application.call("send", "a");
    const changed = main.replace("local seen", 'time.sleep("1s") local seen');
    await application.start({ ...units, workflows: { main: changed } });
    await application.call("send", "b");
    await application.reported("is blocked");
    expect(await failure(application.call("query", "seen"))).toMatchObject({
      kind: "Conflict",
      message: expect.stringContaining("workflow q is blocked: history has"),
    });
    await application.start({
      functions: { query: `return workflow.query("{app:durable|nobody}", "seen")` },
    });
    expect(await failure(application.call("query"))).toMatchObject({ kind: "NotFound" });
  });

  test("from a run to another are recorded; where its coroutines wait is a query too", async () => {
    const application = await startMain({
      workflows: {
        main,
        asker: `local list = assert(workflow.query("{app:durable|q}", "seen"))
          local _, own = workflow.query(process.pid(), "seen")
          return { list, own:kind() }`,
      },
      functions: { ...units.functions, ask: `return workflow.exec("app:asker")` },
    });
    await application.call("send", "a");
    expect(await application.call("ask")).toEqual([["a"], "Invalid"]);
    expect(await application.call("query", "__stack_trace")).toContain("app:main:");
  });

  test("replay in silence, of closed runs too; what their handlers log is logged", async () => {
    const told = `print("began") logger:info("logged")
      workflow.set_query_handler("told", function() print("asked") return true end)
      process.listen("value"):receive() print("ended")`;
    const application = await startMain({ workflows: { main: told } });
    await application.printedBy("main");
    await application.call("close");
    const before = application.logs.filter(({ message }) => /^(began|logged|ended)$/.test(message));
    expect(before.map(({ message }) => message)).toEqual(["began", "logged", "ended"]);
    expect(await application.call("query", "told")).toBe(true);
    await application.start({ ...units, workflows: { main: told } });
    expect(await application.call("query", "told")).toBe(true);
    const after = application.logs.filter(({ message }) => /^(began|logged|ended)$/.test(message));
    expect(after).toEqual(before);
    expect(application.printed("main").filter((line) => line === "asked")).toHaveLength(2);
  });

  test("are answered by any of several workers", async () => {
    const application = await startDurable(units, { workers: 2 });
    await application.call("spawn");
    for (let i = 1; i <= 10; i++) {
      await application.call("send", `v${i}`);
      expect(await application.call("query", "seen")).toHaveLength(i);
    }
  });
});
