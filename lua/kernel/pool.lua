-- Pools of function instances (spec app-and-cli §3). An instance is an environment in which the entry's chunk has
-- run; a call takes a free one, so at most `limit` calls of a function run at once on this worker, the rest queue.
local use = ...
local sandbox = use("kernel/sandbox")

local pool = {}

local function pool_of(entry)
  local self = entry.instances
  if not self then
    self = { free = {}, size = 0, limit = entry.pool.workers, first = 1, last = 0 }
    entry.instances = self
  end
  return self
end

--- A free instance, or nil.
function pool.take(entry)
  local free = pool_of(entry).free
  local n = #free
  if n > 0 then
    local instance = free[n]
    free[n] = nil
    return instance
  end
  return nil
end

--- Calls `start(instance, err)` with an instance of the function: at once, or when one is free.
--- Gives a function that takes a queued call back, or nil when `start` was called.
function pool.acquire(entry, start)
  local self = pool_of(entry)
  local free = pool.take(entry)
  if free then
    start(free)
    return nil
  end
  if self.size >= self.limit then
    local last = self.last + 1
    self.last = last
    self[last] = start
    return function()
      self[last] = false
    end
  end
  self.size = self.size + 1
  local fn, err, env = sandbox.method(entry, entry.method)
  if err then
    self.size = self.size - 1
    start(nil, err)
    return nil
  end
  start({ fn = fn, env = env, pool = self, co = false, callee = false })
  return nil
end

--- Gives an instance back; the oldest queued call gets it.
function pool.release(instance)
  local self = instance.pool
  while self.first <= self.last do
    local start = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    if start then
      start(instance)
      return
    end
  end
  self.free[#self.free + 1] = instance
end

return pool
