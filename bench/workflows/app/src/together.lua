-- Makes rounds of COUNT runs of ten steps that are started at once, for about SECONDS, and prints how
-- many steps that were and how long they took. A third of the time, 1.5 seconds at least, goes before to
-- warm up.

local io = require("io")
local json = require("json")
local time = require("time")

local function round(kind, count)
  local events = process.events()
  for _ = 1, count do
    -- Each start waits for the disk; side by side they share its commits.
    coroutine.spawn(function()
      assert(process.spawn_monitored("durable:ten", "durable:runs", kind))
    end)
  end
  for _ = 1, count do
    local result = events:receive().result
    if result.error then
      error(result.error)
    end
    if result.value ~= 10 then
      error("a run made " .. tostring(result.value) .. " steps, not 10")
    end
  end
end

local function rounds(kind, count, seconds)
  local began = time.now()
  local made = 0
  repeat
    round(kind, count)
    made = made + 1
  until time.now():sub(began):seconds() >= seconds
  return { steps = made * count * 10, seconds = time.now():sub(began):seconds(), rounds = made }
end

local function main()
  local kind, count, seconds = table.unpack(io.args())
  count, seconds = math.tointeger(tonumber(count)), tonumber(seconds)
  rounds(kind, math.min(count, 50), math.max(seconds / 3, 1.5))
  io.eprint("measuring")
  io.print((json.encode(rounds(kind, count, seconds))))
end

return { main = main }
