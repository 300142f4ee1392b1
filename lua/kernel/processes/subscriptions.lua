-- Subscriptions of units to events of the node: those of module `events` and of module `pg`.
local use = ...
local channel = use("kernel/messaging/channel")
local object = use("kernel/core/object")
local plain = use("kernel/core/plain")
local unit = use("kernel/core/unit")

local subscriptions = {}

-- What does not fit waits in the channel's queue: nothing is dropped, and nobody waits.
local BUFFER <const> = 64

-- By the number under which the node knows them.
local known, last = {}, 0
-- What a Subscription stands for, out of the reach of programs.
local held = setmetatable({}, { __mode = "k" })

local methods = {}
local new_object = object.define("events.Subscription", methods)

local function close(record)
  if not record.closed then
    record.closed = true
    known[record.id] = nil
    host.emit("route", -1, 0, record.unsubscribe, { subscription = record.id })
    channel.close(record.channel)
  end
end

--- A subscription of a unit: its number, the Subscription, and what ends it. `unsubscribe` is the node's operation.
function subscriptions.new(self, unsubscribe)
  last = last + 1
  local record = { id = last, channel = channel.new(BUFFER), unsubscribe = unsubscribe }
  known[record.id] = record
  local function stop()
    close(record)
  end
  unit.on_end(self, stop)
  local subscription = new_object({})
  held[subscription] = record
  return record.id, subscription, stop
end

--- The channel of the subscription's events: { system, kind, path, data }.
function methods:channel()
  return held[self].channel
end

--- Ends the subscription: `true`. What is in its channel can still be read, unless `{ flush = true }`.
function methods:close(options)
  local record = held[self]
  if type(options) == "table" and options.flush == true then
    channel.drain(record.channel)
  end
  close(record)
  return true
end

-- Delivers an event of the node to subscriptions of this worker.
local function event(ids, system, kind, path, data)
  for i, id in ipairs(ids) do
    local record = known[id]
    if record then
      -- A copy each: they may belong to different units.
      local own = i == #ids and data or plain(data)
      channel.put(record.channel, { system = system, kind = kind, path = path, data = own })
    end
  end
end

--- What the node asks of this worker; see kernel/processes/requests.
subscriptions.operations = { event = event }

return subscriptions
