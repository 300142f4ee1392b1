-- Makes COUNT runs of ten steps at once, and prints the seconds from the first start to the last end.
-- Three rounds go before, to warm up: the virtual machines take half a second of work to reach their speed.

local io = require("io")
local json = require("json")
local time = require("time")

local function make(count)
  local events = process.events()
  for _ = 1, count do
    -- Each start waits for the disk; side by side they share its commits.
    coroutine.spawn(function()
      assert(process.spawn_monitored("durable:ten", "durable:runs"))
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

local function main()
  local count = math.tointeger(tonumber(io.args()[1]))
  for _ = 1, 3 do
    make(count)
  end
  local began = time.now()
  make(count)
  io.print((json.encode({ seconds = time.now():sub(began):seconds() })))
end

return { main = main }
