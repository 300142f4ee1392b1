-- One run of a cron schedule.
local funcs = require("funcs")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(parent, id)
  local run = workflow.info().run_id
  assert(funcs.new():with_options(quick):call("chaos:step", id .. "/" .. run, 0))
  assert(process.send(parent, "tick", run))
  local events = process.events()
  local got = channel.select({ events:case_receive(), default = true })
  if got.channel == events then
    return nil, errors.new({ message = "stopped", kind = "Canceled" })
  end
  return "ticked"
end

return { main = main }
