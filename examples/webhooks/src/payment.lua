local funcs, queue = require("funcs"), require("queue")

-- Each line is a step: after a crash the run goes on behind the last one that is recorded.
local function main(event)
  local function tell(stage)
    assert(queue.publish("webhooks:progress", { payment = event.id, stage = stage }))
  end
  tell("received")
  local entry = assert(funcs.call("webhooks:enter", event))
  tell("entered")
  assert(funcs.call("webhooks:book", event, entry))
  tell("booked")
  return entry
end

return { main = main }
