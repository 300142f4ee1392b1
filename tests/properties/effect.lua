-- An activity: what it prints is what it has done to the world. Some fail for good, some at their first attempts.
local activity = require("activity")

local function main(label, how, value)
  local info = assert(activity.info())
  print(table.concat({ info.workflow_id, label, value, info.idempotency_token, info.attempt }, "|"))
  if how == "fail" then
    return nil, label .. " fails"
  elseif how == "flaky" and info.attempt < 3 then
    error("attempt " .. info.attempt .. " fails")
  end
  return label .. " " .. how
end

return { main = main }
