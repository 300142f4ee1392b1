local function main()
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    if message:topic() == "stop" then
      process.send(message:from(), "stopped")
      return
    end
    process.send(message:from(), "pong", message:payload():data())
  end
end

return { main = main }
