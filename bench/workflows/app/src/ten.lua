local funcs = require("funcs")

--- Ten steps, one after another; as local activities when that is asked for.
local function main(kind)
  local step = funcs.new()
  if kind == "local" then
    step = step:with_options({ ["activity.local"] = true })
  end
  local value = 0
  for _ = 1, 10 do
    local next_value, err = step:call("durable:step", value)
    if err then
      return nil, err
    end
    value = next_value
  end
  return value
end

return { main = main }
