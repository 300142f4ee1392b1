-- Grandchildren whose parent closes under them, with each of the three policies.
local function main(name, rounds, state)
  state = state or { round = 1, abandoned = 0, canceled = 0, terminated = 0 }
  local words, events = process.listen("leaf"), process.events()
  while state.round <= rounds do
    local id = name .. "/" .. state.round
    local pid = assert(
      process
        .with_options({ ["workflow.id"] = id })
        :spawn("chaos:middle", "chaos:durable", process.pid(), id)
    )
    local event = events:receive()
    assert(event.from == pid and event.result.value == 3)
    local heard = {}
    for _ = 1, 2 do
      heard[words:receive()] = true
    end
    assert(heard.abandon and heard.request_cancel)
    state.abandoned, state.canceled = state.abandoned + 1, state.canceled + 1
    local sent, err = process.send("{chaos:durable|" .. id .. "/terminate}", "hello")
    assert(not sent and err:kind() == "NotFound")
    state.terminated = state.terminated + 1
    state.round = state.round + 1
    if state.round % 3 == 0 then
      process.upgrade(nil, name, rounds, state)
    end
  end
  return { abandoned = state.abandoned, canceled = state.canceled, terminated = state.terminated }
end

return { main = main }
