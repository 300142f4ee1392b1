-- An activity: the line that it writes is what it has done to the world. Some fail for good, some at their first attempts.
local activity = require("activity")
local fs = require("fs")

local function main(label, how, value)
  local info = assert(activity.info())
  local line = { info.workflow_id, label, value, info.idempotency_token, info.attempt }
  local text = table.concat(line, "|") .. "\n"
  assert(assert(fs.get("app:files")):writefile("effects.txt", text, "a"))
  if how == "fail" then
    return nil, label .. " fails"
  elseif how == "flaky" and info.attempt < 3 then
    error("attempt " .. info.attempt .. " fails")
  end
  return label .. " " .. how
end

return { main = main }
