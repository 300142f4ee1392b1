-- Does what its policy lets it do when its parent is gone, and tells its grandparent.
local funcs = require("funcs")
local time = require("time")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(top, id, policy)
  if policy == "request_cancel" then
    assert(process.events():receive().kind == process.event.CANCEL)
  elseif policy == "terminate" then
    process.inbox():receive()
    error("a terminated run goes on")
  else
    time.sleep("2ms")
  end
  assert(funcs.new():with_options(quick):call("chaos:step", id .. "/" .. policy, 0))
  assert(process.send(top, "leaf", policy))
end

return { main = main }
