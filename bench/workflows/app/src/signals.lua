-- Starts RUNS runs, sends COUNT signals to each, and prints the seconds from the first signal until all
-- runs have taken theirs. A tenth of it goes before, to warm up. Each signal is acknowledged when it is on
-- disk, so that two hundred are under way at a time.

local io = require("io")
local json = require("json")
local many = require("many")
local time = require("time")

local function send(runs, count)
  local events = process.events()
  local pids = {}
  for i = 1, runs do
    pids[i] = assert(process.spawn_monitored("durable:counter", "durable:runs", count))
  end
  local began = time.now()
  many(runs * count, 200, function(i)
    assert(process.send(pids[i % runs + 1], "signal", "a payload of some forty characters or so."))
  end)
  for _ = 1, runs do
    local result = events:receive().result
    if result.value ~= count then
      error(result.error or "a run took " .. tostring(result.value) .. " signals")
    end
  end
  return time.now():sub(began):seconds()
end

local function main()
  local runs, count = table.unpack(io.args())
  runs, count = math.tointeger(tonumber(runs)), math.tointeger(tonumber(count))
  send(math.max(runs // 10, 1), math.max(count // 10, 1))
  io.print((json.encode({ seconds = send(runs, count) })))
end

return { main = main }
