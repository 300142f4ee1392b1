local time = require("time")

local function main(parent)
  local ticker, over = time.ticker("1s"), time.after("10500ms")
  local tick, end_of_time = ticker:channel():case_receive(), over:case_receive()
  local ticks = 0
  while channel.select({ tick, end_of_time }).channel ~= over do
    ticks = ticks + 1
  end
  process.send(parent, "ticks", ticks)
end

return { main = main }
