--- Module `events`: the event bus of the runtime. For observation, not for transport: an event meets who listens.
-- @workflows no
-- @sandbox yes
local runtime = ...
local use, check, errors = runtime.use, runtime.check, runtime.errors
local processes = use("kernel/processes/processes")
local plain = use("kernel/core/plain")
local scheduler = use("kernel/core/scheduler")
local subscriptions = use("kernel/processes/subscriptions")

local events = {}

local function invalid(message)
  return errors.fail("Invalid", message)
end

local function allowed(action, system)
  if not runtime.allowed(action, system) then
    return invalid("not allowed to " .. action:match("%.(.*)") .. " events of system: " .. system)
  end
  return nil
end

--- Listens to the events of a system (and kind): a Subscription, active from now on. A pattern that ends in `*`
--- matches what begins so; nil, "" and "*" match everything. Errors: Invalid.
function events.subscribe(system, kind)
  if system == nil or system == "" then
    return nil, invalid("system is required")
  end
  check.string(system, 1, "subscribe")
  check.optional(check.string, kind, 2, "subscribe")
  local err = runtime.not_in_workflow("events.subscribe") or allowed("events.subscribe", system)
  if err then
    return nil, err
  end
  local id, subscription, stop = subscriptions.new(scheduler.current, "events.unsubscribe")
  local ok, failure = processes.ask(-1, "events.subscribe", {
    subscription = id,
    system = system,
    kind = kind or "",
  })
  if not ok then
    stop()
    return nil, failure
  end
  return subscription, nil
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
  local ok, failure = processes.tell("events.publish", {
    system = system,
    kind = kind,
    path = path,
    data = plain(data),
  })
  return ok, failure
end

return events
