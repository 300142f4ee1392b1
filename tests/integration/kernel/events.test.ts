import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

async function run(body: string, workers = 1): Promise<unknown> {
  const app = await startApplication({
    processes: {
      idle: main("process.inbox():receive()"),
      listener: {
        modules: ["events"],
        source: `return { main = function(parent, n)
          local sub = require("events").subscribe("orders")
          process.send(parent, "ready")
          local list = {}
          for i = 1, n do list[i] = sub:channel():receive().data end
          process.send(parent, "list", list)
        end }`,
      },
      main: {
        modules: ["events", "time"],
        source: `local events, time = require("events"), require("time")
        local function poll(sub)
          local r = channel.select{ sub:channel():case_receive(), time.after("30ms"):case_receive() }
          return r.channel == sub:channel() and r.value or nil
        end
        return { main = function() ${body} end }`,
      },
    },
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
  }, { workers });
  return await app.call("start");
}

describe("events", () => {
  test("who subscribed gets the event, the sender included, in order", async () => {
    expect(
      await run(`local sub = assert(events.subscribe("orders"))
        for i = 1, 100 do assert(events.send("orders", "new", "o" .. i, { n = i })) end
        events.send("other", "new", "x")
        local list = {}
        for i = 1, 100 do local e = sub:channel():receive() list[i] = e.data.n end
        return { list[1], list[100], poll(sub) == nil }`),
    ).toEqual([1, 100, true]);
  });

  test("an event has system, kind, path and, where sent, data", async () => {
    expect(
      await run(
        `local sub = events.subscribe("a") events.send("a", "k", "p") events.send("a", "k", "p", false)
        local one, two = sub:channel():receive(), sub:channel():receive()
        return { one.system, one.kind, one.path, one.data == nil, two.data }`,
      ),
    ).toEqual(["a", "k", "p", true, false]);
  });

  test.each([
    ['"orders", "new*"', '"orders", "new.eu"', true],
    ['"orders.*"', '"orders.eu.new", "k"', true],
    ['"orders.*"', '"orders", "k"', false],
    ['"orders.**"', '"orders.eu.new", "k"', true],
    ['"*", "k"', '"any", "k"', true],
    ['"*", "k"', '"any", "kk"', false],
    ['"any", ""', '"any", "kk"', true],
    ['"any", "*"', '"any", "kk"', true],
  ])("subscribe(%s) and send(%s): %p", async (subscribe, send, matches) => {
    expect(
      await run(
        `local sub = events.subscribe(${subscribe}) events.send(${send}, "path") return poll(sub) ~= nil`,
      ),
    ).toBe(matches);
  });

  test("data is turned to lists and maps of plain values", async () => {
    expect(
      await run(`local sub = events.subscribe("s")
        local t = { 1, 2, x = 3 } local m = { [7] = "seven", c = channel.new() } m.me = m
        events.send("s", "k", "p", { list = t, map = m })
        local d = sub:channel():receive().data
        return { #d.list, d.list.x == nil, d.map["7"], type(d.map.c), type(d.map.me) }`),
    ).toEqual([2, true, "seven", "string", "string"]);
  });

  test("more than the buffer waits, in order; close lets it be read and ends the rest", async () => {
    expect(
      await run(`local sub = events.subscribe("s")
        for i = 1, 200 do events.send("s", "k", tostring(i)) end
        local first = sub:channel():receive().path
        for i = 2, 150 do sub:channel():receive() end
        local n = sub:channel():receive().path
        sub:close() sub:close()
        events.send("s", "k", "late")
        local last repeat local v, ok = sub:channel():receive() if ok then last = v.path end until not ok
        return { first, n, last ~= "late" }`),
    ).toEqual(["1", "151", true]);
  });

  test.each([
    ["events.subscribe()", "Invalid: system is required"],
    ['events.send("s", "", "p")', "Invalid: kind is required"],
    ['events.send("s", "k")', "Invalid: path is required"],
    ['events.send("", "k", "p")', "Invalid: system is required"],
  ])("%s: %s", async (call, message) => {
    expect(await run(`local v, e = ${call} return e:kind() .. ": " .. e:message()`)).toBe(message);
  });

  test("wrong types raise with position", async () => {
    expect(await run(`local _, e = pcall(events.send, "s", 5, "p") return tostring(e)`)).toContain(
      "bad argument #2 to 'send' (string expected, got number)",
    );
  });

  test("subscriptions end with their unit, and cross workers in order", async () => {
    expect(
      await run(
        `for _ = 1, 80 do process.spawn("app:idle", "app:processes") end time.sleep("300ms")
        local ready, lists = process.listen("ready"), process.listen("list")
        for _ = 1, 40 do process.spawn("app:listener", "app:processes", process.pid(), 300) end
        for _ = 1, 40 do ready:receive() end
        for i = 1, 300 do events.send("orders", "n", "p", i) end
        local wrong = 0
        for _ = 1, 40 do
          for i, n in ipairs(lists:receive()) do if i ~= n then wrong = wrong + 1 end end
        end
        return wrong`,
        2,
      ),
    ).toBe(0);
  });
});
