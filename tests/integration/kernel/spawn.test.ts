import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, runProcess, startApplication } from "../application.ts";

const processes = {
  same: main("return ..."),
  wait: main("return process.inbox():receive():payload():data()"),
  fails: main('error(errors.new{ message = "gone", kind = errors.CONFLICT, details = { a = 1 } })'),
  broken: "return {}",
  names: main("return { process.pid(), process.id() }"),
  sleeper: main('time.sleep("10s")'),
};
const functions = { square: "return function(x) return x * x end" };
const run = (body: string) => runProcess(body, { processes, functions });

describe("identity", () => {
  test("the PID names the host, the id the entry", async () => {
    expect(await run('return process.exec("app:names", "app:processes")')).toEqual([
      expect.stringMatching(/^\{app:processes\|0x[0-9a-f]{5,}\}$/),
      "app:names",
    ]);
  });

  test("a function's PID names the function", async () => {
    expect(
      await runFunction("return { process.pid(), process.pid() == process.pid(), process.id() }"),
    )
      .toEqual([
        expect.stringMatching(/^\{app:main#lua\.\d+\|0x[0-9a-f]{5,}\}$/),
        true,
        "app:main",
      ]);
  });

  test("PIDs differ", async () => {
    expect(
      await run(`local seen, n = {}, 0
        for _ = 1, 50 do
          local pid = process.spawn("app:same", "app:processes")
          if not seen[pid] then seen[pid] = true n = n + 1 end
        end
        return n`),
    ).toBe(50);
  });
});

test("processes that come one after another have nothing of those before, however these end", async () => {
  const report = (how: string) =>
    main(`local text = process.pid() .. " ${how}" process.send("main", "end", text) `);
  const processes = {
    returns: report("returns"),
    parks: main(`time.sleep("1ms") process.send("main", "end", process.pid() .. " parks")`),
    makes: main(`local co = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end)
      co()
      process.send("main", "end", process.pid() .. " makes" .. (co() == 2 and "" or "wrong"))`),
    burns: main(`local n = 0 for i = 1, 30000 do n = n + i % 7 end
      process.send("main", "end", process.pid() .. " burns")`),
    raises: main(`process.send("main", "end", process.pid() .. " raises") error("on purpose")`),
    waits: main(`process.send("main", "end", process.pid() .. " waits") process.inbox():receive()`),
    deep: main(`local function down(n) return n == 0 and 0 or 1 + down(n - 1) end
      process.send("main", "end", process.pid() .. (down(5000) == 5000 and " deep" or " wrong"))`),
  };
  expect(
    await runProcess(
      `process.registry.register("main")
       local ended = process.listen("end")
       local kinds = { "returns", "parks", "makes", "burns", "raises", "waits", "deep" }
       local wrong, alive = {}, {}
       for round = 1, 12 do
         local expected = {}
         for i = 1, 70 do
           local kind = kinds[(i * round) % #kinds + 1]
           local pid = process.spawn("app:" .. kind, "app:processes")
           expected[pid .. " " .. kind] = true
           if kind == "waits" then alive[#alive + 1] = pid end
         end
         for i = 1, 70 do
           local text = ended:receive()
           if not expected[text] then wrong[#wrong + 1] = text end
           expected[text] = nil
         end
         if next(expected) then wrong[#wrong + 1] = "missing " .. next(expected) end
         if round % 4 == 0 then for i = 1, 20000 do local garbage = { i } end end
         -- Those that wait end in the middle of their wait.
         for i = 1, #alive, 2 do process.terminate(alive[i]) end
         alive = {}
       end
       return wrong`,
      { processes },
    ),
  ).toEqual({});
});

describe("spawn", () => {
  test("returns before the child runs", async () => {
    const child = main("process.send(..., 'ran')");
    expect(
      await runProcess(
        `local ch = process.listen("ran")
         process.spawn("app:child", "app:processes", process.pid())
         local first = channel.select{ ch:case_receive(), default = true }
         local _, ok = ch:receive()
         return { first.default, ok }`,
        { processes: { child } },
      ),
    ).toEqual([true, true]);
  });

  test("passes all arguments, nil holes included", async () => {
    const child = main("return { select('#', ...), ... }");
    expect(
      await runProcess('return process.exec("app:child", "app:processes", 1, nil, 3, nil)', {
        processes: { child },
      }),
    ).toEqual(new Map([[1, 4], [2, 1], [4, 3]]));
  });

  test("what it refuses", async () => {
    expect(
      await run(`local list = {}
        local function try(...)
          local pid, err = process.spawn(...)
          table.insert(list, tostring(pid) .. " " .. err:kind() .. " " .. err:message())
        end
        try()
        try("app:same")
        try("app:nothing", "app:processes")
        try("app:square", "app:processes")
        try("app:same", "app:nowhere")
        try("app:broken", "app:processes")
        return list`),
    ).toEqual([
      "nil Invalid spawn needs the id of a process and the id of a host",
      "nil Invalid spawn needs the id of a process and the id of a host",
      "nil NotFound factory not found: app:nothing",
      "nil NotFound factory not found: app:square is a function.lua",
      "nil NotFound host not found",
      'nil NotFound method "main" not found in module',
    ]);
  });

  test("a host that was not started takes nothing", async () => {
    expect(
      await runProcess(
        `local pid, err = process.spawn("app:same", "app:idle")
         return { pid == nil, err:kind(), err:message() }`,
        { processes, entries: { idle: { kind: "process.host" } } },
      ),
    ).toEqual([true, "Unavailable", "host is not running"]);
  });

  test("a child outlives its spawner", async () => {
    const parent = main('return process.spawn("app:wait", "app:processes")');
    expect(
      await runProcess(
        `local pid = process.exec("app:parent", "app:processes")
         process.monitor(pid)
         process.send(pid, "t", "alive")
         return process.events():receive().result.value`,
        { processes: { ...processes, parent } },
      ),
    ).toBe("alive");
  });

  test("monitors and links are in place before the child's first instruction", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local log = {}
        for _, name in ipairs({ "spawn_monitored", "spawn_linked", "spawn_linked_monitored" }) do
          local pid = process[name]("app:fails", "app:processes")
          table.insert(log, name)
          for _ = 1, name == "spawn_linked_monitored" and 2 or 1 do
            local event = process.events():receive()
            table.insert(log, event.kind .. tostring(event.from == pid) .. event.result.error:kind())
          end
        end
        return log`),
    ).toEqual([
      "spawn_monitored",
      "pid.exittrueConflict",
      "spawn_linked",
      "pid.link.downtrueConflict",
      "spawn_linked_monitored",
      "pid.exittrueConflict",
      "pid.link.downtrueConflict",
    ]);
  });

  test("a process may be spawned by a function", async () => {
    expect(
      await runFunction(
        `local pid = process.spawn_monitored("app:same", "app:processes", 5)
         local event = process.events():receive()
         return { event.from == pid, event.result.value }`,
        { processes },
      ),
    ).toEqual([true, 5]);
  });
});

describe("exec", () => {
  test("gives the result, or nil for none", async () => {
    expect(await run('return { process.exec("app:same", "app:processes", 4) }')).toEqual([4]);
    expect(await run('return select("#", process.exec("app:same", "app:processes"))')).toBe(2);
  });

  test("gives the child's own error", async () => {
    expect(
      await run(`local value, err = process.exec("app:fails", "app:processes")
        return { value == nil, err:kind(), err:message(), err:details().a }`),
    ).toEqual([true, "Conflict", "gone", 1]);
  });

  test("what it refuses", async () => {
    expect(
      await run(`local list = {}
        local function try(...)
          local value, err = process.exec(...)
          table.insert(list, tostring(value) .. " " .. err:kind() .. " " .. err:message())
        end
        try("", "app:processes")
        try("app:same", "")
        try("same", "app:processes")
        try("app:same")
        try("app:nothing", "app:processes")
        try("app:same", "app:nowhere")
        try("app:broken", "app:processes")
        return list`),
    ).toEqual([
      "nil Invalid exec needs the id of a process and the id of a host",
      "nil Invalid exec needs the id of a process and the id of a host",
      "nil Invalid invalid id: 'same' (namespace:name expected)",
      "nil Invalid exec needs the id of a process and the id of a host",
      "nil Internal exec failed: factory not found: app:nothing",
      "nil Internal exec failed: host not found",
      'nil Internal exec failed: method "main" not found in module',
    ]);
  });

  test("the child goes on when the caller ends", async () => {
    const caller = main(`process.send(..., "child", "waits")
      process.exec("app:named", "app:processes", ...)`);
    const named = main(`process.send(..., "pid", process.pid())
      return process.inbox():receive():payload():data()`);
    expect(
      await runProcess(
        `local pids = process.listen("pid")
         local caller = process.spawn_monitored("app:caller", "app:processes", process.pid())
         local child = pids:receive()
         process.monitor(child)
         process.terminate(caller)
         process.events():receive()
         process.send(child, "t", "alive")
         return process.events():receive().result.value`,
        { processes: { caller, named } },
      ),
    ).toBe("alive");
  });
});

describe("builder", () => {
  test("context values reach the child and its calls, and are merged", async () => {
    const values = main(`local seen = require("ctx").all()
      seen.called = funcs.call("app:value", "a")
      return seen`);
    expect(
      await runProcess(
        `local one = process.with_context({ a = 1, b = 2 })
         local two = one:with_context({ b = 3, [7] = "dropped" })
         return { one:exec("app:values", "app:processes"), two:exec("app:values", "app:processes"),
           (process.exec("app:values", "app:processes")) }`,
        {
          processes: { values },
          functions: { value: 'return function(key) return (require("ctx").get(key)) end' },
        },
      ),
    ).toEqual([{ a: 1, b: 2, called: 1 }, { a: 1, b: 3, called: 1 }, {}]);
  });

  test("is immutable", async () => {
    expect(
      await run(`local one = process.with_context({ a = 1 })
        return { one:with_name("n") ~= one, one:with_context({}) ~= one, type(one) }`),
    ).toEqual([true, true, "userdata"]);
  });

  test("messages are in the child's mailbox first, in order, without sender", async () => {
    const child = main(`local inbox, log = process.inbox(), {}
      for _ = 1, 3 do
        local m = inbox:receive()
        table.insert(log, m:topic() .. (m:payload() and m:payload():data() or "") .. m:from())
      end
      return log`);
    expect(
      await runProcess(
        `return process.with_context({}):with_message("a", 1):with_message("b"):with_message("a", 2)
           :exec("app:child", "app:processes")`,
        { processes: { child } },
      ),
    ).toEqual(["a1", "b", "a2"]);
  });

  test("with_name starts once, then passes the messages to who has the name", async () => {
    const child = main(`local inbox, log = process.inbox(), { ... }
      for _ = 1, 2 do
        local m = inbox:receive()
        table.insert(log, m:topic() .. m:payload():data() .. m:from())
      end
      return log`);
    expect(
      await runProcess(
        `local builder = process.with_context({}):with_name("only"):with_message("warm", 1)
         local first = builder:spawn_monitored("app:child", "app:processes", "input")
         local second = builder:spawn("app:child", "app:processes", "ignored")
         local looked = process.registry.lookup("only")
         local event = process.events():receive()
         local after, err = process.registry.lookup("only")
         return { first == second, looked == first, event.result.value, after == nil, err:kind() }`,
        { processes: { child } },
      ),
    ).toEqual([true, true, ["input", "warm1", "warm1"], true, "NotFound"]);
  });

  test("a named child that cannot start does not keep the name", async () => {
    expect(
      await run(`local builder = process.with_context({}):with_name("n")
        local pid, err = builder:spawn("app:broken", "app:processes")
        local again, missing = builder:spawn("app:nothing", "app:processes")
        return { pid == nil, err:kind(), again == nil, missing:kind(),
          (process.registry.lookup("n")) == nil }`),
    ).toEqual([true, "NotFound", true, "NotFound", true]);
  });

  test("a named child on a host that is not there", async () => {
    expect(
      await run(
        `local pid, err = process.with_context({}):with_name("n"):spawn("app:same", "app:nowhere")
        return { pid == nil, err:kind(), err:message() }`,
      ),
    ).toEqual([true, "NotFound", "host not found"]);
  });

  test("a named child gets copies of its arguments", async () => {
    const child = main("local t = ... t.changed = true return t");
    expect(
      await runProcess(
        `local t = { a = 1 }
         local pid = process.with_context({}):with_name("n"):spawn_monitored("app:child", "app:processes", t)
         return { process.events():receive().result.value, t }`,
        { processes: { child } },
      ),
    ).toEqual([{ a: 1, changed: true }, { a: 1 }]);
  });

  test("bad arguments raise", async () => {
    expect(
      await run(`local b = process.with_context({})
        local function message(...)
          local ok, err = pcall(...)
          assert(not ok)
          return tostring(err)
        end
        return { message(process.with_context, 1), message(b.with_name, b, ""),
          message(b.with_message, b, "@pid/events"), message(b.with_name, b, nil),
          message(b.spawn, {}) }`),
    ).toEqual([
      expect.stringContaining("bad argument #1 to 'with_context' (table expected"),
      expect.stringContaining("name is empty"),
      expect.stringContaining("cannot send to @ topics"),
      expect.stringContaining("bad argument #1 to 'with_name' (string expected"),
      expect.stringContaining("process.Builder expected"),
    ]);
  });
});

describe("default_host", () => {
  const actor = {
    source: main("return ... * 2"),
    meta: { default_host: "app:processes" },
  };

  test("a process with one can be called like a function", async () => {
    const app = await startApplication({
      processes: { actor, other: processes.same },
      functions: {
        call: main('return funcs.call("app:actor", ...)'),
        later: main('return funcs.async("app:actor", ...):channel():receive():data()'),
        wrong: main('return funcs.call("app:other", ...)'),
      },
    });
    expect(await app.call("call", 4)).toBe(8);
    expect(await app.call("later", 5)).toBe(10);
    expect(await app.call("actor", 6)).toBe(12);
    expect(await failure(app.call("wrong"))).toMatchObject({
      kind: "NotFound",
      message: "no handler registered for target: app:other",
    });
  });

  test("the caller's end sends it a cancel", async () => {
    const server = {
      source: main(`local parent = ...
        process.send(parent, "up", process.pid())
        local event = process.events():receive()
        process.send(parent, "down", event.kind)`),
      meta: { default_host: "app:processes" },
    };
    expect(
      await runProcess(
        `local up, down = process.listen("up"), process.listen("down")
         local caller = process.spawn("app:caller", "app:processes", process.pid())
         up:receive()
         process.terminate(caller)
         return down:receive()`,
        { processes: { server, caller: main('funcs.call("app:server", ...)') } },
      ),
    ).toBe("pid.cancel");
  });
});
