-- Starts COUNT runs that sleep until the times that lie evenly in one second, some seconds from now, and
-- prints "started" when they are; waits for a line.

local io = require("io")
local time = require("time")

local function main()
  local count = math.tointeger(tonumber(io.args()[1]))
  -- Two milliseconds for each start, and some to settle.
  local first = time.now():unix_nano() // 1000000 + count * 2 + 3000
  local started = 0
  local done = channel.new(200)
  for _ = 1, 200 do
    coroutine.spawn(function()
      while started < count do
        started = started + 1
        local due = first + started * 1000 // count
        assert(process.spawn("durable:waker", "durable:runs", due))
      end
      done:send(true)
    end)
  end
  for _ = 1, 200 do
    done:receive()
  end
  local left = first - time.now():unix_nano() // 1000000
  if left < 2000 then
    return nil, "the starts took too long: only " .. left .. " ms are left to the first timer"
  end
  io.print("started")
  io.readline()
end

return { main = main }
