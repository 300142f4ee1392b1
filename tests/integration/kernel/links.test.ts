import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, runProcess } from "../application.ts";

const processes = {
  /** Ends as its first message says. */
  obeys: main(`local how = process.inbox():receive():payload():data()
    if how == "return" then return { done = true } end
    if how == "nothing" then return end
    if how == "fail" then error(errors.new{ message = "m", kind = errors.CONFLICT }) end
    return nil, "text"`),
  /** Links to its argument, says so, then waits. */
  linker: main(`local to, parent = ...
    assert(process.link(to))
    process.send(parent, "linked")
    return process.inbox():receive():topic()`),
};
const prelude = `local events = process.events()
  local function start(how)
    return assert(process[how or "spawn"]("app:obeys", "app:processes"))
  end
  local function tell(pid, how) assert(process.send(pid, "end", how)) end
`;
const run = (body: string, more: Record<string, string> = {}) =>
  runProcess(prelude + body, { processes: { ...processes, ...more } });

describe("monitor", () => {
  test("an EXIT event tells the result", async () => {
    expect(
      await run(`local log = {}
        for _, how in ipairs({ "return", "nothing", "fail", "text" }) do
          local pid = start()
          table.insert(log, (process.monitor(pid)))
          tell(pid, how)
          local e = events:receive()
          assert(e.kind == process.event.EXIT and e.from == pid and math.type(e.at) == "integer")
          local err = e.result.error
          table.insert(log, err and err:kind() .. " " .. err:message() or e.result.value or "nil")
        end
        return log`),
    ).toEqual([
      true,
      { done: true },
      true,
      "nil",
      true,
      "Conflict m",
      true,
      "Internal text",
    ]);
  });

  test("of what is dead, or watched already, is an Internal error", async () => {
    expect(
      await run(`local pid = start()
        assert(process.monitor(pid))
        local again, twice = process.monitor(pid)
        tell(pid, "return")
        events:receive()
        local dead, gone = process.monitor(pid)
        return { again == nil, twice:kind(), twice:message(), dead == nil, gone:kind(), gone:message() }`),
    ).toEqual([
      true,
      "Internal",
      "monitor failed: already monitoring pid",
      true,
      "Internal",
      "monitor failed: pid not registered",
    ]);
  });

  test("of an unknown name is NotFound", async () => {
    expect(
      await run(`local list = {}
        for _, name in ipairs({ "monitor", "unmonitor", "link", "unlink", "terminate", "cancel" }) do
          local ok, err = process[name]("nobody")
          table.insert(list, tostring(ok) .. err:kind())
        end
        return list`),
    ).toEqual(Array(6).fill("nilNotFound"));
  });

  test("unmonitor stops it, and is a no-op otherwise", async () => {
    expect(
      await run(`local pid = start("spawn_monitored")
        local other = start("spawn_monitored")
        local log = { process.unmonitor(pid), process.unmonitor(pid), process.unmonitor(process.pid()) }
        tell(pid, "return")
        tell(other, "return")
        table.insert(log, events:receive().from == other)
        return log`),
    ).toEqual([true, true, true, true]);
  });

  test("several watchers get copies of their own", async () => {
    const watcher = main(`local pid, parent = ...
      assert(process.monitor(pid))
      process.send(parent, "ready")
      local value = process.events():receive().result.value
      value.done = "changed"
      process.send(parent, "seen")`);
    expect(
      await run(
        `local ready, seen = process.listen("ready"), process.listen("seen")
         local pid = start("spawn_monitored")
         process.spawn("app:watcher", "app:processes", pid, process.pid())
         ready:receive()
         tell(pid, "return")
         seen:receive()
         return events:receive().result.value`,
        { watcher },
      ),
    ).toEqual({ done: true });
  });

  test("a watcher's end takes its monitors along", async () => {
    const watcher = main("assert(process.monitor(...))");
    expect(
      await run(
        `local pid = start()
         process.exec("app:watcher", "app:processes", pid)
         tell(pid, "return")
         return "nothing broke"`,
        { watcher },
      ),
    ).toBe("nothing broke");
  });

  test("a terminated target", async () => {
    expect(
      await run(`local pid = start("spawn_monitored")
        assert(process.terminate(pid))
        local e = events:receive()
        return { e.result.error:kind(), e.result.error:message(), e.result.value == nil }`),
    ).toEqual(["Internal", "process terminated", true]);
  });
});

describe("link", () => {
  test("a failure ends whoever is linked, unless it returns well", async () => {
    expect(
      await run(`local linked, log = process.listen("linked"), {}
        for _, how in ipairs({ "fail", "return", "text", "nothing" }) do
          local pid = start()
          local linker = process.spawn_monitored("app:linker", "app:processes", pid, process.pid())
          linked:receive()
          tell(pid, how)
          if how == "return" or how == "nothing" then
            process.monitor(pid)
            time.sleep("1ms")
            process.send(linker, "alive")
          end
          local e
          repeat e = events:receive() until e.from == linker
          local err = e.result.error
          table.insert(log, err and err:kind() .. "|" .. err:message() or e.result.value)
        end
        return log`),
    ).toEqual(["|linked process failed", "alive", "|linked process failed", "alive"]);
  });

  test("is symmetric: the linker's failure ends the other", async () => {
    expect(
      await run(`local linked = process.listen("linked")
        local pid = start("spawn_monitored")
        local linker = process.spawn("app:linker", "app:processes", pid, process.pid())
        linked:receive()
        process.terminate(linker)
        local e = events:receive()
        return { e.from == pid, e.result.error:message() }`),
    ).toEqual([true, "linked process failed"]);
  });

  test("cascades", async () => {
    expect(
      await run(`local linked = process.listen("linked")
        local first = start()
        local chain = first
        for _ = 1, 5 do
          chain = process.spawn_monitored("app:linker", "app:processes", chain, process.pid())
          linked:receive()
        end
        tell(first, "fail")
        local e
        repeat e = events:receive() until e.from == chain
        return e.result.error:message()`),
    ).toBe("linked process failed");
  });

  test("with trap_links it is an event", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local pid = start("spawn_linked")
        tell(pid, "fail")
        local e = events:receive()
        return { e.kind, e.from == pid, e.result.error:kind(), e.result.value == nil, math.type(e.at) }`),
    ).toEqual(["pid.link.down", true, "Conflict", true, "integer"]);
  });

  test("EXIT comes before LINK_DOWN", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local pid = start("spawn_linked_monitored")
        tell(pid, "fail")
        return { events:receive().kind, events:receive().kind }`),
    ).toEqual(["pid.exit", "pid.link.down"]);
  });

  test("without trap_links the unit fails, events opened or not", async () => {
    const error = await failure(run(`local pid = start("spawn_linked")
      tell(pid, "fail")
      events:receive()`));
    expect(error.message).toBe("linked process failed");
    const bare = `process.spawn_linked("app:fails", "app:processes") time.sleep("10s")`;
    const fails = main('error("x")');
    expect((await failure(runProcess(bare, { processes: { fails } }))).message)
      .toBe("linked process failed");
  });

  test("linking twice is a no-op success, unlinking too", async () => {
    expect(
      await run(`local pid = start()
        local log = { process.link(pid), process.link(pid), process.unlink(pid), process.unlink(pid) }
        tell(pid, "fail")
        time.sleep("1ms")
        table.insert(log, "alive")
        return log`),
    ).toEqual([true, true, true, true, "alive"]);
  });

  test("an unlinked target does not hear of the other's failure either", async () => {
    const unlinker = main(`local to, parent = ...
      process.link(to)
      process.unlink(to)
      error("x")`);
    expect(
      await run(
        `local pid = start("spawn_monitored")
         process.spawn_monitored("app:unlinker", "app:processes", pid)
         local first = events:receive()
         tell(pid, "return")
         return { first.from ~= pid, events:receive().result.value.done }`,
        { unlinker },
      ),
    ).toEqual([true, true]);
  });

  test("to what is dead is an Internal error", async () => {
    expect(
      await run(`local pid = start("spawn_monitored")
        tell(pid, "return")
        events:receive()
        local ok, err = process.link(pid)
        return { ok == nil, err:kind(), err:message() }`),
    ).toEqual([true, "Internal", "link failed: pid not registered"]);
  });

  test("fails a function's call", async () => {
    const error = await failure(
      runFunction(
        `process.spawn_linked("app:fails", "app:processes")
         time.sleep("10s")`,
        { processes: { fails: main('error("x")') } },
      ),
    );
    expect(error).toMatchObject({ kind: "", message: "linked process failed" });
  });

  test("trap_links of a function does not leak into the next call", async () => {
    expect(
      await runFunction(
        'return { (funcs.call("app:sets")), (funcs.call("app:sets")) }',
        {
          functions: {
            sets: {
              source: main(`local before = process.get_options().trap_links
                process.set_options{ trap_links = true }
                return before`),
              pool: { type: "inline" },
            },
          },
        },
      ),
    ).toEqual([false, false]);
  });
});

describe("terminate and cancel", () => {
  test("terminate ends a process that waits; its other coroutines too", async () => {
    const worker = main(`local parent = ...
      coroutine.spawn(function()
        time.sleep("5ms")
        process.send(parent, "alive")
      end)
      time.sleep("10s")`);
    expect(
      await run(
        `local alive = process.listen("alive")
         local pid = process.spawn_monitored("app:worker", "app:processes", process.pid())
         time.sleep("1ms")
         process.terminate(pid)
         local limit = time.after("10ms")
         local r = channel.select{ alive:case_receive(), limit:case_receive() }
         return { events:receive().result.error:message(), r.channel == limit }`,
        { worker },
      ),
    ).toEqual(["process terminated", true]);
  });

  test("a process may terminate itself: the slice goes on until it suspends", async () => {
    const suicide = main(`local ok = process.terminate(process.pid())
      process.send(..., "after", ok)
      time.sleep("1ms")
      process.send(..., "never")`);
    expect(
      await run(
        `local pid = process.spawn_monitored("app:suicide", "app:processes", process.pid())
         local e = events:receive()
         local m = process.inbox():receive()
         local none = channel.select{ process.inbox():case_receive(), default = true }
         return { e.result.error:message(), m:topic(), m:payload():data(), none.default }`,
        { suicide },
      ),
    ).toEqual(["process terminated", "after", true, true]);
  });

  test("a slice that ends the unit keeps its result", async () => {
    const last = main('process.terminate(process.pid()) return "result"');
    expect(
      await run(
        `process.spawn_monitored("app:last", "app:processes")
         return events:receive().result.value`,
        { last },
      ),
    ).toBe("result");
  });

  test("of the dead", async () => {
    expect(
      await run(`local pid = start("spawn_monitored")
        tell(pid, "return")
        events:receive()
        local list = {}
        for _, name in ipairs({ "terminate", "cancel" }) do
          local ok, err = process[name](pid)
          table.insert(list, tostring(ok) .. " " .. err:kind() .. " " .. err:message())
        end
        return list`),
    ).toEqual([
      "nil Internal terminate failed: process not found",
      "nil Internal cancel failed: process not found",
    ]);
  });

  test("cancel is an event and nothing more", async () => {
    const polite = main(`process.send(..., "up")
      local e = process.events():receive()
      process.send(..., "event", e)
      return "clean"`);
    expect(
      await run(
        `local up, got = process.listen("up"), process.listen("event")
         local pid = process.spawn_monitored("app:polite", "app:processes", process.pid())
         up:receive()
         assert(process.cancel(pid, "why"))
         local e = got:receive()
         return { e.kind, e.from == process.pid(), e.reason, math.type(e.at), events:receive().result.value }`,
        { polite },
      ),
    ).toEqual(["pid.cancel", true, "why", "integer", "clean"]);
  });

  test("the reason of a cancel is a text, empty unless given", async () => {
    expect(
      await run(`process.cancel(process.pid())
        return { events:receive().reason, (pcall(process.cancel, process.pid(), 1)) }`),
    ).toEqual(["", false]);
  });
});

describe("options", () => {
  test("are false at first", async () => {
    expect(await run("return process.get_options()")).toEqual({
      trap_links: false,
      upgradable: false,
    });
  });

  test("what is wrong is told, what is right applied", async () => {
    expect(
      await run(`local list = {}
        local function try(options)
          local ok, err = process.set_options(options)
          table.insert(list, tostring(ok) .. " " .. (err and err:kind() .. " " .. err:message() or ""))
        end
        try({ upgradable = true })
        try(1)
        try({ color = true, trap_links = true })
        try({ trap_links = 1 })
        return { list, process.get_options() }`),
    ).toEqual([
      [
        "true ",
        "false Invalid options parameter must be a table",
        "false Invalid option color is not supported",
        "false Invalid trap_links must be a boolean",
      ],
      { trap_links: true, upgradable: true },
    ]);
  });
});

test("the constants of events", async () => {
  expect(
    await run(`local e = process.event
      return { e.CANCEL, e.EXIT, e.LINK_DOWN, e.OUTDATED }`),
  ).toEqual(["pid.cancel", "pid.exit", "pid.link.down", "pid.outdated"]);
});
