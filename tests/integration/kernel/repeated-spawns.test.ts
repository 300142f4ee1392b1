import { expect, test } from "bun:test";
import { main, runFunction, runProcess } from "../application.ts";

/** Starts an entry so often that natives do most of it, and gives what it answered, counted by text. */
const spawns = (id: string, count: number) =>
  `local own, counts = process.pid(), {}
  local function add(text) counts[text] = (counts[text] or 0) + 1 end
  local started = 0
  for i = 1, ${count} do
    local results = table.pack(process.spawn("app:${id}", "app:processes"))
    local pid, err = results[1], results[2]
    add(results.n .. " " .. type(pid) .. " " .. (err and err:kind() .. ": " .. err:message() or "no error"))
    if pid then started = started + 1 end
    if process.pid() ~= own then add("another PID") end
  end`;

/** The same, in a process that hears of what its children say. */
const heard = (id: string, count: number) =>
  `process.registry.register("main")
  ${spawns(id, count)}
  local inbox = process.inbox()
  for i = 1, started do
    local message = inbox:receive()
    add(message:payload():data())
  end
  return counts`;

// The number of a PID is one higher for each process: its last digits tell which of four ways a chunk goes.
const WAY = "local way = tonumber(process.pid():sub(-3, -2), 16) // 64\n";

test("each process has what its own chunk returned, or the spawner has the error", async () => {
  const child = `${WAY}
    local function main(...) process.send("main", "said", way .. " ran, " .. select("#", way, ...)) end
    if way == 0 then error("refused")
    elseif way == 1 then return setmetatable({}, { __index = { main = function() main() end } })
    elseif way == 2 then return function() main() end
    end
    return { other = main }`;
  expect(await runProcess(heard("child", 40), { processes: { child } })).toEqual({
    "2 string no error": 20,
    "2 nil Internal: failed to execute script: app:child:4: refused": 10,
    '2 nil NotFound: method "main" not found in module': 10,
    "1 ran, 1": 10,
    "2 ran, 1": 10,
  });
});

test("what has no method is told of what its metatable raises, as the spawner", async () => {
  const child = `${WAY}
    if way == 0 then return setmetatable({}, { __index = function(_, key) error("no " .. key, 0) end }) end
    return { main = function() end }`;
  expect(
    await runFunction(
      `local log = {}
      for i = 1, 16 do
        local ok, pid, err = pcall(process.spawn, "app:child", "app:processes")
        local text = tostring(ok) .. " " .. (ok and type(pid) or tostring(pid))
        log[text] = (log[text] or 0) + 1
      end
      return log`,
      { processes: { child } },
    ),
  ).toEqual({ "true string": 12, "false no main": 4 });
});

test("a chunk finds its own globals, and may start others", async () => {
  const leaf = main('process.send("main", "said", "leaf")');
  const child = `mine = process.pid()
    local before = _G
    local pid, err = process.spawn("app:leaf", "app:processes")
    local same = before == _G and rawget(_G, "mine") == mine and process.pid() == mine
    return { main = function()
      process.send("main", "said", (same and mine == process.pid() and _G == before) and "same" or "other")
    end }`;
  const body = heard("child", 30).replace("i = 1, started do", "i = 1, 2 * started do");
  expect(await runProcess(body, { processes: { child, leaf } })).toEqual({
    "2 string no error": 30,
    leaf: 30,
    same: 30,
  });
});

test("a chunk can neither wait nor leave its process waiting", async () => {
  const child = `local ok, err = pcall(time.sleep, "1ms")
    return { main = function()
      time.sleep("1ms")
      process.send("main", "said", ok and "slept" or "could not")
    end }`;
  expect(await runProcess(heard("child", 8), { processes: { child } })).toEqual({
    "2 string no error": 8,
    "could not": 8,
  });
});

test("a process that takes any number of arguments gets none", async () => {
  const child = main('process.send("main", "said", "got " .. select("#", ...))');
  expect(await runProcess(heard("child", 5), { processes: { child } })).toEqual({
    "2 string no error": 5,
    "got 0": 5,
  });
});
