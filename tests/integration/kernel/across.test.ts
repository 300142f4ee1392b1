import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { main, startApplication, type TestApplication } from "../application.ts";

/** Returns the PID of a process of an entry that lives on another worker than this one. */
const elsewhere = `
  local function worker(pid) return tonumber(pid:match("|0x(%x+)}"), 16) & 63 end
  local function elsewhere(entry, ...)
    for _ = 1, 5000 do
      local pid = assert(process.spawn(entry, "app:processes", ...))
      if worker(pid) ~= worker(process.pid()) then return pid end
      time.sleep("1ms")
    end
    error("no second worker")
  end
  for _ = 1, 40 do process.spawn("app:idle", "app:processes") end
`;

/** Sends back what it gets, as its inbox has it, and says when it has begun. */
const echo = main(`local parent = ...
  process.send(parent, "up", process.pid())
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    if message:topic() == "end" then return end
    process.send(message:from(), "back", message:payload():data())
  end`);

/** Makes messages to a process on another worker take the short way, which is known from the first one on. */
const acquainted = `
  local back = process.listen("back")
  local function acquainted(pid)
    for i = 1, 3 do
      process.send(pid, "n", i)
      assert(back:receive() == i)
    end
    return pid
  end
`;

async function runOn(
  workers: number,
  body: string,
  processes: Record<string, string> = {},
  simulation?: Simulation,
): Promise<unknown> {
  const application: TestApplication = await startApplication({
    functions: {
      start: 'return { main = function() return process.exec("app:main", "app:processes") end }',
    },
    processes: {
      idle: main("process.inbox():receive()"),
      echo,
      ...processes,
      main: main(elsewhere + acquainted + body),
    },
  }, { workers, ...(simulation && { simulation }) });
  return await application.call("start");
}

describe("messages to another worker that natives pack", () => {
  test("values arrive as those to a process of the same worker do, whatever they are", async () => {
    const values = `
      local function list()
        local shared, cycle = { "s" }, {}
        cycle.self = cycle
        local sparse = { 1, nil, 3, nil, nil, 6 }
        local metatable = { __index = { inherited = "i" }, __name = "m" }
        return {
          true, false, 0, -1, 127, 128, -33, 2 ^ 31 | 0, math.mininteger, math.maxinteger, 1.5, 2.0, -0.0,
          1 / 0, "", "text", "\\0\\255", ("x"):rep(40), ("ü"):rep(200), ("long"):rep(100000),
          {}, { 1, 2, 3 }, sparse, { a = 1, b = { c = { d = "deep" } } }, { [1.5] = "f", [true] = "t", ["1"] = "digit" },
          { shared, shared }, cycle, setmetatable({ own = 1 }, metatable), { 1, print, 3 }, { f = print, g = 1 },
          errors.new({ message = "m", kind = errors.CONFLICT }), { errors.new("inner") }, channel.new(1),
          { channel.new(1), 2 }, time.now(), { at = time.now() }, setmetatable({ 1 }, { 5 }), { [{}] = 1 },
          setmetatable({ 1 }, { __mode = "k" }),
        }
      end
      local seen
      local function describe(value, depth)
        if type(value) ~= "table" then
          return math.type(value) == "float" and string.format("%a", value) or tostring(value)
        end
        if seen[value] then return "again " .. seen[value] end
        seen.count = seen.count + 1
        seen[value] = seen.count
        local text = {}
        for key, item in pairs(value) do
          text[#text + 1] = "[" .. describe(key) .. "]=" .. describe(item)
        end
        table.sort(text)
        local metatable = getmetatable(value)
        local kind = type(metatable) == "table" and " meta " .. describe(metatable) or ""
        return "{" .. table.concat(text, ",") .. "}" .. kind .. tostring(value):gsub("table: .*", "")
      end
      local function shown(value)
        seen = { count = 0 }
        local text = describe(value):gsub("0x%x+", "ADDRESS")
        return text
      end
      local function echoed(pid, value)
        local ok, err = process.send(pid, "value", value)
        if not ok then return err:kind() .. " " .. err:message() end
        return shown(back:receive())
      end
      local near
      repeat near = assert(process.spawn("app:echo", "app:processes", process.pid()))
      until worker(near) == worker(process.pid())
      local far = acquainted(elsewhere("app:echo", process.pid()))
      acquainted(near)
      local differences, count = {}, 0
      for i, value in pairs(list()) do
        count = count + 1
        local a, b = echoed(near, value), echoed(far, value)
        if a ~= b then table.insert(differences, i .. ": " .. a:sub(1, 200) .. " / " .. b:sub(1, 200)) end
      end
      return { count, differences }`;
    expect(await runOn(2, values)).toEqual([39, {}]);
  });

  test("messages of all kinds arrive in their order, whichever way they take", async () => {
    const counts = main(`local parent = ...
      process.send(parent, "up", process.pid())
      local inbox, seen = process.inbox(), 0
      while true do
        local message = inbox:receive()
        local topic, payload = message:topic(), message:payload()
        if topic == "n" then process.send(message:from(), "back", payload:data())
        elseif topic == "last" then return process.send(parent, "done", seen)
        else
          assert(tonumber(topic) == seen + 1, topic .. " after " .. seen)
          seen = seen + 1
        end
      end`);
    expect(
      await runOn(
        2,
        `local done = process.listen("done")
        local pid = acquainted(elsewhere("app:counts", process.pid()))
        local big = ("b"):rep(70000)
        for i = 1, 3000 do
          local topic = tostring(i)
          if i % 7 == 0 then process.send(pid, topic)
          elseif i % 11 == 0 then process.send(pid, topic, 1, 2)
          elseif i % 13 == 0 then process.send(pid, topic, errors.new("e"))
          elseif i % 17 == 0 then process.send(pid, topic, { print, 1 })
          elseif i % 101 == 0 then process.send(pid, topic, big)
          elseif i % 19 == 0 then process.link(pid); process.unlink(pid); process.send(pid, topic, i)
          else process.send(pid, topic, { i, tostring(i) }) end
        end
        process.send(pid, "last", 1)
        return done:receive()`,
        { counts },
      ),
    ).toBe(3000);
  });

  test("who has no inbox yet, or listeners, gets its messages too", async () => {
    const late = main(`local parent = ...
      process.send(parent, "up", process.pid())
      time.sleep("20ms")
      local first, log = process.inbox():receive(), {}
      log[1] = first:topic() .. first:payload():data()
      local own = process.listen("own")
      for i = 2, 3 do log[i] = process.inbox():receive():payload():data() end
      for i = 4, 6 do log[i] = own:receive() end
      process.send(parent, "log", table.concat(log, " "))
      process.inbox():receive()`);
    expect(
      await runOn(
        2,
        `local up, log = process.listen("up"), process.listen("log")
        local pid = elsewhere("app:late", process.pid())
        repeat until up:receive() == pid
        for i, topic in ipairs({ "a", "own", "b", "own", "c", "own" }) do
          assert(process.send(pid, topic, i))
        end
        return log:receive()`,
        { late },
      ),
    ).toBe("a1 3 5 2 4 6");
  });

  test("a process that is heard to have ended is NotFound", async () => {
    expect(
      await runOn(
        2,
        `local events, log = process.events(), {}
        for i = 1, 5 do
          local pid = acquainted(elsewhere("app:echo", process.pid()))
          process.monitor(pid)
          assert(process.send(pid, "end", 1))
          repeat local event = events:receive() until event.from == pid
          local ok, err = process.send(pid, "n", 1)
          log[i] = tostring(ok) .. " " .. err:kind()
        end
        return log`,
      ),
    ).toEqual(Array(5).fill("nil NotFound"));
  });

  test("a sender waits for a worker that does not keep up", async () => {
    const slow = main(`local parent = ...
      process.send(parent, "up", process.pid())
      local inbox = process.inbox()
      while true do
        local message = inbox:receive()
        if message:topic() == "n" then process.send(message:from(), "back", message:payload():data())
        elseif message:topic() == "last" then return process.send(parent, "done", true) end
      end`);
    expect(
      await runOn(
        2,
        `local done = process.listen("done")
        local pid = acquainted(elsewhere("app:slow", process.pid()))
        local value = ("v"):rep(1000)
        for i = 1, 20000 do process.send(pid, "data", value) end
        process.send(pid, "last", 1)
        return done:receive()`,
        { slow },
      ),
    ).toBe(true);
  });

  test("simulated workers do the same again with the same seed", async () => {
    const traces: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const simulation = new Simulation({ seed: 7, traced: true });
      const values = await runOn(
        3,
        `local pids = {}
        for i = 1, 8 do pids[i] = acquainted(elsewhere("app:echo", process.pid())) end
        local log = {}
        for round = 1, 20 do
          for i = 1, 8 do process.send(pids[i], "value", i .. ":" .. round) end
        end
        for i = 1, 160 do log[i] = back:receive() end
        return log`,
        {},
        simulation,
      );
      traces.push([values, simulation.trace]);
    }
    expect(traces[1]).toEqual(traces[0]);
  });
});
