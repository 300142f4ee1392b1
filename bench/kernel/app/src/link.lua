local function main(next_pid)
  local inbox = process.inbox()
  while true do
    process.send(next_pid, "token", inbox:receive():payload():data())
  end
end

return { main = main }
