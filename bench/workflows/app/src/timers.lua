-- Starts COUNT runs that sleep until the times that lie evenly in one second, some seconds from now, and
-- prints "started" when they are; waits for a line.

local io = require("io")
local many = require("many")
local time = require("time")

local function main()
  local count = math.tointeger(tonumber(io.args()[1]))
  -- Two milliseconds for each start, and some to settle.
  local first = time.now():unix_nano() // 1000000 + count * 2 + 3000
  many(count, 200, function(i)
    assert(process.spawn("durable:waker", "durable:runs", first + i * 1000 // count))
  end)
  local left = first - time.now():unix_nano() // 1000000
  if left < 2000 then
    return nil, "the starts took too long: only " .. left .. " ms are left to the first timer"
  end
  io.print("started")
  io.readline()
end

return { main = main }
