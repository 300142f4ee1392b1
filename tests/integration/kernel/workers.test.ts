import { describe, expect, test } from "bun:test";
import { workerOf } from "../../../src/node/pid.ts";
import { main, startApplication, type TestApplication } from "../application.ts";
import { until } from "../../until.ts";

/** Processes that say where they are and then obey. */
const processes = {
  idle: main("process.inbox():receive()"),
  obeys: main(`local parent, value = ...
    if parent then process.send(parent, "up", process.pid(), value) end
    local how = process.inbox():receive():payload():data()
    if how == "fail" then error(errors.new{ message = "m", kind = errors.CONFLICT, details = { a = { 1 } } }) end
    return { said = how, value = value }`),
  linker: main(`local to, parent = ...
    local ok, err = process.link(to)
    process.send(parent, "linked", ok or err:message())
    return process.inbox():receive():topic()`),
};

/** Worker of a PID, from its low six bits. */
const worker = `local function worker(pid) return tonumber(pid:match("|0x(%x+)}"), 16) & 63 end
`;

/** Spawns until one lives on another worker than this process; the others end. */
const elsewhere = `${worker}
  local here = worker(process.pid())
  local function elsewhere(...)
    for _ = 1, 2000 do
      local pid = assert(process.spawn(...))
      if worker(pid) ~= here then return pid end
      time.sleep("1ms")
    end
    error("no second worker")
  end
  for _ = 1, 40 do process.spawn("app:idle", "app:processes") end
  local events = process.events()
`;

interface Parts {
  functions?: Record<string, string>;
  processes?: Record<string, string>;
}

const mebibyte = 1024 * 1024;

async function runOnTwo(
  body: string,
  parts: Parts = {},
  memoryLimit = 512 * mebibyte,
  app?: (app: TestApplication) => void,
) {
  const application = await startApplication({
    functions: {
      ...parts.functions,
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
    processes: { ...processes, ...parts.processes, main: main(elsewhere + body) },
  }, { workers: 2, memoryLimit });
  app?.(application);
  return await application.call("start");
}

describe("two workers", () => {
  test("a burst of processes starts the second one", async () => {
    expect(await runOnTwo('return worker(elsewhere("app:idle", "app:processes")) ~= here')).toBe(
      true,
    );
  });

  test("messages, arguments and results cross", async () => {
    expect(
      await runOnTwo(`local up = process.listen("up", { message = true })
        local pid = elsewhere("app:obeys", "app:processes", process.pid(), { list = { 1, 2.5 }, f = 1.0 })
        local m
        repeat m = up:receive() until m:from() == pid
        process.monitor(pid)
        process.send(pid, "how", "text")
        local e = events:receive()
        local r = e.result.value
        return { e.from == pid, m:payload()[1]:data() == pid, r.said, r.value.list, math.type(r.value.f) }`),
    ).toEqual([true, true, "text", [1, 2.5], "float"]);
  });

  test("order per sender is kept across workers", async () => {
    const counts = main(`local parent, n = ...
      local inbox, last = process.inbox(), 0
      for _ = 1, n do
        local value = inbox:receive():payload():data()
        assert(value == last + 1, value .. " after " .. last)
        last = value
      end
      process.send(parent, "last", last)`);
    expect(
      await runOnTwo(
        `local last = process.listen("last")
         local pid = elsewhere("app:counts", "app:processes", process.pid(), 3000)
         for i = 1, 3000 do process.send(pid, "n", i) end
         return last:receive()`,
        { processes: { counts } },
      ),
    ).toBe(3000);
  });

  test("a send to the dead on another worker is NotFound", async () => {
    expect(
      await runOnTwo(`local pid = elsewhere("app:obeys", "app:processes")
        process.monitor(pid)
        process.send(pid, "how", "end")
        events:receive()
        local log = {}
        for _, name in ipairs({ "send", "monitor", "link", "terminate", "cancel" }) do
          local ok, err = process[name](pid, name == "send" and "t" or nil)
          table.insert(log, tostring(ok) .. " " .. err:kind() .. " " .. err:message():gsub("{.*}", "PID"))
        end
        return log`),
    ).toEqual([
      "nil NotFound process not found: PID",
      "nil Internal monitor failed: pid not registered",
      "nil Internal link failed: pid not registered",
      "nil Internal terminate failed: process not found",
      "nil Internal cancel failed: process not found",
    ]);
  });

  test("monitors, links, terminate, cancel and unmonitor cross", async () => {
    expect(
      await runOnTwo(`process.set_options{ trap_links = true }
        local log = {}
        local function note(e)
          table.insert(log, e.kind .. " " .. (e.result and e.result.error and e.result.error:message() or ""))
        end
        local pid = elsewhere("app:obeys", "app:processes")
        assert(process.monitor(pid))
        assert(process.link(pid))
        assert(process.link(pid))
        process.send(pid, "how", "fail")
        note(events:receive())
        note(events:receive())
        pid = elsewhere("app:obeys", "app:processes")
        assert(process.monitor(pid))
        assert(not process.monitor(pid))
        assert(process.cancel(pid, "no effect"))
        assert(process.terminate(pid))
        note(events:receive())
        pid = elsewhere("app:obeys", "app:processes")
        assert(process.monitor(pid))
        assert(process.link(pid))
        assert(process.unmonitor(pid))
        assert(process.unlink(pid))
        process.terminate(pid)
        time.sleep("5ms")
        table.insert(log, tostring(channel.select{ events:case_receive(), default = true }.default))
        return log`),
    ).toEqual([
      "pid.exit m",
      "pid.link.down m",
      "pid.exit process terminated",
      "true",
    ]);
  });

  test("spawn_linked_monitored reports a child that fails at once on another worker", async () => {
    const fails = main('error(errors.new{ message = "at once", kind = errors.CONFLICT })');
    expect(
      await runOnTwo(
        `process.set_options{ trap_links = true }
         elsewhere("app:idle", "app:processes")
         local log = {}
         for i = 1, 6 do
           local pid = assert(process.spawn_linked_monitored("app:fails", "app:processes"))
           for _ = 1, 2 do
             local e = events:receive()
             assert(e.from == pid and e.result.error:kind() == "Conflict")
             log[e.kind] = (log[e.kind] or 0) + 1
           end
           -- Nothing is left behind: linking to the dead says so.
           local ok, err = process.link(pid)
           assert(ok == nil and err:message() == "link failed: pid not registered")
           process.spawn("app:idle", "app:processes")
         end
         return log`,
        { processes: { fails } },
      ),
    ).toEqual({ "pid.exit": 6, "pid.link.down": 6 });
  });

  test("a failed link ends a process on another worker", async () => {
    expect(
      await runOnTwo(`local linked = process.listen("linked")
        local pid = process.spawn("app:obeys", "app:processes")
        local linker = elsewhere("app:linker", "app:processes", pid, process.pid())
        assert(linked:receive() == true)
        process.monitor(linker)
        process.send(pid, "how", "fail")
        local e
        repeat e = events:receive() until e.from == linker
        return e.result.error:message()`),
    ).toBe("linked process failed");
  });

  test("names are those of the whole node", async () => {
    expect(
      await runOnTwo(`local pid = elsewhere("app:obeys", "app:processes")
        local log = { process.registry.register("far", pid), process.registry.lookup("far") == pid }
        process.monitor("far")
        process.send("far", "how", "end")
        table.insert(log, events:receive().result.value.said)
        table.insert(log, (process.registry.lookup("far")) == nil)
        return log`),
    ).toEqual([true, true, "end", true]);
  });

  test("exec and calls work from and on every worker", async () => {
    const square = "return function(x) return x * x end";
    const fails = 'return function() error(errors.new{ message = "m", kind = "Own" }) end';
    expect(
      await runOnTwo(
        `elsewhere("app:idle", "app:processes")
         local sum, futures = 0, {}
         for i = 1, 20 do futures[i] = funcs.async("app:square", i) end
         for i = 1, 20 do sum = sum + futures[i]:channel():receive():data() end
         local kinds = {}
         for i = 1, 4 do kinds[i] = funcs.async("app:fails"):channel():receive():kind() end
         local values = {}
         for i = 1, 6 do
           process.spawn("app:idle", "app:processes")
           values[i] = process.exec("app:same", "app:processes", i)
         end
         return { sum, kinds, values }`,
        { functions: { square, fails }, processes: { same: main("return ...") } },
      ),
    ).toEqual([2870, ["Own", "Own", "Own", "Own"], [1, 2, 3, 4, 5, 6]]);
  });

  test("what is too large to cross is an Invalid error, wherever it comes from", async () => {
    const large = 'local s = ("x"):rep(34000000) local value = { s, s }\n';
    expect(
      await runOnTwo(
        `local pid = elsewhere("app:obeys", "app:processes")
         local log = {}
         local function note(_, err) table.insert(log, err and err:kind() or "none") end
         note(nil, funcs.async("app:large"):channel():receive())
         local far = elsewhere("app:large_result", "app:processes")
         process.monitor(far)
         process.send(far, "go")
         note(nil, events:receive().result.error)
         ${large}
         note(process.send(pid, "t", value))
         process.monitor(pid)
         process.send(pid, "how", "alive")
         table.insert(log, events:receive().result.value.said)
         return log`,
        {
          functions: { large: main(`${large} return value`) },
          processes: { large_result: main(`process.inbox():receive() ${large} return value`) },
        },
      ),
    ).toEqual(["Invalid", "Invalid", "Invalid", "alive"]);
  });

  test("asynchronous calls on another worker end with their caller", async () => {
    const inner = main('process.send(..., "inner", process.pid()) time.sleep("1h")');
    expect(
      await runOnTwo(
        `elsewhere("app:idle", "app:processes")
         local inner = process.listen("inner")
         local caller
         repeat
           caller = process.spawn("app:caller", "app:processes", process.pid())
           time.sleep("1ms")
         until worker(caller) == here
         process.send(caller, "go")
         local other = false
         for _ = 1, 6 do
           local pid = inner:receive()
           other = other or worker(pid) ~= worker(caller)
           process.monitor(pid)
         end
         process.terminate(caller)
         local log = {}
         for i = 1, 6 do
           local e = events:receive()
           log[i] = e.result.error:kind()
         end
         return { other, log }`,
        {
          functions: { inner },
          processes: {
            caller: main(`process.inbox():receive()
              for _ = 1, 6 do funcs.async("app:inner", ...) end time.sleep("1h")`),
          },
        },
      ),
    ).toEqual([true, Array(6).fill("Canceled")]);
  });
});

describe("a worker that dies", () => {
  const greedy = main(`process.inbox():receive()
    local waste = {}
    while true do waste[#waste + 1] = ("x"):rep(1000000) .. #waste end`);

  test("its units are reported to monitors and links elsewhere, and it is replaced", async () => {
    const logs: string[] = [];
    let application: TestApplication | undefined;
    const result = await runOnTwo(
      `process.set_options{ trap_links = true }
       local victim = elsewhere("app:obeys", "app:processes")
       process.monitor(victim)
       process.link(victim)
       process.registry.register("victim", victim)
       local killer = elsewhere("app:kills", "app:processes")
       process.send(killer, "go")
       local log = {}
       coroutine.spawn(function()
         repeat time.sleep("1ms") until not process.send(killer, "poke", ("x"):rep(30000))
       end)
       for _ = 1, 2 do
         local e = events:receive()
         table.insert(log, e.kind .. tostring(e.from == victim) .. type(e.result.error))
       end
       local ok, err = process.send(victim, "t")
       table.insert(log, tostring(ok) .. err:kind())
       table.insert(log, (process.registry.lookup("victim")) == nil)
       table.insert(log, (funcs.call("app:add", 1, 2)))
       local again = elsewhere("app:obeys", "app:processes")
       process.monitor(again)
       process.send(again, "how", "well")
       table.insert(log, events:receive().result.value.said)
       table.insert(log, again ~= victim)
       return log`,
      {
        functions: { add: "return function(a, b) return a + b end" },
        processes: {
          // Leaves no byte to the kernel, which then cannot take the next message.
          kills: main(`process.inbox():receive()
            local waste = {}
            local function more(size) waste[#waste + 1] = ("x"):rep(size) .. #waste end
            for _, size in ipairs({ 1 << 20, 1 << 12, 1 << 6, 1 }) do
              while pcall(more, size) do end
            end
            while true do coroutine.yield() end`),
        },
      },
      128 * mebibyte,
      (app) => application = app,
    );
    for (const { message } of application!.logs) logs.push(message);
    expect(result).toEqual([
      "pid.exittrueuserdata",
      "pid.link.downtrueuserdata",
      "nilNotFound",
      true,
      3,
      "well",
      true,
    ]);
    expect(logs.join("\n")).toMatch(/worker 1 was replaced/);
  }, 20000);

  test("memory that runs out fails the unit that wants it, not the worker", async () => {
    const app = await startApplication({
      functions: {
        drive: main(`local pid = process.spawn_monitored("app:greedy", "app:processes")
          process.send(pid, "go")
          local e = process.events():receive()
          return { e.result.error:kind(), e.result.error:message() }`),
        works: "return function() return true end",
      },
      processes: { greedy },
    }, { memoryLimit: 64 * mebibyte });
    expect(await app.call("drive")).toEqual(["Internal", expect.stringContaining("memory")]);
    expect(await app.call("works")).toBe(true);
  });

  test(
    "a worker without memory for another process refuses it, until some have ended",
    async () => {
      const app = await startApplication({
        functions: {
          drive: main(`local pid = process.spawn_monitored("app:fills", "app:processes")
          return process.events():receive().result`),
        },
        processes: {
          holds: main(`local text = ("x"):rep(100000) .. process.pid()
          process.send(..., "up")
          process.inbox():receive()
          return #text`),
          fills: main(`local inbox, pids = process.inbox(), {}
          local function spawn()
            return process.spawn("app:holds", "app:processes", process.pid())
          end
          local pid, err = spawn()
          while pid do
            pids[#pids + 1] = pid
            inbox:receive()
            pid, err = spawn()
          end
          for i = 1, #pids // 2 do process.send(pids[i], "end") end
          repeat
            time.sleep("5ms")
            pid = spawn()
          until pid
          return { #pids > 300, err:kind(), err:retryable(), err:message() }`),
        },
      }, { memoryLimit: 64 * mebibyte });
      expect(await app.call("drive")).toEqual({
        value: [true, "Unavailable", true, expect.stringContaining("memory for another process")],
      });
    },
    20_000,
  );
});

test("what a unit called on another worker ends when its own worker dies", async () => {
  const application = await startApplication({
    functions: {
      beat: {
        modules: ["events", "time"],
        source: `local events, time = require("events"), require("time")
        return { main = function(name)
          while true do
            events.send("beat", "beat", name)
            time.sleep("5ms")
          end
        end }`,
        pool: { type: "lazy", max_size: 100 },
      },
      begin: 'return { main = function() return process.spawn("app:caller", "app:processes") end }',
    },
    processes: {
      ...processes,
      caller: main(`${elsewhere}
        elsewhere("app:idle", "app:processes")
        for i = 1, 60 do
          funcs.async("app:beat", "b" .. i)
          if i % 10 == 0 then time.sleep("5ms") end
        end
        process.inbox():receive()`),
    },
  }, { workers: 2, threads: true });
  const heard = new Set<string>();
  application.node.bus.subscribe({ system: "beat" }, ({ path }) => heard.add(path));
  const pid = String(await application.call("begin"));
  await until(() => heard.size >= 60);
  application.node.killWorker(workerOf(pid)!);
  // It would go on for ever on the worker that lives.
  do {
    heard.clear();
    // Sleeps because nothing is to be heard.
    await Bun.sleep(100);
  } while (heard.size > 0);
  expect(application.logs.map(({ message }) => message)).toContainEqual(
    expect.stringContaining("was replaced"),
  );
}, 20_000);
