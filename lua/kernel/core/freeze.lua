-- Read-only tables, which all units share: standard libraries and modules.
local use = ...
local order = use("kernel/core/order")
local stable = use("kernel/core/stable")
local tostring = stable.tostring

--- A read-only view of `real`, shared by all units: assigning a field raises.
return function(real, name)
  return setmetatable({}, {
    -- What is copied or leaves the VM in place of the view, which is empty.
    real,
    __index = real,
    __newindex = function(_, key)
      error(
        "cannot assign field '" .. tostring(key) .. "' of the read-only table '" .. name .. "'",
        2
      )
    end,
    -- A closure: `next, real` would hand out the table behind the view.
    __pairs = function()
      local run = stable.current_run()
      if run then
        local step = order.pairs(run, real)
        return function()
          return step(real)
        end
      end
      local key
      return function()
        local value
        key, value = next(real, key)
        return key, value
      end
    end,
    __metatable = false,
  })
end
