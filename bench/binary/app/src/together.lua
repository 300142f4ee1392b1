-- Makes COUNT runs of ten steps at once, and prints the seconds from the first start to the last end.
-- A tenth as many go before, to warm up.

local io = require("io")
local json = require("json")
local time = require("time")

local function make(count)
  local events = process.events()
  for _ = 1, count do
    local pid, err = process.spawn_monitored("durable:ten", "durable:runs")
    if not pid then
      error(err)
    end
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
  make(math.max(1, count // 10))
  local began = time.now()
  make(count)
  io.print((json.encode({ seconds = time.now():sub(began):seconds() })))
end

return { main = main }
