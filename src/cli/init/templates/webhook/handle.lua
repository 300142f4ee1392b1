local logger = require("logger")

-- Handle the event here. This may run again after a crash, so make it idempotent by the event's id.
local function main(event)
  logger:info("event", { id = event.id })
  return { handled = event.id }
end

return { main = main }
