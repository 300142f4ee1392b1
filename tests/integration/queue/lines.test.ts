/**
 * Messages that come to a worker together are handled one behind the other on one coroutine, as far as their functions
 * do not wait: each handler is a unit of its own all the same.
 * @module
 */
import { describe, expect, test } from "bun:test";
import { startApplication, type TestApplication } from "../application.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { until } from "../../until.ts";
import { notesOf, withQueue } from "./queues.ts";

/** Starts an application whose consumer begins when all messages, 1 to `count`, are there. */
async function handleTogether(
  handle: string,
  count: number,
  { functions = {}, consumer = {}, queue = {}, workers = 1 }: {
    functions?: Record<string, string>;
    consumer?: Record<string, unknown>;
    queue?: Record<string, unknown>;
    workers?: number;
  } = {},
): Promise<TestApplication> {
  const application = await startApplication(
    withQueue({
      publish: `for i = 1, ... do assert(queue.publish("app:work", i, { number = i })) end`,
      handle,
      ...functions,
    }, {
      queue,
      consumer: {
        concurrency: 64,
        prefetch: 64,
        lifecycle: { auto_start: false },
        ...consumer,
      },
    }),
    { workers },
  );
  await application.call("publish", count);
  await application.node.control.startService("app:consumer");
  return application;
}

/** What handlers have written to the log, which takes no wait. */
const logged = ({ logs }: TestApplication) =>
  logs.flatMap(({ message, logger }) =>
    logger === "" && Number(message) > 0 ? Number(message) : []
  );

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("messages that come together", () => {
  test("are handled in their order", async () => {
    const application = await handleTogether(`require("logger"):info(tostring(...))`, 40);
    await until(() => logged(application).length === 40);
    expect(logged(application)).toEqual(numbers(1, 40));
  });

  test("each have a unit, a frame and a message of their own", async () => {
    const application = await handleTogether(
      `local message = queue.message()
      assert(message:header("number") == (...) and message:attempt() == 1)
      -- The message of a function that is called by the handler is the same.
      assert(funcs.call("app:which") == (...))
      note(process.pid() .. " " .. message:id())`,
      30,
      { functions: { which: `return queue.message():header("number")` } },
    );
    const notes = await notesOf(application, 30);
    expect(new Set(notes.map((note) => note.split(" ")[0])).size).toBe(30);
    expect(new Set(notes.map((note) => note.split(" ")[1])).size).toBe(30);
  });

  test("do not wait for one whose handler waits", async () => {
    const application = await handleTogether(
      `local number = ...
      if number % 5 == 2 then
        local s = assert(store.get("app:notes"))
        while not s:get("go") do time.sleep("1ms") end
      end
      require("logger"):info(tostring(number))`,
      20,
      { functions: { go: `assert(store.get("app:notes")):set("go", true)` } },
    );
    const waiting = [2, 7, 12, 17];
    const others = numbers(1, 20).filter((number) => !waiting.includes(number));
    const handled = () => logged(application);
    await until(() => handled().length === 16);
    expect(handled()).toEqual(others);
    await application.call("go");
    await until(() => handled().length === 20);
    expect(handled().slice(16).toSorted((a, b) => a - b)).toEqual(waiting);
  });

  test("do not fail with one whose handler fails", async () => {
    const application = await handleTogether(
      `local number = ...
      if number % 4 == 0 and queue.message():attempt() == 1 then
        if number % 8 == 0 then error("raised") end
        return nil, "returned"
      end
      require("logger"):info(tostring(number))`,
      16,
    );
    const handled = () => logged(application);
    const sound = numbers(1, 16).filter((number) => number % 4 !== 0);
    await until(() => sound.length + 4 === handled().length);
    expect(handled()).toEqual([...sound, 4, 8, 12, 16]);
    await until(
      () => application.node.control.inspectService("app:work"),
      (shown) => (shown as { acknowledged?: LuaValue }).acknowledged === 16,
    );
    expect(await application.node.control.inspectService("app:work")).toMatchObject({
      acknowledged: 16,
      failed: 4,
      in_flight: 0,
    });
  });

  test("have no more handlers than the function has instances", async () => {
    const application = await handleTogether(
      `local s = assert(store.get("app:notes"))
      local running = (s:get("running") or 0) + 1
      s:set("running", running)
      time.sleep("2ms")
      s:set("running", s:get("running") - 1)
      note(tostring(running))`,
      20,
    );
    const notes = await notesOf(application, 20);
    const [handle] = (await application.node.control.functions()).filter(({ id }) =>
      id === "app:handle"
    );
    expect(handle!.calls).toBe(20);
    expect(Math.max(...notes.map(Number))).toBeLessThanOrEqual(handle!.limit);
  });

  test("are not handled any more once their consumer was killed", async () => {
    const application = await handleTogether(
      `local number = ...
      note("begin " .. number)
      if number == 3 then
        local last = time.now():unix_nano() + 30000000
        while time.now():unix_nano() < last do end
      end
      time.sleep("1h")`,
      12,
      { consumer: { lifecycle: { auto_start: false, stop_timeout: "20ms" } } },
    );
    await notesOf(application, 12);
    const { control } = application.node;
    await control.stopService("app:consumer");
    expect(await control.inspectService("app:work")).toMatchObject({ messages: 12, in_flight: 0 });
    const { running } = (await control.functions()).find(({ id }) => id === "app:handle")!;
    expect(running).toBe(0);
  });
});
