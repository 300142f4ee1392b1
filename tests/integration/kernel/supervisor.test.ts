import { describe, expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

/** Says that it started, then does what it is told; when cancelled, it says so and ends. */
const worker = {
  modules: ["time"],
  source: `return { main = function(name, log, how)
  process.send(log, "log", name .. " up")
  if how == "end" then return end
  if how == "fail" then error("fails at once") end
  process.registry.register(name)
  local events, inbox = process.events(), process.inbox()
  while true do
    local r = channel.select{ events:case_receive(), inbox:case_receive() }
    if r.channel == events and how ~= "stubborn" then
      process.send(log, "log", name .. " down")
      return
    elseif r.channel == inbox then
      local what = r.value:payload():data()
      if what == "end" then return end
      if what == "fail" then error(name .. " failed") end
    end
  end
end }`,
};

const prelude = `local supervisor, time = require("supervisor"), require("time")
local me, heard = process.pid(), process.listen("log")
local function log(n)
  local list = {}
  for i = 1, n do list[i] = heard:receive() end
  return table.concat(list, ", ")
end
local function quiet()
  local r = channel.select{ heard:case_receive(), time.after("40ms"):case_receive() }
  return r.channel ~= heard or r.value
end
local function child(id, fields)
  local c = { id = id, process = "app:worker", input = { id, me } }
  for k, v in pairs(fields or {}) do c[k] = v end
  return c
end
local function tell(name, what) assert(process.send(name, "do", what)) end
local function reason(err) return err:kind() .. ": " .. err:message() end
`;

async function run(body: string, workers = 1): Promise<unknown> {
  const app = await startApplication({
    processes: {
      worker,
      idle: main("process.inbox():receive()"),
      broken: 'error("does not load")',
      own: {
        modules: ["supervisor"],
        source: `return { main = function(spec) return require("supervisor").run(spec) end }`,
      },
      main: {
        modules: ["supervisor", "time"],
        source: `${prelude} return { main = function() ${body} end }`,
      },
    },
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
  }, { workers });
  return await app.call("start");
}

const three = (fields: string, child = "") =>
  `local sup = assert(supervisor.start_link("app:processes", { ${fields}, children = {
    child("a", { ${child} }), child("b", { ${child} }), child("c", { ${child} }) } }))
  local up = log(3)
`;

describe("strategies", () => {
  test("one_for_one restarts the one", async () => {
    expect(await run(`${three("intensity = 5")} tell("b", "fail") return { up, log(1), quiet() }`))
      .toEqual(["a up, b up, c up", "b up", true]);
  });

  test("one_for_all ends the others in reverse order and starts all in order", async () => {
    expect(
      await run(
        `${three('strategy = "one_for_all"')} tell("b", "fail") return { log(5), quiet() }`,
      ),
    )
      .toEqual(["c down, a down, a up, b up, c up", true]);
  });

  test("rest_for_one does so with those after it", async () => {
    expect(
      await run(
        `${three('strategy = "rest_for_one"')} tell("b", "fail") return { log(3), quiet() }`,
      ),
    )
      .toEqual(["c down, b up, c up", true]);
  });

  test("a temporary child of one_for_all is not started again", async () => {
    expect(
      await run(
        `local sup = assert(supervisor.start_link("app:processes", { strategy = "one_for_all", children = {
        child("a", { restart = "temporary" }), child("b") } })) log(2)
        tell("b", "fail") return { log(2), quiet(), supervisor.count_children(sup).specs }`,
      ),
    ).toEqual(["a down, b up", true, 1]);
  });

  test("simple_one_for_one starts copies of its template", async () => {
    expect(
      await run(
        `local sup = assert(supervisor.start_link("app:processes", { strategy = "simple_one_for_one",
          intensity = 3, children = { { process = "app:worker", restart = "transient" } } }))
        local none = supervisor.count_children(sup).active
        local a = assert(supervisor.start_child(sup, { "a", me }))
        local b = assert(supervisor.start_child(sup, { "b", me }))
        local up = log(2)
        tell("a", "fail") local again = log(1)
        tell("a", "end") time.sleep("20ms")
        local counts = supervisor.count_children(sup)
        local ok = supervisor.terminate_child(sup, b)
        local _, refused = supervisor.restart_child(sup, "#1")
        return { none, up, again, counts.active, counts.specs, ok, log(1), reason(refused), #supervisor.which_children(sup) }`,
      ),
    ).toEqual([
      0,
      "a up, b up",
      "a up",
      1,
      1,
      true,
      "b down",
      "Invalid: children of simple_one_for_one cannot be restarted by id",
      0,
    ]);
  });
});

describe("restart types", () => {
  test.each([
    ["permanent", "fail", true],
    ["permanent", "end", true],
    ["transient", "fail", true],
    ["transient", "end", false],
    ["temporary", "fail", false],
    ["temporary", "end", false],
  ])("%s after %s: %p", async (restart, how, again) => {
    expect(
      await run(`${three("intensity = 5", `restart = "${restart}"`)} tell("b", "${how}")
        local r = channel.select{ heard:case_receive(), time.after("40ms"):case_receive() }
        local state
        for _, c in ipairs(supervisor.which_children(sup)) do if c.id == "b" then state = c.status end end
        return { r.channel == heard, state or "gone" }`),
    ).toEqual([again, again ? "running" : restart === "temporary" ? "gone" : "stopped"]);
  });

  test("a terminated child is restarted, a cancelled one is not when transient", async () => {
    expect(
      await run(`${three("intensity = 5", 'restart = "transient"')}
        process.terminate("a") local again = log(1)
        process.cancel("b") return { again, log(1), quiet() }`),
    ).toEqual(["a up", "b down", true]);
  });
});

describe("intensity", () => {
  test("more restarts than that in the period end the supervisor, which ends its children", async () => {
    expect(
      await run(`process.set_options{ trap_links = true } ${three('intensity = 2, period = "1m"')}
        process.monitor(sup)
        for _ = 1, 2 do tell("b", "fail") log(1) end
        tell("b", "fail")
        local e = process.events():receive().result.error
        return { log(2), e:kind(), e:retryable(), e:message(), e:details().child, e:details().intensity }`),
    ).toEqual([
      "c down, a down",
      "Unavailable",
      true,
      expect.stringContaining("supervisor gave up: child b ended too often"),
      "b",
      2,
    ]);
  });

  test("restarts before the period do not count", async () => {
    expect(
      await run(`${three('intensity = 1, period = "30ms"')}
        for _ = 1, 3 do tell("b", "fail") log(1) time.sleep("50ms") end
        return supervisor.count_children(sup).active`),
    ).toBe(3);
  });

  test("zero allows none", async () => {
    expect(
      await run(
        `process.set_options{ trap_links = true } ${three("intensity = 0")} process.monitor(sup)
        tell("a", "fail") return process.events():receive().result.error:details().intensity`,
      ),
    ).toBe(0);
  });

  test("a child that cannot start again is tried until it is too often", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local sup = assert(supervisor.start_link("app:processes", { intensity = 3, children = {
          child("a"), child("b", { input = { "b", me, "fail" } }) } }))
        process.monitor(sup)
        local e = process.events():receive().result.error
        return { log(6), e:details().child }`),
    ).toEqual(["a up, b up, b up, b up, b up, a down", "b"]);
  });
});

describe("end", () => {
  test("stop ends the children in reverse order, then the supervisor", async () => {
    expect(
      await run(`${three("intensity = 1")} process.monitor(sup) assert(supervisor.stop(sup))
        return { log(3), process.events():receive().result.error == nil }`),
    ).toEqual(["c down, b down, a down", true]);
  });

  test("a cancelled supervisor ends in order, a failed parent takes it along", async () => {
    expect(await run(`${three("intensity = 1")} process.cancel(sup) return log(3)`)).toBe(
      "c down, b down, a down",
    );
    expect(
      await run(`local spec = { children = { child("a"), child("b") } }
        local parent = process.spawn("app:own", "app:processes", { host = "app:processes",
          children = { { id = "inner", supervisor = spec } } })
        log(2) process.terminate(parent) return log(2)`),
    ).toBe("b down, a down");
  });

  test("who does not end by the deadline is terminated; brutal_kill asks nobody", async () => {
    expect(
      await run(`local sup = assert(supervisor.start_link("app:processes", { children = {
          child("kind"), child("stubborn", { input = { "stubborn", me, "stubborn" }, shutdown = "10ms" }),
          child("killed", { shutdown = "brutal_kill" }) } }))
        log(3)
        local kids = supervisor.which_children(sup)
        for i = 2, 3 do process.monitor(kids[i].pid) end
        supervisor.stop(sup)
        local a, b = process.events():receive(), process.events():receive()
        return { log(1), quiet(), a.from == kids[3].pid, b.result.error:message() }`),
    ).toEqual(["kind down", true, true, "process terminated"]);
  });

  test.each([
    ["any_significant", 'tell("a", "end")', "c down, b down"],
    ["all_significant", 'tell("a", "end") time.sleep("10ms") tell("b", "end")', "c down"],
  ])("auto_shutdown %s", async (rule, how, ended) => {
    expect(
      await run(
        `local sup = assert(supervisor.start("app:processes", { auto_shutdown = "${rule}", children = {
          child("a", { restart = "transient", significant = true }),
          child("b", { restart = "temporary", significant = true }), child("c") } }))
        log(3) process.monitor(sup) ${how}
        local e = process.events():receive()
        return { log(${ended.split(", ").length}), e.result.error == nil }`,
      ),
    ).toEqual([ended, true]);
  });
});

describe("start", () => {
  test("one that cannot start says which and why, and those before it are stopped in reverse order", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local pid, err = supervisor.start_link("app:processes", { children = {
          child("a"), child("b"), { id = "x", process = "app:broken" }, child("c") } })
        return { pid == nil, reason(err), err:details().child, log(4), quiet() }`),
    ).toEqual([
      true,
      expect.stringMatching(
        /^\w+: child x \(app:broken\) cannot start: .*does not load.*were stopped$/,
      ),
      "x",
      "a up, b up, b down, a down",
      true,
    ]);
  });

  test("the failure of a nested supervisor names the way to the child", async () => {
    expect(
      await run(`process.set_options{ trap_links = true }
        local _, err = supervisor.start("app:processes", { children = { child("a"), { id = "inner", supervisor = {
          children = { { id = "deep", process = "app:missing" } } } } } })
        return { err:message(), log(2) }`),
    ).toEqual([
      expect.stringMatching(
        /child inner .* cannot start: .*child deep \(app:missing\) cannot start: factory not found/,
      ),
      "a up, a down",
    ]);
  });

  test.each([
    ['{ strategy = "all" }', "supervisor: strategy is all; use one of one_for_all, one_for_one"],
    ["{ intensity = -1 }", "supervisor: intensity must be a whole number"],
    ['{ period = "soon" }', "supervisor: period must be a duration, not soon"],
    ["{ children = { {} } }", "child 1: process must be a text, not nil"],
    ['{ children = { child("a"), child("a") } }', "supervisor: two children have the id a"],
    [
      '{ children = { child("a", { restart = "often" }) } }',
      "child a: restart is often; use one of permanent",
    ],
    ['{ children = { child("a", { shutdown = "x" }) } }', "child a: shutdown must be a duration"],
    [
      '{ children = { child("a", { significant = true }) } }',
      "a permanent child cannot be significant",
    ],
    [
      '{ children = { child("a", { significant = true, restart = "transient" }) } }',
      "child a: a significant child needs auto_shutdown",
    ],
    ['{ strategy = "simple_one_for_one" }', "simple_one_for_one needs exactly one child"],
    [
      '{ children = { { id = "n", supervisor = { strategy = "no" } } } }',
      "child n, supervisor: strategy is no",
    ],
  ])("%s is refused", async (spec, message) => {
    const [kind, text, checked] = await run(
      `local _, err = supervisor.start("app:processes", ${spec})
      local spec = ${spec} spec.host = "app:processes"
      return { err:kind(), err:message(), select(2, supervisor.check(spec)):message() }`,
    ) as string[];
    expect(kind).toBe("Invalid");
    expect(text).toContain(message);
    expect(checked).toContain(message);
  });
});

describe("control", () => {
  test("children can be added, terminated, restarted, deleted and listed", async () => {
    expect(
      await run(`${three("intensity = 1")}
        local d = assert(supervisor.start_child(sup, child("d"))) log(1)
        local _, present = supervisor.start_child(sup, child("d"))
        local _, running = supervisor.delete_child(sup, "d")
        assert(supervisor.terminate_child(sup, "d")) local down = log(1)
        local _, stopped = supervisor.start_child(sup, child("d"))
        local again = assert(supervisor.restart_child(sup, "d")) log(1)
        supervisor.terminate_child(sup, again) log(1)
        assert(supervisor.delete_child(sup, "d"))
        local _, missing = supervisor.terminate_child(sup, "d")
        local _, wrong = supervisor.start_child(sup, { id = "e" })
        return { reason(present), reason(running), down, reason(stopped), d ~= again, reason(missing), reason(wrong),
          #supervisor.which_children(sup) }`),
    ).toEqual([
      "AlreadyExists: child d runs already",
      "Conflict: child d is running; terminate it first",
      "d down",
      "AlreadyExists: child d is there already; restart or delete it",
      true,
      "NotFound: no child d",
      "Invalid: child to start: process must be a text, not nil",
      3,
    ]);
  });

  test("which_children is in start order, in pages; get_childspec has the defaults", async () => {
    expect(
      await run(`${three("intensity = 3")} tell("b", "fail") log(1)
        local first = supervisor.which_children(sup, { limit = 2 })
        local rest = supervisor.which_children(sup, { after = "b" })
        local spec = supervisor.get_childspec(sup, "c")
        return { first[1].id, first[2].id, first[2].restarts, first[2].status, #rest, rest[1].id,
          spec.restart, spec.shutdown, spec.type, supervisor.count_children(sup).workers }`),
    ).toEqual(["a", "b", 1, "running", 1, "c", "permanent", 5e9, "worker", 3]);
  });

  test("who is no supervisor is told apart", async () => {
    expect(
      await run(`local _, none = supervisor.which_children("nobody")
        local idle = process.spawn("app:idle", "app:processes")
        local _, other = supervisor.which_children(idle, nil, "20ms")
        return { none:kind(), other:kind() }`),
    ).toEqual(["NotFound", "Unavailable"]);
  });

  test("names are given to children, anew after a restart", async () => {
    expect(
      await run(`local sup = supervisor.start_link("app:processes", { children = {
          { id = "n", process = "app:idle", name = "the idle one", restart = "permanent" } } })
        local first = process.registry.lookup("the idle one")
        process.terminate("the idle one") time.sleep("20ms")
        local second = process.registry.lookup("the idle one")
        return { first ~= second, supervisor.which_children(sup)[1].pid == second }`),
    ).toEqual([true, true]);
  });
});

test("ten thousand children are started, counted and ended", async () => {
  expect(
    await run(
      `local sup = assert(supervisor.start_link("app:processes", { strategy = "simple_one_for_one", intensity = 10,
        children = { { process = "app:idle", shutdown = "brutal_kill", restart = "temporary" } } }))
      local pids = {}
      for i = 1, 10000 do pids[i] = assert(supervisor.start_child(sup, {})) end
      for i = 1, 10000, 2 do process.terminate(pids[i]) end
      time.sleep("50ms")
      local half = supervisor.count_children(sup).active
      assert(supervisor.stop(sup))
      return { half, (process.send(pids[2], "x")) == nil }`,
    ),
  ).toEqual([5000, true]);
}, 30_000);

test("children on another worker are restarted like those on this one", async () => {
  expect(
    await run(
      `for _ = 1, 80 do process.spawn("app:idle", "app:processes") end time.sleep("300ms")
      local function where(p) return tonumber(p:match("0x(%x+)"), 16) & 63 end
      local specs = {}
      for i = 1, 130 do specs[i] = { id = "w" .. i, process = "app:idle" } end
      local sup = assert(supervisor.start_link("app:processes", { intensity = 1000, children = specs }))
      local seen, count = {}, 130
      -- One at a time, since those that are started together stay together; a busy worker gets none for a while.
      repeat
        for _ = 1, 30 do
          count = count + 1
          assert(supervisor.start_child(sup, { id = "w" .. count, process = "app:idle" }))
          time.sleep("1ms")
        end
        for _, c in ipairs(supervisor.which_children(sup)) do seen[where(c.pid)] = true end
      until next(seen, next(seen)) or count > 900
      for _, c in ipairs(supervisor.which_children(sup)) do process.terminate(c.pid) end
      local restarted
      for _ = 1, 400 do
        restarted = 0
        for _, c in ipairs(supervisor.which_children(sup)) do restarted = restarted + c.restarts end
        if restarted == count then break end
        time.sleep("25ms")
      end
      return { next(seen, next(seen)) ~= nil, restarted == count, supervisor.count_children(sup).active == count }`,
      2,
    ),
  ).toEqual([true, true, true]);
});
