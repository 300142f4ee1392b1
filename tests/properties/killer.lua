-- Ends another process after a while, the way it is told.
local time = require("time")

local function main()
  local order = process.inbox():receive():payload():data()
  time.sleep(order.delay .. "ms")
  if order.how == "cancel" then
    process.cancel(order.pid, "enough", { deadline = "1ms" })
  else
    process.terminate(order.pid)
  end
end

return { main = main }
