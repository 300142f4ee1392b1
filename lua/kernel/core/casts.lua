-- The type `string`, whose name is a library too: `string(v)` returns `v` as it is, or raises when it is of another
-- type; `string:is(v)` asks. Other types of this kind have no values in Lua: the compiler finds where they are used.
local use = ...
local types = use("kernel/types/types")
local metatable_of = debug.getmetatable

local casts = {}

local string_type = types.builtin.string

--- The cast `string` as a metamethod of the library of that name.
function casts.call_string(_, ...)
  local count = select("#", ...)
  if count ~= 1 or type((...)) ~= "string" then
    local ok, message = pcall(string_type, ...)
    error(ok or message:gsub("^[^ ]*:%d+: ", ""), 2)
  end
  return ...
end

local function is_library(value)
  local meta = type(value) == "table" and metatable_of(value)
  return meta and rawget(meta, "__call") == casts.call_string
end

--- The methods of the type `string`, for the library of that name.
casts.string_methods = {}
for name in ("is kind name elem key val inner ret fields variants params tparams"):gmatch("%a+") do
  local method = string_type[name]
  casts.string_methods[name] = function(first, ...)
    if is_library(first) then
      return method(...)
    end
    return method(first, ...)
  end
end

return casts
