-- A child: tells its parent about each of its steps, and answers their number.
local funcs = require("funcs")
local time = require("time")

local function main(parent, id, count)
  for i = 1, count do
    time.sleep(i)
    local value, err = funcs.call("chaos:step", id .. "/" .. i, 0)
    if not value then
      return nil, err
    end
    assert(process.send(parent, "progress", id .. "/" .. i, value))
  end
  return count
end

return { main = main }
