-- The order in which keys of a table are shown: numbers, strings, booleans, the rest by its text.
local use = ...
local tostring = use("kernel/core/stable").tostring

local ranks = { number = 1, string = 2, boolean = 3 }

--- Whether the key `a` is shown before `b`, for `table.sort`.
return function(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then
    return (ranks[kind_a] or 4) < (ranks[kind_b] or 4)
  elseif kind_a == "number" or kind_a == "string" then
    return a < b
  end
  return tostring(a) < tostring(b)
end
