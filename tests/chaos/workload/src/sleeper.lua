-- Sleeps longer than it may run.
local time = require("time")

local function main()
  time.sleep("2400h")
end

return { main = main }
