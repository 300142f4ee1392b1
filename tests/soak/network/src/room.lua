-- Sends five ticks to each stream, and each message of a socket back to it.
local function main()
  local inbox, events = process.inbox(), process.events()
  while true do
    local ready = channel.select({ inbox:case_receive(), events:case_receive() })
    if ready.channel == events then
      if ready.value.kind == process.event.CANCEL then
        return
      end
    else
      local message = ready.value
      local data = message:payload():data()
      if message:topic() == "sse.join" then
        for n = 1, 5 do
          process.send(data.client_pid, "tick", { n = n })
        end
      elseif message:topic() == "ws.message" then
        process.send(message:from(), "echo", data)
      end
    end
  end
end

return { main = main }
