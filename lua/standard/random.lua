-- Lua's own generator of random numbers (xoshiro256**), so that a seed gives a script the numbers that it gives in Lua.
local random = {}

local function rotate(x, n)
  return (x << n) | (x >> (64 - n))
end

local function step(state)
  local s0, s1, s2, s3 = state[1], state[2], state[3] ~ state[1], state[4] ~ state[2]
  local result = rotate(s1 * 5, 7) * 9
  state[1], state[2] = s0 ~ s3, s1 ~ s2
  state[3], state[4] = s2 ~ (s1 << 17), rotate(s3, 45)
  return result
end

-- A number of 0..limit, each as likely.
local function project(value, limit, state)
  if limit & (limit + 1) == 0 then
    return value & limit
  end
  local mask = limit
  local shift = 1
  while shift < 64 do
    mask = mask | (mask >> shift)
    shift = shift * 2
  end
  value = value & mask
  while math.ult(limit, value) do
    value = step(state) & mask
  end
  return value
end

local function integer(value, n, name)
  local result = math.tointeger(value)
  if not result then
    local what = type(value) == "number" and "number has no integer representation"
      or "number expected, got " .. host.type(value)
    error("bad argument #" .. n .. " to '" .. name .. "' (" .. what .. ")", 3)
  end
  return result
end

--- `random` and `randomseed` of one unit. `unseeded(...)` is its `random` until it has set a seed.
function random.generator(unseeded)
  local state
  local function seed(low, high)
    state = { low, 0xff, high, 0 }
    for _ = 1, 16 do
      step(state)
    end
  end

  local function next_number(...)
    if not state then
      return unseeded(...)
    end
    local count = select("#", ...)
    local value = step(state)
    if count == 0 then
      return (value >> 11) * 0x1p-53
    elseif count > 2 then
      error("wrong number of arguments", 2)
    end
    local low, high = ...
    if count == 1 then
      low, high = 1, integer(low, 1, "random")
      if high == 0 then
        return value
      end
    else
      low, high = integer(low, 1, "random"), integer(high, 2, "random")
    end
    if low > high then
      error("bad argument #" .. count .. " to 'random' (interval is empty)", 2)
    end
    return project(value, high - low, state) + low
  end

  local function randomseed(low, high)
    if low == nil then
      low, high = unseeded(0), unseeded(0)
    else
      low = integer(low, 1, "randomseed")
      high = high == nil and 0 or integer(high, 2, "randomseed")
    end
    seed(low, high)
    return low, high
  end

  return next_number, randomseed
end

return random
