import { describe, expect, test } from "bun:test";
import { failure, startDurable, type Units } from "./durable-application.ts";
import { until } from "../../until.ts";

const pid = "{app:durable|r}";

/** Two steps around a message, with what each does written down. */
const order = (second: string) => `
  local first = funcs.call("app:step", "first")
  local id = uuid.v4()
  print("waiting")
  local word = process.listen("word"):receive()
  local second = funcs.call("app:step", "${second} " .. word)
  return { first, second, id, (process.listen("more"):receive()) }`;

const units = (main: string, more: Units = {}): Units => ({
  ...more,
  workflows: { main, ...more.workflows },
  functions: {
    step: "note(...) return ...",
    spawn:
      `return process.with_options{ ["workflow.id"] = "r" }:spawn("app:main", "app:durable", ...)`,
    send: `return process.send("${pid}", ...)`,
    result: `process.monitor("${pid}")
      local result = process.events():receive().result
      if result.error then return nil, result.error end
      return result.value`,
    update: `return workflow.update_with({ id = ... }, "${pid}", select(2, ...))`,
    ...more.functions,
  },
});

describe("a reset", () => {
  test("of a closed run does a task anew; what came later comes again", async () => {
    const application = await startDurable(units(order("second")));
    await application.call("spawn");
    await application.printedBy("main");
    await application.call("send", "word", "hello");
    await application.call("send", "more", 1);
    const [, , id] = await application.call("result") as string[];
    expect(application.notes()).toEqual(["first", "second hello"]);

    await application.start(units(order("other")));
    // ExecutionStarted, TaskStarted, TaskCompleted, ActivityScheduled, ActivityCompleted, TaskStarted,
    // TaskCompleted, SideEffectRecorded, ExecutionSignaled, TaskStarted, TaskCompleted, ActivityScheduled.
    await application.workflows.reset(pid, { eventId: 12, reason: "a wrong word" });
    expect(await application.call("result")).toEqual(["first", "other hello", id, 1]);
    expect(application.notes()).toEqual(["first", "second hello", "other hello"]);
  });

  test("of an open run ends it, and those who wait go on with the new one", async () => {
    const application = await startDurable(units(order("second")));
    await application.call("spawn");
    await application.printedBy("main");
    const result = application.call("result");
    await application.call("send", "word", "hello");
    await until(() => application.notes().length >= 2);
    await application.workflows.reset(pid, { eventId: 4 });
    await application.call("send", "more", 2);
    const value = await result as unknown[];
    expect([value[0], value[1], value[3]]).toEqual(["first", "second hello", 2]);
    expect(application.notes()).toEqual(["first", "second hello", "first", "second hello"]);
  });

  test("lets a blocked run go on with the code of today", async () => {
    const application = await startDurable(units(order("second")));
    await application.call("spawn");
    await application.printedBy("main");
    const changed = order("second").replace("uuid.v4()", "1");
    await application.start(units(changed));
    await application.call("send", "word", "hello");
    await application.reported("is blocked");
    await application.workflows.reset(pid, { eventId: 8 });
    await application.call("send", "more", 3);
    expect(await application.call("result")).toEqual(["first", "second hello", 1, 3]);
  });

  test("survives a restart and can be reset again, without messages coming twice", async () => {
    const application = await startDurable(units(order("second")));
    await application.call("spawn");
    await application.printedBy("main");
    await application.call("send", "word", "hello");
    await application.call("send", "more", 1);
    await application.call("result");
    for (let i = 0; i < 3; i++) {
      await application.workflows.reset(pid, { eventId: 10 });
      await application.start(units(order("second")));
      expect(await application.call("result")).toEqual([
        "first",
        "second hello",
        expect.any(String),
        1,
      ]);
    }
    const history = `local seen, inbox = {}, process.inbox()
      local timeout = time.after("20ms")
      while true do
        local got = channel.select{ inbox:case_receive(), timeout:case_receive() }
        if got.channel == timeout then return seen end
        seen[#seen + 1] = got.value:topic()
      end`;
    await application.start(units(history));
    await application.workflows.reset(pid, { eventId: 1 });
    expect(await application.call("result")).toEqual(["word", "more"]);
  });

  test("keeps timers and children that were there before", async () => {
    const main = `local child = process.spawn("app:child", "app:durable")
      local events = process.events()
      local timer = time.after("50ms")
      print("waiting")
      process.listen("word"):receive()
      note("word")
      process.listen("go"):receive()
      timer:receive()
      return { events:receive().result.value, child ~= nil }`;
    const child = 'note("child") process.listen("end"):receive() return "child ended"';
    const application = await startDurable(units(main, {
      workflows: { child },
      functions: { children: `return process.send(..., "end")` },
    }));
    await application.call("spawn");
    await application.printedBy("main");
    await application.call("send", "word");
    await until(() => application.notes().includes("word"));
    const runId = await application.workflows.reset(pid, { eventId: 12 });
    const info = await application.workflows.describe(pid);
    expect(info).toMatchObject({ runId, status: "running" });
    const base = info!.firstRunId;
    await application.call("children", `{app:durable|${base}_1}`);
    await application.call("send", "go");
    expect(await application.call("result")).toEqual(["child ended", true]);
    expect(application.notes().filter((line) => line === "child")).toEqual(["child"]);
  });

  test("keeps the outcome of updates that have one, and delivers the others again", async () => {
    const main = (factor: number) =>
      `local sum = 0
      workflow.set_update_handler("add", function(n) sum = sum + ${factor} * n return sum end)
      workflow.set_update_handler("wait", function() process.listen("go"):receive() return sum end)
      print("waiting")
      return process.listen("end"):receive() + sum`;
    const application = await startDurable(units(main(1)));
    await application.call("spawn");
    await application.printedBy("main");
    expect(await application.call("update", "u1", "add", 5)).toBe(5);
    const waiting = application.call("update", "u2", "wait");
    await application.call("send", "other");
    await application.change(units(main(10)));
    await application.workflows.reset(pid, { eventId: 1 });
    expect(await application.call("update", "u3", "add", 1)).toBe(10);
    await application.call("send", "go");
    expect(await waiting).toBe(10);
    expect(await application.call("update", "u1", "add", 5)).toBe(5);
    await application.call("send", "end", 100);
    expect(await application.call("result")).toBe(110);
  });

  test("to an event that is none, or that nothing follows, is refused", async () => {
    const application = await startDurable(units(order("second")));
    await application.call("spawn");
    await application.printedBy("main");
    for (const eventId of [0, 99, 1.5]) {
      expect(await failure(application.workflows.reset(pid, { eventId }))).toMatchObject({
        kind: "Invalid",
        message: expect.stringContaining(`has no event ${eventId}; its events are 1 to`),
      });
    }
    const unknown = application.workflows.reset("{app:durable|nobody}", { eventId: 1 });
    expect(await failure(unknown)).toMatchObject({ kind: "NotFound" });
    await application.workflows.terminate(pid);
    const info = await application.workflows.describe(pid);
    const last = application.workflows.reset(pid, { eventId: info!.historyLength });
    expect(await failure(last)).toMatchObject({
      kind: "Invalid",
      message: expect.stringContaining("ExecutionTerminated; give an earlier event"),
    });
  });
});
