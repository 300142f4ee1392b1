-- Read-only tables, which all units share: standard libraries and modules.
local use = ...
local read_only = use("kernel/core/read_only")
local stable = use("kernel/core/stable")
local tostring = stable.tostring

--- A read-only view of `real`, shared by all units: assigning a field raises.
return function(real, name)
  local function refuse(_, key)
    error(
      "cannot assign field '" .. tostring(key) .. "' of the read-only table '" .. name .. "'",
      2
    )
  end
  return setmetatable({}, read_only(real, refuse, "library"))
end
