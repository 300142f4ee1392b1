local time = require("time")

--- Sleeps until a time in milliseconds since the epoch.
local function main(due)
  local left = due * 1000000 - time.now():unix_nano()
  time.sleep(math.tointeger(math.max(left, 0)))
  return due
end

return { main = main }
