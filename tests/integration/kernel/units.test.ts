import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";
import { until } from "../../until.ts";

async function start(workers = 1) {
  return await startApplication({
    entries: { other: { kind: "process.host", lifecycle: { auto_start: true } } },
    processes: {
      idle: main("process.inbox():receive()"),
      deaf: main("process.events():receive()"),
      parent: main(`process.registry.register("the parent")
        local pid = process.spawn_linked("app:deaf", "app:other")
        for i = 1, 3 do process.send(pid, "t", i) end
        process.inbox():receive() error("it failed")`),
    },
    functions: {
      spawn: `return { main = function(id, host, n)
        local pids = {} for i = 1, n do pids[i] = assert(process.spawn(id, host)) end return pids end }`,
      send: "return { main = function(pid) return process.send(pid, 'end') end }",
      listen: {
        modules: ["events", "time"],
        source: `local events, time = require("events"), require("time")
        return { main = function()
          local sub = events.subscribe("process")
          time.sleep("20ms")
          local pid = process.spawn("app:idle", "app:other")
          process.send(pid, "end")
          local a, b = sub:channel():receive(), sub:channel():receive()
          return { a.kind, a.path == pid, a.data.entry, b.kind, b.data.error == nil }
        end }`,
      },
    },
  }, { workers });
}

describe("Node.units", () => {
  test("shows a unit's entry, state, links, mailbox, parent and names", async () => {
    const app = await start();
    const before = Date.now();
    await app.call("spawn", "app:parent", "app:processes", 1);
    await until(async () => {
      const { units } = await app.node.control.units();
      const named = units.some(({ entry, names }) => entry === "app:parent" && names.length > 0);
      return named && units.some(({ mailbox }) => mailbox === 3);
    });
    const { units, next } = await app.node.control.units();
    expect(next).toBeUndefined();
    const parent = units.find(({ entry }) => entry === "app:parent")!;
    const child = units.find(({ entry }) => entry === "app:deaf")!;
    expect(parent).toMatchObject({
      kind: "process",
      names: ["the parent"],
      links: [child.pid],
      link_count: 1,
      state: "waiting",
      mailbox: 0,
    });
    expect(child).toMatchObject({ parent: parent.pid, mailbox: 3, names: [], trap_links: false });
    expect(child.steps).toBeGreaterThan(0);
    expect(Math.abs(child.started! - before)).toBeLessThan(60_000);
    expect(await app.node.control.units({ pid: child.pid })).toMatchObject({ units: [child] });
  });

  test("pages through all of them, by host and entry too", async () => {
    const app = await start(2);
    const pids = await app.call("spawn", "app:idle", "app:other", 95) as string[];
    await app.call("spawn", "app:idle", "app:processes", 20);
    await app.call("spawn", "app:deaf", "app:other", 5);
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await app.node.control.units({
        host: "app:other",
        entry: "app:idle",
        limit: 10,
        ...(after !== undefined && { after }),
      });
      expect(page.units.length).toBeLessThanOrEqual(10);
      seen.push(...page.units.map(({ pid }) => pid));
      after = page.next;
    } while (after !== undefined);
    expect(seen.toSorted()).toEqual(pids.toSorted());
  });

  test("pages go on whatever single units are asked for meanwhile", async () => {
    const app = await start();
    const pids = await app.call("spawn", "app:idle", "app:other", 30) as string[];
    const first = await app.node.control.units({ host: "app:other", limit: 10 });
    for (const pid of pids) await app.node.control.units({ pid });
    const second = await app.node.control.units({
      host: "app:other",
      limit: 20,
      after: first.next!,
    });
    expect([...first.units, ...second.units].map(({ pid }) => pid).toSorted())
      .toEqual(pids.toSorted());
  });

  test("who ended between two pages is left out", async () => {
    const app = await start();
    const pids = await app.call("spawn", "app:idle", "app:other", 4) as string[];
    const first = await app.node.control.units({ host: "app:other", limit: 2 });
    for (const pid of pids) await app.call("send", pid);
    await until(async () =>
      (await app.node.control.units({ host: "app:other" })).units.length === 0
    );
    expect(await app.node.control.units({ host: "app:other", limit: 2, after: first.next! }))
      .toEqual({
        units: [],
        unlisted: [],
      });
  });

  test.each([[{ limit: 0 }, "limit must be 1 to 1000"], [{ after: "x" }, "is no cursor"], [
    { after: "0/99.1" },
    "has expired",
  ]])("%j is refused", async (query, message) => {
    const app = await start();
    await expect(app.node.control.units(query)).rejects.toThrow(message);
  });
});

test("what a unit burns and holds is estimated", async () => {
  const app = await startApplication({
    processes: {
      busy: main(`local n = 0
        for i = 1, 1000000 do n = n + i end
        coroutine.spawn(function() for i = 1, 1000000 do n = n + i end end)
        process.inbox():receive()`),
      rich: main(`local list, text = {}, ("x"):rep(100000)
        for i = 1, 10000 do list[i] = i end
        kept = { list = list, again = list }
        process.inbox():receive()
        return text`),
      huge: main(`local list = {}
        for i = 1, 40000 do list[i] = { i } end
        process.inbox():receive()`),
      poor: main("process.inbox():receive()"),
      full: main("process.events():receive()"),
    },
    functions: {
      spawn: `return { main = function(name)
        return process.spawn("app:" .. name, "app:processes") end }`,
      fill: `return { main = function(pid)
        for i = 1, 100 do process.send(pid, "t", ("y"):rep(1000) .. i) end end }`,
    },
  });
  const look = async (name: string) => {
    const pid = await app.call("spawn", name) as string;
    if (name === "full") await app.call("fill", pid);
    let unit = (await app.node.control.units({ pid })).units[0]!;
    while (unit.state !== "waiting" || unit.steps < 1 + Number(name === "busy")) {
      unit = (await app.node.control.units({ pid })).units[0]!;
    }
    return unit;
  };
  const poor = await look("poor");
  expect(poor.fuel).toBeLessThan(5_000);
  expect(poor.memory).toBeLessThan(5_000);
  expect(poor.memory_partial).toBeUndefined();
  const busy = await look("busy");
  expect(busy.fuel).toBeGreaterThan(2_000_000);
  expect(busy.fuel).toBeLessThan(2_500_000);
  const rich = await look("rich");
  expect(rich.memory! - poor.memory!).toBeGreaterThan(260_000);
  expect(rich.memory! - poor.memory!).toBeLessThan(400_000);
  expect((await look("full")).memory! - poor.memory!).toBeGreaterThan(100_000);
  expect(await look("huge")).toMatchObject({ memory_partial: true });
  const { units } = await app.node.control.units({});
  expect(units.every((unit) => unit.memory === undefined)).toBe(true);
});

test("shows the parent of a child on another worker that nobody watches", async () => {
  const app = await startApplication({
    processes: {
      idle: main("process.inbox():receive()"),
      parent: main(`for i = 1, 20 do process.spawn("app:idle", "app:processes") end
        process.inbox():receive()`),
    },
    functions: {
      spawn: `return { main = function()
      return process.spawn("app:parent", "app:processes") end }`,
    },
  }, { workers: 2 });
  const parent = await app.call("spawn") as string;
  const { units } = await until(async () => {
    const page = await app.node.control.units({ entry: "app:idle" });
    return page.units.length === 20 && page;
  });
  expect(units.map((unit) => unit.parent)).toEqual(Array(20).fill(parent));
});

describe("the stream of starts and ends", () => {
  test("tells what a supervisor restarts", async () => {
    const app = await startApplication({
      processes: {
        brief: main(`if process.inbox():receive():topic() == "fail" then error("it failed") end`),
        top: {
          source: main(`return supervisor.run({ children = {
            { id = "brief", process = "app:brief", host = "app:processes" } } })`),
          modules: ["supervisor", "time", "funcs"],
        },
      },
      functions: {
        start: `return { main = function() return process.spawn("app:top", "app:processes") end }`,
        fail: `return { main = function(pid) return process.send(pid, "fail") end }`,
      },
    });
    const seen: unknown[] = [];
    const end = app.node.bus.subscribe({ system: "process", kind: "restart" }, ({ path, data }) => {
      seen.push({ path, ...data as object });
    });
    const top = await app.call("start");
    const brief = async () => (await app.node.control.units({ entry: "app:brief" })).units[0];
    const first = await until(brief);
    await app.call("fail", first.pid);
    await until(() => seen.length > 0);
    const second = await until(brief);
    end();
    expect(seen).toMatchObject([{
      path: second.pid,
      entry: "app:brief",
      parent: top,
      error: { message: expect.stringContaining("it failed") },
    }]);
  });

  test("is on the bus while somebody listens", async () => {
    const app = await start();
    const seen: string[] = [];
    const end = app.node.bus.subscribe({ system: "process" }, ({ kind, data }) => {
      const { entry, error } = data as unknown as { entry: string; error?: Error };
      seen.push(`${kind} ${entry}${error ? `: ${error.message}` : ""}`);
    });
    const [pid] = await app.call("spawn", "app:parent", "app:processes", 1) as string[];
    await app.call("send", pid!);
    await until(() => seen.some((text) => text.startsWith("exit app:parent")));
    end();
    const [later] = await app.call("spawn", "app:idle", "app:processes", 1) as string[];
    await app.call("send", later!);
    await until(async () =>
      (await app.node.control.units({ entry: "app:idle" })).units.length === 0
    );
    expect(seen.filter((text) => !text.includes("app:spawn") && !text.includes("app:send")))
      .toEqual([
        "start app:parent",
        "start app:deaf",
        expect.stringContaining("exit app:parent: "),
        "exit app:deaf: linked process failed",
      ]);
  });

  test("reaches units that subscribe", async () => {
    const app = await start();
    expect(await app.call("listen")).toEqual(["start", true, "app:idle", "exit", true]);
  });
});
