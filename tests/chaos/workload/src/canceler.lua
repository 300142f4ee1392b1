-- Starts children and cancels them at work; counts how they end.
local time = require("time")

local function main(name, rounds, state)
  state = state or { round = 1, completed = 0, canceled = 0 }
  local ready, events = process.listen("ready"), process.events()
  while state.round <= rounds do
    local id = name .. "/" .. state.round
    local raises = state.round % 2 == 0
    local pid = assert(
      process
        .with_options({ ["workflow.id"] = id })
        :spawn("chaos:victim", "chaos:durable", process.pid(), id, raises)
    )
    ready:receive()
    time.sleep(math.random(1, 4) .. "ms")
    assert(process.cancel(pid, "enough"))
    local event = events:receive()
    assert(event.from == pid)
    if event.result.error then
      assert(raises and event.result.error:kind() == "Canceled", tostring(event.result.error))
      state.canceled = state.canceled + 1
    else
      assert(not raises and event.result.value == "enough")
      state.completed = state.completed + 1
    end
    state.round = state.round + 1
    if state.round % 3 == 0 then
      process.upgrade(nil, name, rounds, state)
    end
  end
  return { completed = state.completed, canceled = state.canceled }
end

return { main = main }
