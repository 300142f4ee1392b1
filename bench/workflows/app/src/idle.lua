-- Starts FIRST runs that sleep for a year, prints "first" when they sleep, waits for a line, starts COUNT
-- more, prints "full", and waits for a line. So whoever started it can weigh the runtime at both moments.

local io = require("io")
local many = require("many")
local time = require("time")

local function start(count)
  local due = (time.now():unix() + 365 * 86400) * 1000
  many(count, 200, function()
    assert(process.spawn("durable:sleeper", "durable:runs", due))
  end)
  if count > 0 then
    -- They are started; until they sleep takes another moment.
    time.sleep("2s")
  end
end

local function main()
  local first, count = table.unpack(io.args())
  start(math.tointeger(tonumber(first)))
  io.print("first")
  io.readline()
  start(math.tointeger(tonumber(count)))
  io.print("full")
  io.readline()
end

return { main = main }
