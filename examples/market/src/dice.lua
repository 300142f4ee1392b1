-- Chance that a seed repeats: the minimal standard generator of Park and Miller.

local dice = {}

function dice.new(seed)
  local state = seed % 2147483646 + 1
  -- A whole number from low to high.
  return function(low, high)
    state = state * 48271 % 2147483647
    return low + state % (high - low + 1)
  end
end

return dice
