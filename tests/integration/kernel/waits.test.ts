import { describe, expect, test } from "bun:test";
import { main, startApplication, type TestApplication } from "../application.ts";

const functions = {
  echo: "return { main = function(value) return value end }",
  run: `return { main = function(name) return process.exec("app:" .. name, "app:processes") end }`,
};

/** Code that waits, and, where it would be woken from within, what wakes it. */
const waits: Readonly<Record<string, readonly [wait: string, wake?: string]>> = {
  sleep: ['time.sleep("2ms")'],
  receive: ["ch:receive()", 'ch:send("x")'],
  "receive of the inbox": ["process.inbox():receive()", 'process.send(process.pid(), "t", 1)'],
  send: ["ch:send(1)", "ch:receive()"],
  select: ["channel.select({ ch:case_receive() })", 'ch:send("x")'],
  "select with a timeout": ['channel.select({ time.after("2ms"):case_receive() })'],
  "funcs.call": ['funcs.call("app:echo", 1)'],
  "funcs.call with a timeout": [
    'funcs.new():with_options({ timeout = 1000 }):call("app:echo", 1)',
  ],
  "a request to the node": ['process.registry.lookup("nobody")'],
  "process.exec": ['process.exec("app:brief", "app:processes")'],
  "coroutine.spawn": ["coroutine.spawn(function() end)"],
  "a generator that sleeps": ['coroutine.wrap(time.sleep)("2ms")'],
};

const brief = main("return 1");

describe("a wait where nothing may wait raises, and nothing comes of it", () => {
  test.each(Object.entries(waits))("%s in a comparator", async (_, [wait, wake = ""]) => {
    const app = await startApplication({
      functions,
      processes: {
        brief,
        waits: main(`local ch = channel.new(0)
          local ok, message = pcall(table.sort, { 2, 1 }, function() ${wait} end)
          local start = time.now()
          coroutine.spawn(function() ${wake} end)
          time.sleep("20ms")
          local slept = time.now():sub(start):milliseconds() >= 20
          local late = time.after("20ms")
          start = time.now()
          late:receive()
          local again = time.now():sub(start):milliseconds() >= 20
          return { ok, tostring(message):match("attempt.*"), slept, again }`),
      },
    });
    expect(await app.call("run", "waits")).toEqual([
      false,
      "attempt to yield across a C-call boundary",
      true,
      true,
    ]);
  });

  test.each(Object.entries(waits))(
    "%s in the body of an entry, which runs below what starts it",
    async (_, [wait]) => {
      const app = await startApplication({
        functions,
        processes: {
          brief,
          restless: `local time, funcs = require("time"), require("funcs")
            local ch = channel.new(0)
            local ok, message = pcall(function() ${wait} end)
            return { main = function() return { ok, tostring(message):match("attempt.*") } end }`,
          waits: main(`local start = time.now()
            local pid = process.spawn_monitored("app:restless", "app:processes")
            local event = process.events():receive()
            time.sleep("20ms")
            local slept = time.now():sub(start):milliseconds() >= 20
            return { event.from == pid, event.result.value, slept }`),
        },
      });
      expect(await app.call("run", "waits")).toEqual([
        true,
        [false, "attempt to yield across a C-call boundary"],
        true,
      ]);
    },
  );
});

/** A process that takes no arguments, as those do that share coroutines. */
function plain(body: string): string {
  return `local time = require("time")
    return { main = function() ${body} end }`;
}

describe("what starts on the coroutine of a process that has ended", () => {
  /** Runs many of one process, each of which ends, and then one that sleeps: how long, against how long it wanted to. */
  async function afterMany(first: string): Promise<unknown> {
    const app: TestApplication = await startApplication({
      functions,
      processes: {
        first: plain(first),
        second: plain(`local start = time.now()
          time.sleep("30ms")
          local slept = time.now():sub(start):milliseconds()
          process.send(process.inbox():receive():from(), "slept", slept)`),
        waits: main(`local pids, short = {}, 0
          for _ = 1, 3 do
            for _ = 1, 50 do process.spawn("app:first", "app:processes") end
            time.sleep("1ms")
            for _ = 1, 50 do
              local pid = process.spawn("app:second", "app:processes")
              process.send(pid, "who")
            end
          end
          for _ = 1, 150 do
            if process.inbox():receive():payload():data() < 30 then short = short + 1 end
          end
          return short`),
      },
    });
    return await app.call("run", "waits");
  }

  test("is not woken by a timer of that one", async () => {
    expect(await afterMany('pcall(table.sort, { 2, 1 }, function() time.sleep("10ms") end)')).toBe(
      0,
    );
  });

  test("nor by an answer that comes late", async () => {
    expect(
      await afterMany(
        'pcall(table.sort, { 2, 1 }, function() process.registry.lookup("nobody") end)',
      ),
    ).toBe(0);
  });
});

test("an upgrade where the code cannot be left raises, and the process goes on", async () => {
  const app = await startApplication({
    functions,
    processes: {
      waits: main(`local ok, message = pcall(table.sort, { 2, 1 }, function() process.upgrade() end)
        time.sleep("1ms")
        return { ok, tostring(message):match("attempt.*") }`),
    },
  });
  expect(await app.call("run", "waits")).toEqual([
    false,
    "attempt to yield across a C-call boundary",
  ]);
});
