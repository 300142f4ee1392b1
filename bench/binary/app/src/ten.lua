local funcs = require("funcs")

local function main()
  local value = 0
  for _ = 1, 10 do
    local next_value, err = funcs.call("durable:step", value)
    if err then
      return nil, err
    end
    value = next_value
  end
  return value
end

return { main = main }
