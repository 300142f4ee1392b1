-- Counts how orders end. Its counts are in memory: what must survive is in the journal of the orders.

local logger = require("logger")

local function main()
  local counts = { shipped = 0, failed = 0 }
  local inbox, events = process.inbox(), process.events()
  while true do
    local chosen = channel.select({ inbox:case_receive(), events:case_receive() })
    if chosen.channel == events then
      return
    end
    local message = chosen.value
    if message:topic() == "ended" then
      local order = message:payload():data()
      counts[order.state] = counts[order.state] + 1
      logger:info("order ended", { id = order.id, state = order.state })
    elseif message:topic() == "count" then
      process.send(message:from(), "counts", counts)
    end
  end
end

return { main = main }
