import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

async function start(body: string) {
  return await startApplication({
    entries: {
      small: { kind: "process.host" },
      service: {
        kind: "process.service",
        process: "app:idle",
        host: "app:processes",
        lifecycle: { auto_start: true, stop_timeout: "100ms" },
      },
    },
    processes: {
      idle: main("process.inbox():receive()"),
      holder: {
        modules: ["system"],
        source: `return { main = function(parent)
        process.send(parent, "got", (require("system").lock.acquire("door")))
        process.inbox():receive() end }`,
      },
    },
    functions: {
      run: {
        modules: ["system", "events", "time"],
        source: `local system, events, time = require("system"), require("events"), require("time")
          return { main = function() ${body} end }`,
      },
    },
  });
}

const run = async (body: string) => await (await start(body)).call("run");

describe("system", () => {
  test("the machine and the runtime", async () => {
    expect(
      await run(`local names = {}
        for _, m in ipairs(system.modules()) do names[m.name] = table.concat(m.class, " ") end
        return { system.process.pid() > 0, #system.process.hostname() > 0, system.process.cwd():sub(1, 1),
          system.runtime.cpu_count() >= 1, system.memory.stats().sys > 1000000, system.memory.allocated() > 0,
          names.system, names.json, names.funcs, names.cloudstorage, system.node.role(), system.cluster.size(), system.cluster.leader() }`),
    ).toEqual([
      true,
      true,
      "/",
      true,
      true,
      true,
      "process",
      "deterministic",
      "workflow",
      "network storage",
      "non-member",
      1,
      "",
    ]);
  });

  test("hosts and their processes", async () => {
    expect(
      await run(`local pid = process.spawn("app:idle", "app:processes")
        local hosts = system.hosts.list()
        local found
        for _, p in ipairs(system.hosts.processes("app:processes")) do if p.pid == pid then found = p end end
        return { hosts[1].id, hosts[1].processes, hosts[2].id, found.source, found.host, found.state,
          math.type(found.started_at), hosts[1].executed > 0, hosts[1].stolen, #system.hosts.processes("app:nothing") }`),
    ).toEqual([
      "app:processes",
      2,
      "app:small",
      "app:idle",
      "app:processes",
      "waiting",
      "integer",
      true,
      0,
      0,
    ]);
  });

  test("services: state, desired state, restarts, and updates on the bus", async () => {
    expect(
      await run(`local before = system.supervisor.state("app:service")
        local sub = events.subscribe("supervisor")
        local pid
        for _, p in ipairs(system.hosts.processes("app:processes")) do if p.source == "app:idle" then pid = p.pid end end
        process.terminate(pid)
        local e = sub:channel():receive()
        local after = system.supervisor.state("app:service")
        local small
        for _, s in ipairs(system.supervisor.states()) do if s.id == "app:small" then small = s end end
        return { before.status, before.desired, before.retry_count, before.started_at > 0, math.type(before.started_at),
          math.type(after.last_update), math.type(e.data.last_update), e.kind, e.path, e.data.status,
          after.status, after.retry_count, after.details, small.status, small.started_at }`),
    ).toEqual([
      "running",
      "running",
      0,
      true,
      "integer",
      "integer",
      "integer",
      "service.update",
      "app:service",
      "exited",
      "exited",
      0,
      "process terminated",
      "unknown",
      0,
    ]);
  });

  test("memory, the collector, units and workers", async () => {
    expect(
      await run(`local before = system.gc.get_percent()
        local previous = system.gc.set_percent(50)
        local now = system.gc.get_percent()
        system.gc.set_percent(-1)
        local most = system.gc.get_percent()
        local off = system.gc.set_percent(33)
        assert(off == 100 and system.gc.set_percent(before) == 33)
        local units = system.runtime.goroutines()
        for i = 1, 20 do process.spawn("app:idle", "app:processes") end
        time.sleep("20ms")
        return { previous == before, now, most, system.gc.collect(), system.memory.get_limit(),
          system.memory.heap_objects() > 1000, system.runtime.goroutines() - units, system.runtime.max_procs() }`),
    ).toEqual([true, 50, 900, true, 2 ** 30, true, 20, 1]);
  });

  test("all figures of memory are there, and the number of workers can be limited", async () => {
    const names = "alloc total_alloc sys heap_alloc heap_sys heap_idle heap_in_use heap_released " +
      "heap_objects stack_in_use stack_sys mspan_in_use mspan_sys num_gc next_gc";
    const app = await start(`local stats, kinds = system.memory.stats(), {}
      for name in ("${names}"):gmatch("%S+") do
        kinds[type(stats[name])] = (kinds[type(stats[name])] or 0) + 1
      end
      local procs = system.runtime.max_procs
      return { kinds, procs(1), procs(), procs(100), procs() }`);
    expect(await app.call("run")).toEqual([{ number: 15 }, 1, 1, 1, 1]);
  });

  test("the memory limit is set for all workers, and the one before returned", async () => {
    const kept = `local kept = {}
      for i = 1, 8 do kept[i] = string.rep("x", 8 << 20) end
      return true`;
    const app = await startApplication({
      functions: {
        main: {
          modules: ["system", "time"],
          source: `local memory = require("system").memory
            local time = require("time")
            local function take() ${kept} end
            return { main = function()
              local list = { memory.get_limit(), memory.set_limit(48 << 20), memory.get_limit() }
              list[4], list[5] = pcall(take)
              local events = process.events()
              for _ = 1, 2 do
                process.spawn_monitored("app:taker", "app:processes")
              end
              local refused = 0
              for _ = 1, 2 do
                local err = events:receive().result.error
                if err and err:message():find("not enough memory", 1, true) then refused = refused + 1 end
              end
              list[6] = refused
              list[7] = memory.set_limit(-1)
              list[8] = memory.set_limit(math.maxinteger)
              list[9] = memory.set_limit(256 << 20)
              list[10] = pcall(take)
              list[11] = memory.get_limit()
              return list
            end }`,
        },
      },
      processes: { taker: `return { main = function() ${kept} end }` },
    }, { workers: 2 });
    expect(await app.call("main")).toEqual([
      2 ** 30,
      2 ** 30,
      48 * 2 ** 20,
      false,
      expect.stringContaining("not enough memory"),
      2,
      48 * 2 ** 20,
      -1,
      -1,
      true,
      256 * 2 ** 20,
    ]);
  }, 20000);

  test("locks: held by one, given back, freed by the end of the holder", async () => {
    expect(
      await run(`local got = process.listen("got")
        local pid = process.spawn("app:holder", "app:processes", process.pid())
        local theirs = got:receive()
        local ok, err = system.lock.acquire("door")
        local not_mine = system.lock.release("door")
        process.send(pid, "end") time.sleep("20ms")
        return { theirs, ok, err:kind(), not_mine, system.lock.acquire("door"), (system.lock.acquire("door")),
          system.lock.release("door"), (system.lock.release("door")) }`),
    ).toEqual([true, false, "AlreadyExists", false, true, true, true, false]);
  });

  test.each([
    ['system.supervisor.state("app:nothing")', "Internal: no service app:nothing"],
    ["system.memory.set_limit()", "Invalid: memory.set_limit needs an integer of -1 or more"],
    ["system.memory.set_limit(-2)", "Invalid: memory.set_limit needs an integer of -1 or more"],
    ["system.memory.set_limit(1.5)", "Invalid: memory.set_limit needs an integer of -1 or more"],
    ["system.runtime.max_procs(0)", "Invalid: runtime.max_procs needs an integer of 1 or more"],
    ['system.supervisor.state("")', "Invalid: service id is required"],
    ['system.hosts.processes("")', "Invalid: host id is required"],
    ["system.raft.role()", "Internal: raft not available"],
    ["system.node.addr()", "Internal: clustering is not available"],
  ])("%s: %s", async (call, message) => {
    expect(await run(`local _, e = ${call} return e:kind() .. ": " .. e:message()`)).toBe(message);
  });

  test("exit ends the runtime with the status", async () => {
    const app = await start("return system.exit(7)");
    expect(await app.call("run")).toBe(true);
    expect(await app.node.done).toBe(7);
    expect(app.node.askedStatus).toBe(7);
  });

  test("a second exit changes the status; one beyond 32 bits is 1", async () => {
    const app = await start("return system.exit(7) and system.exit(8)");
    expect(await app.call("run")).toBe(true);
    expect(app.node.askedStatus).toBe(8);
    const other = await start("return system.exit(2^40)");
    expect(await other.call("run")).toBe(true);
    expect(await other.node.done).toBe(1);
  });
});
