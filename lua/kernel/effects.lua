-- Effects: what modules ask for, and the context of the running unit answers (design §1). A new module adds
-- operations here by name; a new context adds handlers in lua/contexts.
local use = ...
local scheduler = use("kernel/scheduler")

local effects = {}

--- The handler of the running unit's context for an effect, called with the unit and the arguments.
function effects.perform(name, ...)
  local unit = scheduler.current
  return unit.context[name](unit, ...)
end

-- `effects.sleep(ns)` is `effects.perform("sleep", ns)`.
for _, name in ipairs({ "now", "sleep", "timer", "cancel_timer", "operation", "immediate", "log" }) do
  effects[name] = function(...)
    local unit = scheduler.current
    return unit.context[name](unit, ...)
  end
end

return effects
