local logger = require("logger")

-- Counts the events of this runtime, until it is asked to stop.
local function main()
  local inbox, events, handled = process.inbox(), process.events(), 0
  while true do
    local got = channel.select({ inbox:case_receive(), events:case_receive() })
    if got.channel == events then
      return
    end
    handled = handled + 1
    logger:info("events handled", { count = handled })
  end
end

return { main = main }
