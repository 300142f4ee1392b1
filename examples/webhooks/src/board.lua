-- Passes progress on to every page that is open.
local function main()
  local inbox, events = process.inbox(), process.events()
  local pages = {}
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
        pages[data.client_pid] = true
      elseif message:topic() == "sse.leave" then
        pages[data.client_pid] = nil
      elseif message:topic() == "progress" then
        for page in pairs(pages) do
          process.send(page, "progress", data)
        end
      end
    end
  end
end

return { main = main }
