-- Values in the terms of JSON, for context values, events and options: a table with an array part becomes a
-- list, any other table a map with string keys; a value that JSON cannot hold becomes its `tostring`.
local use = ...
local tostring = use("kernel/core/stable").tostring
local content = use("kernel/core/view").content
local type_of = host.type

-- So deep a table is followed; what is deeper becomes its text.
local DEEPEST <const> = 128

local function plain(value, above, depth)
  local kind = type_of(value)
  if kind == "table" then
    if above[value] or depth > DEEPEST then
      return tostring(value)
    end
    above[value] = true
    local result = {}
    if #value > 0 then
      for i = 1, #value do
        result[i] = plain(value[i], above, depth + 1)
      end
    else
      for key, item in next, content(value) do
        result[tostring(key)] = plain(item, above, depth + 1)
      end
    end
    above[value] = nil
    return result
  elseif kind == "nil" or kind == "boolean" or kind == "number" or kind == "string" then
    return value
  end
  return tostring(value)
end

return function(value)
  return plain(value, {}, 1)
end
