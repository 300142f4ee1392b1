-- Counts orders by their state, until it is asked to stop.
local function main()
  local inbox, events = process.inbox(), process.events()
  local counts = { placed = 0, charged = 0 }
  while true do
    local got = channel.select({ inbox:case_receive(), events:case_receive() })
    if got.channel == events then
      return
    end
    local message = got.value
    if message:topic() == "ask" then
      process.send(message:payload():data(), "count", counts)
    elseif counts[message:topic()] then
      counts[message:topic()] = counts[message:topic()] + 1
    end
  end
end

return { main = main }
