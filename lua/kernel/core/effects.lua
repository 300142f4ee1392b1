-- Effects: what modules ask for, and the context of the running unit answers. A new module adds operations
-- here by name; a new context adds handlers in lua/contexts.
local use = ...
local scheduler = use("kernel/core/scheduler")

local effects = {}

-- `effects.sleep(ns)` calls the handler of the running unit's context for that effect with the unit and `ns`.
for _, name in ipairs({ "now", "sleep", "timer", "cancel_timer", "operation", "immediate", "log" }) do
  effects[name] = function(...)
    local unit = scheduler.current
    return unit.context[name](unit, ...)
  end
end

--- What `compute()` gives, one value that can be copied; in a workflow computed once and recorded.
function effects.once(compute)
  local unit = scheduler.current
  local record = unit.context.record
  if record then
    return record(unit, compute)
  end
  return compute()
end

return effects
