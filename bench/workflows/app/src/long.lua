local funcs = require("funcs")

--- COUNT steps, one after another.
local function main(count)
  for step = 1, count do
    assert(funcs.call("durable:step", step))
  end
  return count
end

return { main = main }
