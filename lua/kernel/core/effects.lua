-- Effects: what modules ask for, and the context of the running unit answers. This is the only door:
-- `effects.sleep(ns)` calls the handler `sleep(unit, ns)` of the running unit's context. A new module performs effects
-- that are there, or adds one here and its handlers in lua/contexts.
local use = ...
local check = use("kernel/core/check")
local scheduler = use("kernel/core/scheduler")
local error, math_type, select, tonumber, type = error, math.type, select, tonumber, type

local effects = {}

--- All effects. Each context has a handler for each.
effects.names = {
  -- time and chance
  "now",
  "sleep",
  "timer",
  "cancel_timer",
  "random",
  -- what is outside of the unit
  "call",
  "async",
  "operation",
  "publish",
  "immediate",
  "record",
  "log",
  "request",
  "notify",
  -- other units
  "send",
  "spawn",
  "exec",
  "monitor",
  "unmonitor",
  "link",
  "unlink",
  "cancel",
  "terminate",
  "register",
  "unregister",
  "lookup",
  "upgrade",
  -- workflows and schedules
  "workflow_exec",
  "workflow_update",
  "workflow_update_with_start",
  "workflow_query",
  "schedule",
  -- a workflow's own run
  "version",
  "workflow_info",
  "attributes",
  "new_scope",
  "run_in_scope",
  "cancel_scope",
  "set_query_handler",
  "set_update_handler",
  "all_handlers_finished",
}

for _, name in ipairs(effects.names) do
  effects[name] = function(...)
    local unit = scheduler.current
    return unit.context[name](unit, ...)
  end
end

--- `queue.publish`, which is called for each message.
function effects.publish(id, data, headers, message_id, delay)
  local unit = scheduler.current
  return unit.context.publish(unit, id, data, headers, message_id, delay)
end

-- A bound of `math.random`, without its decimals.
local function bound(value, n)
  local kind = type(value)
  local found = (kind == "number" or kind == "string") and tonumber(value)
    or check.number(value, n, "random")
  if math_type(found) == "integer" then
    return found
  elseif found ~= found then
    return 0
  elseif found >= 0x1p63 then
    return math.maxinteger
  elseif found < -0x1p63 then
    return math.mininteger
  end
  return math.tointeger(found - math.fmod(found, 1))
end

-- `math.random` whose bounds are no integers in order.
local function random(count, low, high)
  if count > 2 then
    error("wrong number of arguments", 3)
  end
  low = bound(low, 1)
  if count == 1 and low >= 0 then
    return scheduler.current.context.random(low)
  elseif count == 1 or low > bound(high, 2) then
    error("bad argument #1 to 'random' (interval is empty)", 3)
  end
  return scheduler.current.context.random(low, bound(high, 2))
end

--- `math.random`, whose handler does without the unit. Its arguments are checked here, for all units alike: handlers
--- would name this file.
function effects.random(...)
  local count = select("#", ...)
  if count == 0 then
    return scheduler.current.context.random()
  end
  local low, high = ...
  if math_type(low) == "integer" then
    if count == 1 then
      if low >= 0 then
        return scheduler.current.context.random(low)
      end
    elseif count == 2 and math_type(high) == "integer" and low <= high then
      return scheduler.current.context.random(low, high)
    end
  end
  local found = random(count, low, high)
  return found
end

--- What a context has besides its handlers: `kind` is "function", "process" or "workflow"; `delivers` says whether a
--- message goes to its receiver at once; `ended(unit, value, err)` is called when a unit has ended.
local TRAITS <const> = { kind = "string", delivers = "boolean", ended = "function" }

--- Checks that a context has its traits and a handler for every effect, and nothing else. Returns it.
function effects.context(context)
  local known = {}
  for name, expected in pairs(TRAITS) do
    known[name] = true
    if type(context[name]) ~= expected then
      error("a context's " .. name .. " is a " .. expected .. ", not a " .. type(context[name]))
    end
  end
  for _, name in ipairs(effects.names) do
    known[name] = true
    if type(context[name]) ~= "function" then
      error("context '" .. context.kind .. "' has no handler for the effect '" .. name .. "'")
    end
  end
  for name in pairs(context) do
    if not known[name] then
      error("context '" .. context.kind .. "' handles '" .. name .. "', which is no effect")
    end
  end
  return context
end

return effects
