-- Objects: tables that applications see as userdata, with a locked metatable and read-only methods.
-- [1] = true in the metatable is what `host.type` (and so the sandbox's `type`) looks at.
local use = ...
local tostring = use("kernel/core/stable").tostring
local metatable_of = debug.getmetatable
local names, known = {}, {}

local object = {}

local function read_only(_, key)
  error("cannot assign field '" .. tostring(key) .. "' of a read-only object", 2)
end

--- Defines a kind of object. `metamethods` may add to or replace the defaults.
--- Returns the constructor, which turns a table of fields into the object, and the metatable.
function object.define(name, methods, metamethods)
  local meta = {
    [1] = true,
    __name = name,
    __index = methods,
    __newindex = read_only,
    __metatable = false,
  }
  for key, value in pairs(metamethods or {}) do
    meta[key] = value
  end
  names[name] = meta
  known[meta] = true
  return function(fields)
    return setmetatable(fields, meta)
  end, meta
end

--- True when `value` was made by the constructor of `name`.
function object.is(name, value)
  return type(value) == "table" and metatable_of(value) == names[name]
end

--- True for the metatable of a defined kind: its metamethods are the kernel's.
function object.is_defined(meta)
  return known[meta] == true
end

return object
