--- Module `events`: the event bus of the runtime. For observation, not for transport: an event meets who listens.
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local actors = use("kernel/actors")
local channel = use("kernel/channel")
local object = use("kernel/object")
local plain = use("kernel/plain")
local remote = use("kernel/remote")
local scheduler = use("kernel/scheduler")
local unit = use("kernel/unit")

local events = {}

local BUFFER <const> = 64

-- Subscriptions of this worker, by the number under which the node knows them.
local subscriptions, last_subscription = {}, 0

local function invalid(message)
  return errors.fail("Invalid", message)
end

local function allowed(action, system)
  if runtime.allowed and not runtime.allowed(action, system) then
    return invalid("not allowed to " .. action:match("%.(.*)") .. " events of system: " .. system)
  end
  return nil
end

local methods = {}
local new_subscription = object.define("events.Subscription", methods)
local held = setmetatable({}, { __mode = "k" })

local function close(record)
  if not record.closed then
    record.closed = true
    subscriptions[record.id] = nil
    host.emit("route", -1, 0, "event_unsubscribe", record.id)
    channel.close(record.channel)
  end
end

--- The channel of the subscription's events: { system, kind, path, data }.
function methods:channel()
  return held[self].channel
end

--- Ends the subscription; what is in its channel can still be read. Twice is once.
function methods:close()
  close(held[self])
  return true
end

--- Delivers an event to subscriptions of this worker.
function actors.here.event(ids, system, kind, path, data)
  for i, id in ipairs(ids) do
    local record = subscriptions[id]
    if record then
      -- A copy each: they may belong to different units.
      local own = i == #ids and data or plain(data)
      channel.put(record.channel, { system = system, kind = kind, path = path, data = own })
    end
  end
end

--- Listens to the events of a system (and kind): a Subscription, active from now on. A pattern that ends in `*`
--- matches what begins so; nil, "" and "*" match everything. Errors: Invalid.
function events.subscribe(system, kind)
  if system == nil or system == "" then
    return nil, invalid("system is required")
  end
  check.string(system, 1, "subscribe")
  check.optional(check.string, kind, 2, "subscribe")
  local err = allowed("events.subscribe", system)
  if err then
    return nil, err
  end
  last_subscription = last_subscription + 1
  local record = { id = last_subscription, channel = channel.new(BUFFER) }
  subscriptions[record.id] = record
  unit.on_end(scheduler.current, function()
    close(record)
  end)
  local ok, failure = actors.ask(-1, "event_subscribe", record.id, system, kind or "")
  if not ok then
    return nil, failure
  end
  local subscription = new_subscription({})
  held[subscription] = record
  return subscription
end

--- Publishes an event: `true`, or `nil, err` Invalid. It has not arrived anywhere yet when this returns.
function events.send(system, kind, path, data)
  for i, name in ipairs({ "system", "kind", "path" }) do
    local value = ({ system, kind, path })[i]
    if value == nil or value == "" then
      return nil, invalid(name .. " is required")
    end
    check.string(value, i, "send")
  end
  local err = allowed("events.send", system)
  if err then
    return nil, err
  end
  data = plain(data)
  if remote.unhurried() then
    err = unit.emit("route", -1, 0, "event_send", system, kind, path, data)
    if err then
      return nil, err
    end
    return true
  end
  return actors.ask(-1, "event_send", system, kind, path, data)
end

return events
