-- A process: it keeps running, has private state, and receives messages.
local function main()
  local inbox, events = process.inbox(), process.events()
  local counts = {}
  while true do
    local got = channel.select({ inbox:case_receive(), events:case_receive() })
    if got.channel == events then
      return -- asked to stop
    end
    local message = got.value
    local name = message:payload():data()
    counts[name] = (counts[name] or 0) + 1
    process.send(message:from(), "count", counts[name])
  end
end

return { main = main }
