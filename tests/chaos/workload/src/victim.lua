-- Works in a scope until it is canceled, then cleans up where the cancellation does not reach.
local funcs = require("funcs")
local time = require("time")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(parent, id, raises)
  local steps = funcs.new():with_options(quick)
  local reason
  local _, err = workflow.cancellation_scope(function(scope)
    coroutine.spawn(function()
      local event = process.events():receive()
      reason = event.reason
      scope:cancel(event.reason)
    end)
    assert(process.send(parent, "ready"))
    local round = 0
    while true do
      round = round + 1
      local value, failure = steps:call("chaos:step", id .. "/" .. round, 0)
      if not value then
        return nil, failure
      end
      time.sleep("2ms")
    end
  end)
  assert(err and err:kind() == "Canceled" and reason == "enough")
  workflow.non_cancellable(function()
    return assert(steps:call("chaos:step", id .. "/clean", 0))
  end)
  if raises then
    return nil, err
  end
  return reason
end

return { main = main }
