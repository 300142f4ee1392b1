-- A child that ends as it is told to; a deaf one does not hear that it is to stop.
local function main(deaf)
  local inbox = process.inbox()
  local cases = { inbox:case_receive() }
  if not deaf then
    cases[2] = process.events():case_receive()
  end
  local got = channel.select(cases)
  if got.channel == inbox and got.value:topic() == "fail" then
    error("on purpose")
  end
end

return { main = main }
