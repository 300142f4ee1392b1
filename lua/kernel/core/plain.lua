-- Values in the terms of JSON, for context values, events and options (spec core-api §1.7): a table with an array part
-- becomes a list, another one a map with text keys; what cannot be said so becomes its text.
local type_of = host.type

local function plain(value, above)
  local kind = type_of(value)
  if kind == "table" then
    if above[value] then
      return tostring(value)
    end
    above[value] = true
    local result = {}
    if #value > 0 then
      for i = 1, #value do
        result[i] = plain(value[i], above)
      end
    else
      for key, item in next, value do
        result[tostring(key)] = plain(item, above)
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
  return plain(value, {})
end
