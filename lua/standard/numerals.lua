-- The numeral that a text begins with, as Lua's `file:read("n")` takes it.
local find, sub = string.find, string.sub

local numerals = {}

-- The longest stretch of digits from `at`, at most `room` characters; returns where it ends.
local function digits(text, at, class)
  local _, stop = find(text, "^" .. class .. "*", at)
  return stop + 1
end

--- The longest beginning of `text` at `at` that can be part of a numeral; `tonumber` says whether it is one.
function numerals.prefix(text, at)
  local start = at
  local _, stop = find(text, "^[+-]?", at)
  at = stop + 1
  local class, exponent = "%d", "[eE]"
  if find(text, "^0[xX]", at) then
    at = at + 2
    class, exponent = "%x", "[pP]"
  end
  local before = at
  at = digits(text, at, class)
  local count = at - before
  if sub(text, at, at) == "." then
    local after = digits(text, at + 1, class)
    count = count + after - at - 1
    at = after
  end
  if count > 0 and find(text, "^" .. exponent, at) then
    _, stop = find(text, "^[+-]?", at + 1)
    at = digits(text, stop + 1, "%d")
  end
  return sub(text, start, math.min(at - 1, start + 199))
end

return numerals
