-- Messages of queues: calls that a consumer makes, many at a time. The frame of each has its delivery, and what the
-- function calls inherits it. Outcomes go to the consumer once per turn, since a message of its own for each would cost
-- more than the call.
local use = ...
local functions = use("kernel/functions/functions")
local lines = use("kernel/functions/lines")
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

-- Values of each message in the items of a line: tag, id, number of the headers, attempt, body.
local VALUES <const> = 5

-- Takes the next message out of a line. Returns its delivery, which replaces its tag in the line, the frame of its call
-- and its body.
local function take(line)
  local place, items = line.at, line.items
  local at = place * VALUES - 4
  line.at = place + 1
  local delivery = {
    tag = items[at],
    id = items[at + 1],
    headers = line.headers[items[at + 2]],
    attempt = items[at + 3],
    home = line.home,
    consumer = line.consumer,
    ended = false,
    place = place,
  }
  items[at] = delivery
  local frame = clone(line.common)
  frame.delivery = delivery
  return delivery, frame, items[at + 4]
end

-- A process has no pool: each call starts one.
local function call_processes(line)
  for place = 1, line.last do
    local delivery, frame, body = take(line)
    local call = functions.serve(delivery, line.entry, frame, line.done, body)
    if not delivery.ended then
      line.calls[place] = call
    end
  end
end

--- Calls a function for each of `count` messages; the answer is `true` when all have ended. `items` has
--- their values in turn; the headers of a message are the number of theirs in the list `headers`.
local function deliver(reply, origin, ticket, target, frame, consumer, headers, count, items)
  local entry, err = functions.entry(target)
  if not entry then
    reply(nil, err)
    return
  end
  local left, calls = count, {}
  local line = {
    entry = entry,
    items = items,
    at = 1,
    last = count,
    take = take,
    calls = calls,
    -- The frame of all, with a place for the delivery.
    common = security.with(frame, { delivery = false }),
    headers = headers,
    home = unit.index(),
    consumer = consumer,
  }
  function line.done(_, failure, delivery)
    delivery.ended = true
    calls[delivery.place] = false
    note(consumer, delivery.tag, failure)
    left = left - 1
    if left == 0 then
      operations.forget_served(origin, ticket)
      reply(true)
    end
  end
  operations.keep_served(origin, ticket, function()
    for place, call in pairs(calls) do
      if call then
        items[place * VALUES - 4].ended = true
      end
    end
    lines.withdraw(line)
  end)
  if entry.pool then
    lines.begin(line)
  else
    call_processes(line)
  end
end

deliveries.deferred = { deliver = deliver }

return deliveries
