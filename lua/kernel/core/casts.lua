-- The names of types as functions: `integer(v)` returns `v` as it is, or raises when it is of another type.
local type_of = host.type

local casts = {}

local accepts = {
  any = function()
    return true
  end,
  boolean = function(value)
    return type(value) == "boolean"
  end,
  integer = function(value)
    return math.type(value) ~= nil and math.tointeger(value) ~= nil
  end,
  never = function()
    return false
  end,
  number = function(value)
    return type(value) == "number"
  end,
  string = function(value)
    return type(value) == "string"
  end,
}
accepts.unknown = accepts.any

local function cast(name)
  local accepted = accepts[name]
  return function(...)
    local count = select("#", ...)
    if count == 0 then
      error("type " .. name .. " expects at least 1 argument", 2)
    elseif count > 1 then
      error("type " .. name .. ": validation expects 1 value, got " .. count, 2)
    end
    local value = ...
    if not accepted(value) then
      error("expected " .. name .. ", got " .. type_of(value), 2)
    end
    return value
  end
end

for name in pairs(accepts) do
  casts[name] = cast(name)
end

--- The cast `string` as a metamethod of the library of that name.
function casts.call_string(_, ...)
  local count = select("#", ...)
  if count ~= 1 or type((...)) ~= "string" then
    local ok, message = pcall(casts.string, ...)
    error(ok or message:gsub("^[^ ]*:%d+: ", ""), 2)
  end
  return ...
end

return casts
