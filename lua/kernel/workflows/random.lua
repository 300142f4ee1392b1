-- Random numbers of a workflow: the same in every replay without a record.
local use = ...
local commands = use("kernel/workflows/commands")
local scheduler = use("kernel/core/scheduler")

-- SplitMix64 over the run's seed.
local function next_random(run)
  commands.refuse_in_read_only(run)
  run.random = run.random + 0x9E3779B97F4A7C15
  local z = run.random
  z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
  z = (z ~ (z >> 27)) * 0x94D049BB133111EB
  return z ~ (z >> 31)
end

--- `math.random` of a workflow: `low` and `high` are integers in order, `low` alone may be 0.
return function(low, high)
  local run = scheduler.current.run
  local bits = next_random(run)
  if low == nil then
    return (bits >> 11) * (1.0 / 9007199254740992.0)
  elseif high == nil then
    if low == 0 then
      return bits
    end
    low, high = 1, low
  end
  local span = high - low + 1
  if span > 0 then
    return low + (bits >> 1) % span
  end
  -- More than half of all integers: try until one is inside.
  while bits < low or bits > high do
    bits = next_random(run)
  end
  return bits
end
