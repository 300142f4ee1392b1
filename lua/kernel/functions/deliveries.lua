-- Messages of queues: calls that a consumer makes, many at a time. The frame of each has its delivery, and what the
-- function calls inherits it. Outcomes go to the consumer once per turn, since a message of its own for each would cost
-- more than the call.
local use = ...
local functions = use("kernel/functions/functions")
local operations = use("kernel/functions/operations")
local security = use("kernel/security/security")
local unit = use("kernel/core/unit")

local clone = host.clone

local deliveries = {}

-- Bytes of an error's message that a consumer gets.
local LONGEST <const> = 4096

-- By consumer: the tags of calls that ended well, and {tag, kind, message} of the others.
local outcomes = {}

local function note(consumer, tag, err)
  local own = outcomes[consumer]
  if not own then
    own = { done = {}, failed = {} }
    outcomes[consumer] = own
  end
  if err then
    own.failed[#own.failed + 1] = { tag, err:kind(), err:message():sub(1, LONGEST) }
  else
    own.done[#own.done + 1] = tag
  end
end

--- Tells consumers how their calls ended.
function deliveries.flush()
  if not next(outcomes) then
    return
  end
  local all = outcomes
  outcomes = {}
  for consumer, own in pairs(all) do
    unit.emit("route", -1, 0, "services.ask", {
      service = consumer,
      operation = "ended",
      input = own,
      pid = "",
      frame = {},
    })
  end
end

--- Calls a function for each of several messages, {delivery, body}; the answer is `true` when all have ended.
local function deliver(reply, origin, ticket, target, frame, consumer, items)
  local entry, err = functions.entry(target)
  if not entry then
    reply(nil, err)
    return
  end
  -- Deliveries to what `functions.withdraw` ends.
  local left, running = #items, {}
  local function ended(_, failure, delivery)
    delivery.ended = true
    running[delivery] = nil
    note(consumer, delivery.tag, failure)
    left = left - 1
    if left == 0 then
      operations.forget_served(origin, ticket)
      reply(true)
    end
  end
  operations.keep_served(origin, ticket, function()
    for delivery, call in pairs(running) do
      delivery.ended = true
      functions.withdraw(call)
    end
  end)
  local home = unit.index()
  -- The frame of all, with a place for the delivery.
  local common = security.with(frame, { delivery = false })
  for _, item in ipairs(items) do
    local delivery = item[1]
    delivery.home, delivery.consumer = home, consumer
    local own = clone(common)
    own.delivery = delivery
    local call = functions.serve(delivery, entry, own, ended, item[2])
    if not delivery.ended then
      running[delivery] = call
    end
  end
end

deliveries.deferred = { deliver = deliver }

return deliveries
