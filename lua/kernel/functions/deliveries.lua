-- Messages of queues: the frame of a call that a consumer makes has the delivery, and what the function calls inherits
-- it.
local use = ...
local unit = use("kernel/core/unit")

local deliveries = {}

--- Notes that the call of a consumer begins here. Returns its delivery; nil for any other call, those that the called
--- function makes included.
function deliveries.begin(frame)
  local delivery = frame.delivery
  if not delivery or delivery.home then
    return nil
  end
  delivery.home = unit.index()
  return delivery
end

--- The function that the consumer called has ended: the message is no longer its own.
function deliveries.finish(delivery)
  if delivery then
    delivery.ended = true
  end
end

return deliveries
