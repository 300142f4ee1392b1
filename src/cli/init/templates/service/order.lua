local funcs, time = require("funcs"), require("time")

local function main(id, total)
  process.send("board", "placed", id)
  time.sleep("10s") -- a durable timer: the customer may still change their mind
  local receipt = assert(funcs.call("app:charge", id, total)) -- retried until it succeeds, recorded once
  process.send("board", "charged", id)
  return receipt
end

return { main = main }
