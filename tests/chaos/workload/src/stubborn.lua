-- A run that fails twice, with an effect each time.
local funcs = require("funcs")
local workflow = require("workflow")

local quick = { ["activity.retry_policy"] = { initial_interval = 2 } }

local function main(id)
  local attempt = workflow.info().attempt
  assert(funcs.new():with_options(quick):call("chaos:step", id .. "/" .. attempt, 0))
  if attempt < 3 then
    error("attempt " .. attempt .. " fails")
  end
  return attempt
end

return { main = main }
