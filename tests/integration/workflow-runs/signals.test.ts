import { describe, expect, test } from "bun:test";
import { startDurable, type Units } from "./durable-application.ts";

/** Starts `app:main` and runs this body, with `pid`, as a process. */
async function withMain(body: string, main: string, units: Units = {}): Promise<unknown> {
  const application = await startDurable({
    ...units,
    workflows: { ...units.workflows, main },
    processes: {
      ...units.processes,
      driver: `local pid = assert(process.with_options{ ["workflow.id"] = "main" }
          :spawn_monitored("app:main", "app:durable"))
        local events = process.events()
        local function result()
          local event = events:receive()
          if event.result.error then return nil, event.result.error end
          return event.result.value
        end
        ${body}`,
    },
    functions: { ...units.functions, start: 'return process.exec("app:driver", "app:processes")' },
  });
  return await application.call("start");
}

describe("to a workflow", () => {
  test("an inbox gives topic, sender and payload", async () => {
    const main = `local message = process.inbox():receive()
      return { message:topic(), message:from(), message:payload():data() }`;
    expect(
      await withMain('process.send(pid, "hello", { 1 }) return { process.pid(), result() }', main),
    )
      .toMatchObject([expect.any(String), ["hello", expect.stringContaining("processes|"), [1]]]);
  });

  test("listeners get values, the inbox gets the rest, in order", async () => {
    const main = `local a, inbox = process.listen("a"), process.inbox()
      local messages = process.listen("c", { message = true })
      local seen = {}
      for i = 1, 2 do seen[#seen + 1] = a:receive() end
      seen[#seen + 1] = inbox:receive():topic()
      seen[#seen + 1] = messages:receive():topic()
      seen[#seen + 1] = a:receive() == nil
      return seen`;
    const body = `process.send(pid, "a", 1) process.send(pid, "b") process.send(pid, "a", 2, 3)
      process.send(pid, "c", 4) process.send(pid, "a")
      return result()`;
    expect(await withMain(body, main)).toEqual([1, [2, 3], "b", "c", true]);
  });

  test("what comes before somebody listens is kept", async () => {
    const main = `time.sleep("50ms")
      local late = process.listen("late")
      local seen = {}
      for i = 1, 3 do seen[i] = late:receive() end
      return seen`;
    const body = `for i = 1, 3 do process.send(pid, "late", i) end return result()`;
    expect(await withMain(body, main)).toEqual([1, 2, 3]);
  });

  test("values of all kinds arrive as they were sent, many in one task", async () => {
    const main = `process.listen("go"):receive()
      local seen = {}
      for i = 1, 14 do
        local message = process.inbox():receive()
        local payload = message:payload()
        local value = payload
        if payload and payload.data then value = payload:data() end
        if payload and not payload.data then value = #payload end
        seen[i] = { message:topic(), type(value), value }
      end
      local shared = seen[8][3]
      seen[8][3] = { shared[1] == shared[2], shared[1][1] }
      seen[9][3] = seen[9][3]:kind()
      seen[12][3] = math.type(seen[12][3]) .. string.format("%.1f", seen[12][3])
      seen[13][3] = #seen[13][3]
      return seen`;
    const body = `local errors = require("errors")
      local shared = { 1 }
      local function send(...) assert(process.send(pid, ...)) end
      send("none") send("nil", nil) send("nils", nil, nil) send("several", 1, "two", { 3 })
      send("true", true) send("text", "täxt") send("table", { a = { 1, 2 } }) send("shared", { shared, shared })
      send("error", errors.new({ message = "no", kind = errors.NOT_FOUND })) send("float", 1.5) send("minus", -3)
      send("whole", 2.0) send("bytes", string.rep("\\0\\255", 200)) send("empty", {})
      send("go")
      return result()`;
    expect(await withMain(body, main)).toEqual([
      ["none", "nil"],
      ["nil", "nil"],
      ["nils", "number", 2],
      ["several", "number", 3],
      ["true", "boolean", true],
      ["text", "string", "täxt"],
      ["table", "table", { a: [1, 2] }],
      ["shared", "table", [true, 1]],
      ["error", "userdata", "NotFound"],
      ["float", "number", 1.5],
      ["minus", "number", -3],
      ["whole", "number", "float2.0"],
      ["bytes", "string", 400],
      ["empty", "table", {}],
    ]);
  });

  test("a hundred signals keep their order", async () => {
    const main = `local inbox, list = process.inbox(), {}
      for i = 1, 100 do list[i] = inbox:receive():payload():data() end
      for i = 1, 100 do if list[i] ~= i then return "out of order" end end
      return "in order"`;
    expect(await withMain('for i = 1, 100 do process.send(pid, "n", i) end return result()', main))
      .toBe("in order");
  });

  test("an unknown and a closed workflow are NotFound, a system topic is Invalid", async () => {
    const body = `result()
      local _, closed = process.send(pid, "x")
      local _, unknown = process.send((pid:gsub("main}", "other}")), "x")
      local _, system = process.send(pid, "@x")
      return { closed:kind(), closed:retryable(), unknown:kind(), system:kind() }`;
    expect(await withMain(body, "return 1")).toEqual(["NotFound", false, "NotFound", "Invalid"]);
  });

  test("by a registered name", async () => {
    const main = `process.registry.register("the-order")
      return process.listen("go"):receive()`;
    const body = `while not process.registry.lookup("the-order") do time.sleep("5ms") end
      process.send("the-order", "go", 7)
      local value = result()
      return { value, select(2, process.registry.lookup("the-order")):kind() }`;
    expect(await withMain(body, main)).toEqual([7, "NotFound"]);
  });

  test("unlisten gives the topic back to the inbox", async () => {
    const main = `local ch = process.listen("a")
      local first = ch:receive()
      process.unlisten(ch)
      return { first, process.inbox():receive():topic() }`;
    expect(
      // The second may be in the listener's buffer already when that is closed; the third cannot.
      await withMain(
        'for i = 1, 3 do process.send(pid, "a", i) end return result()',
        main,
      ),
    )
      .toEqual([1, "a"]);
  });
});

describe("from a workflow", () => {
  test("a reply to a plain process has the workflow as sender", async () => {
    const main = `local message = process.inbox():receive()
      local sent = process.send(message:from(), "reply", message:payload():data() + 1)
      return sent`;
    const body = `process.send(pid, "ask", 1)
      local message = process.inbox():receive()
      return { message:topic(), message:payload():data(), message:from() == pid, result() }`;
    expect(await withMain(body, main)).toEqual(["reply", 2, true, true]);
  });

  test("to another workflow, acknowledged or NotFound", async () => {
    const main = `local other = process.with_options{ ["workflow.id"] = "peer" }
        :spawn("app:peer", "app:durable")
      local sent = process.send(other, "value", 5)
      local event = process.events():receive()
      local _, err = process.send(other, "value", 6)
      return { sent, event.result.value, err:kind() }`;
    const peer = `local message = process.inbox():receive()
      return { message:payload():data(), message:from() }`;
    expect(await withMain("return result()", main, { workflows: { peer } }))
      .toMatchObject([true, [5, expect.stringContaining("durable|main}")], "NotFound"]);
  });

  test("to itself, as a copy", async () => {
    const main = `local mail = process.listen("own")
      local t = { n = 1 }
      process.send(process.pid(), "own", t)
      t.n = 2
      return mail:receive().n`;
    expect(await withMain("return result()", main)).toBe(1);
  });

  test("to what is no process", async () => {
    const main = `local _, none = process.send("{nowhere|x}", "t")
      local _, name = process.send("nobody", "t")
      return { none:kind(), name:kind() }`;
    expect(await withMain("return result()", main)).toEqual(["NotFound", "NotFound"]);
  });
});

describe("cancellation", () => {
  test("is an event with its reason, and the code decides", async () => {
    const main = `local event = process.events():receive()
      return { event.kind, event.reason, math.type(event.at) }`;
    expect(await withMain('process.cancel(pid, "changed my mind") return result()', main))
      .toEqual(["pid.cancel", "changed my mind", "integer"]);
  });

  test("is asked for once", async () => {
    const main = `local events = process.events()
      events:receive()
      local got = channel.select{ events:case_receive(), time.after("30ms"):case_receive() }
      return got.channel ~= events`;
    expect(await withMain("process.cancel(pid) process.cancel(pid) return result()", main))
      .toBe(true);
  });

  test("a Canceled error after it closes the run as canceled", async () => {
    const main = `process.events():receive()
      return nil, errors.new{ message = "given up", kind = errors.CANCELED }`;
    const body = `process.cancel(pid)
      local _, err = result()
      return { err:kind(), err:message() }`;
    expect(await withMain(body, main)).toEqual(["Canceled", "given up"]);
  });

  test("of a closed run is NotFound", async () => {
    const body = "result() local _, err = process.cancel(pid) return err:kind()";
    expect(await withMain(body, "return 1")).toBe("NotFound");
  });

  test("from another workflow, and of a plain process", async () => {
    const main = `local peer = process.spawn("app:peer", "app:durable")
      local plain = assert(process.spawn("app:plain", "app:processes", process.pid()))
      local ok = process.cancel(peer, "enough")
      local also = process.cancel(plain, "too much")
      local heard = process.listen("heard"):receive()
      return { ok, also, process.events():receive().result.value, heard }`;
    const wait = "return process.events():receive().reason";
    const units = {
      workflows: { peer: wait },
      processes: {
        plain: 'process.send(..., "heard", process.events():receive().reason)',
      },
    };
    expect(await withMain("return result()", main, units))
      .toEqual([true, true, "enough", "too much"]);
  });
});

describe("watching", () => {
  test("terminate closes the run at once, its code sees nothing", async () => {
    const main = 'process.events():receive() note("seen")';
    const body = `process.terminate(pid)
      local _, err = result()
      return { err:kind(), err:message(), err:retryable() }`;
    expect(await withMain(body, main)).toEqual(["Canceled", "workflow terminated", false]);
  });

  test("monitor tells of a closed run at once, and of an unknown one with an error", async () => {
    const body = `result()
      process.monitor(pid)
      local late = result()
      process.monitor((pid:gsub("main}", "other}")))
      local _, unknown = result()
      return { late, unknown:kind() }`;
    expect(await withMain(body, "return 5")).toEqual([5, "NotFound"]);
  });

  test("unmonitor ends it", async () => {
    const body = `process.unmonitor(pid)
      process.send(pid, "go")
      local got = channel.select{ events:case_receive(), time.after("60ms"):case_receive() }
      return got.channel ~= events`;
    expect(await withMain(body, 'process.listen("go"):receive()')).toBe(true);
  });

  test("a linked failure is LINK_DOWN, a linked good end is EXIT", async () => {
    const body = `process.set_options{ trap_links = true }
      process.unmonitor(pid)
      process.link(pid)
      process.send(pid, "go")
      local down = events:receive()
      process.spawn_linked("app:good", "app:durable")
      local exit = events:receive()
      return { down.kind, down.result.error:message(), exit.kind, exit.result.value }`;
    const main = 'process.listen("go"):receive() return nil, "broken"';
    expect(await withMain(body, main, { workflows: { good: "return 3" } }))
      .toEqual(["pid.link.down", "broken", "pid.exit", 3]);
  });

  test("a later run of a linked workflow that ended well can be linked too", async () => {
    const body = `process.set_options{ trap_links = true }
      process.unmonitor(pid)
      local ends = {}
      for i, way in ipairs{ "good", "bad", "good" } do
        local options = process.with_options{ ["workflow.id"] = "again" }
        if i == 1 then
          options:spawn_linked("app:ends", "app:durable", way)
        else
          local later = options:spawn("app:ends", "app:durable", way)
          process.link(later)
          process.send(later, "go")
        end
        if i == 1 then process.send("{app:durable|again}", "go") end
        local got = channel.select{ events:case_receive(), time.after("2s"):case_receive() }
        ends[i] = got.channel == events and got.value.kind or "nothing"
      end
      return ends`;
    const ends = `local way = ...
      process.listen("go"):receive()
      if way == "bad" then return nil, "broken" end`;
    expect(await withMain(body, 'time.sleep("1h")', { workflows: { ends } }))
      .toEqual(["pid.exit", "pid.link.down", "pid.exit"]);
  });

  test("a linked process without trap_links fails with the workflow", async () => {
    const body = `local pid = process.spawn_monitored("app:linked", "app:processes")
      local event = events:receive()
      return { event.from == pid, event.result.error ~= nil }`;
    const units = {
      workflows: { bad: 'time.sleep("10ms") return nil, "broken"' },
      processes: { linked: 'process.spawn_linked("app:bad", "app:durable") time.sleep("1h")' },
    };
    expect(await withMain(body, 'time.sleep("1h")', units)).toEqual([true, true]);
  });

  test("the end of the watching process does the workflow no harm", async () => {
    const units = {
      processes: { watcher: "process.link(...) process.monitor(...) return 1" },
    };
    const body = `process.exec("app:watcher", "app:processes", pid)
      process.send(pid, "go", 2)
      return result()`;
    expect(await withMain(body, 'return process.listen("go"):receive()', units)).toBe(2);
  });

  test("the calls that a workflow cannot make", async () => {
    const main = `local kinds = {}
      for _, name in ipairs{ "monitor", "unmonitor", "link", "unlink" } do
        local ok, err = process[name](process.pid())
        local text = "process." .. name .. " not supported in workflow context"
        kinds[#kinds + 1] = ok == nil and err:message():sub(1, #text) == text and err:kind()
      end
      return kinds`;
    expect(await withMain("return result()", main))
      .toEqual(["Invalid", "Invalid", "Invalid", "Invalid"]);
  });
});

describe("what was not received before process.upgrade", () => {
  /** Upgrades with messages in the inbox, in a listener and in a subscribed channel; then receives them all. */
  const upgrades = `local phase = ...
    if phase ~= "second" then
      local bound = channel.new(4)
      subscribe("bound", bound)
      bound:send("its own")
      local listened = process.listen("listened")
      process.inbox()
      process.listen("go"):receive()
      return process.upgrade(nil, "second")
    end
    local inbox, seen = process.inbox(), {}
    for i = 1, 4 do
      local message = inbox:receive()
      local payload = message:payload()
      seen[i] = message:topic() .. " " .. tostring(payload and (payload.data and payload:data() or #payload))
    end
    return seen`;
  const body =
    `process.send(pid, "listened", 1) process.send(pid, "bound", 2) process.send(pid, "free", 3, 4)
    process.send(pid, "go") process.send(pid, "last", 5)
    return result()`;

  test.each(["workflow", "process"])("comes again, in order, in a %s", async (context) => {
    if (context === "workflow") {
      // All is there before the code runs.
      const held = `time.sleep("50ms") ${upgrades}`;
      const seen = await withMain(body, held) as string[];
      expect(seen).toEqual(["listened 1", "bound 2", "free 2", "last 5"]);
      return;
    }
    const application = await startDurable({
      processes: {
        upgrades: upgrades,
        driver: `local pid = assert(process.spawn_monitored("app:upgrades", "app:processes"))
          local events = process.events()
          local function result() return events:receive().result.value end
          ${body}`,
      },
      functions: { start: 'return process.exec("app:driver", "app:processes")' },
    });
    expect(await application.call("start")).toEqual(["listened 1", "bound 2", "free 2", "last 5"]);
  });

  test("is refused when it is too large for one step, and nothing is lost", async () => {
    const main = `local phase = ...
      time.sleep("50ms")
      local inbox = process.inbox()
      local _, err = process.upgrade(nil, "second")
      local n = 0
      while not channel.select({ inbox:case_receive(), default = true }).default do n = n + 1 end
      return { err:kind(), err:message(), n }`;
    const driver = `local large = ("x"):rep(1900000)
      for i = 1, 5 do assert(process.send(pid, "large", large)) end
      return result()`;
    expect(await withMain(driver, main)).toEqual([
      "Invalid",
      expect.stringMatching(
        /^5 unread messages cannot go on to the next run: .*receive some of them first/,
      ),
      5,
    ]);
  });

  test("a request to cancel goes on too", async () => {
    const main = `local phase = ...
      if phase ~= "second" then
        time.sleep("50ms")
        return process.upgrade(nil, "second")
      end
      return process.events():receive().kind`;
    expect(await withMain('process.cancel(pid, "enough") return result()', main)).toBe(
      "pid.cancel",
    );
  });
});
