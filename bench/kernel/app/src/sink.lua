local function main(count, waiting)
  local inbox = process.inbox()
  for _ = 1, count do
    inbox:receive()
  end
  process.send(waiting, "done")
end

return { main = main }
