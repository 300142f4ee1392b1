-- Terminates an instrument every few milliseconds, until it is canceled. Gives how many it hit.

local dice = require("dice")
local time = require("time")

local function main(seed, symbols)
  local roll, events, kills = dice.new(seed), process.events(), 0
  while true do
    local victim = process.registry.lookup("instrument." .. symbols[roll(1, #symbols)])
    if victim and process.terminate(victim) then
      kills = kills + 1
    end
    local pause = time.after(roll(2, 12) .. "ms")
    local got = channel.select({ events:case_receive(), pause:case_receive() })
    if got.channel == events then
      return kills
    end
  end
end

return { main = main }
