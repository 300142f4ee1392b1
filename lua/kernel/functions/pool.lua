-- Pools of function instances. An instance is an environment in which the entry's chunk has run; a call takes a
-- free one, so at most `limit` calls of a function run at once on this worker, the rest queue.
local use = ...
local adaptive = use("kernel/functions/adaptive")
local core = use("kernel/core/core")
local errors = use("kernel/core/errors")
local sandbox = use("kernel/core/sandbox")
local scheduler = use("kernel/core/scheduler")
local run_as = scheduler.run_as

local pool = {}

-- The handlers of functions.
local context

pool.connect = core.hooks("kernel/functions/pool", { "context" }, function(handlers)
  context = handlers
end)

-- A lazy pool is looked at this often (ns), and gives its instances up when it was unused at so many looks: 30 s.
local LOOK <const>, QUIET_LOOKS <const> = 15000000000, 3

-- Pools by the identifier of their function, for who looks at them.
local pools = {}
-- Times of that many calls are kept. They are taken only while somebody looks, and so long after (ns): reading the
-- clock twice costs a call a tenth of its rate.
local SAMPLES <const>, LOOKED_FOR <const> = 128, 30000000000

--- Whether times of calls are taken, and whether that is always so, since calls are counted.
pool.timing = { on = false, counted = false }

local function pool_of(entry)
  local self = entry.instances
  if not self then
    local kind = entry.pool.type
    self = {
      free = {},
      size = 0,
      limit = kind == "adaptive" and 1 or entry.pool.workers,
      first = 1,
      last = 0,
      quiet = 0,
      done = 0,
      failed = 0,
      sampled = 0,
      times = {},
      type = kind,
    }
    entry.instances = self
    pools[entry.id] = self
  end
  return self
end

local function drop_when_unused(self)
  self.watched = true
  scheduler.at(host.now() + LOOK, {
    fire = function()
      self.quiet = #self.free == self.size and self.quiet + 1 or 0
      if self.quiet < QUIET_LOOKS then
        return drop_when_unused(self)
      end
      self.free, self.size, self.watched = {}, 0, false
    end,
  })
end

--- A free instance, or nil.
function pool.take(entry)
  local free = (entry.instances or pool_of(entry)).free
  local n = #free
  if n > 0 then
    local instance = free[n]
    free[n] = nil
    return instance
  end
  return nil
end

--- Whether an instance that was released is still free; it is not any more.
function pool.take_back(instance)
  local free = instance.pool.free
  local n = #free
  if free[n] ~= instance then
    return false
  end
  free[n] = nil
  return true
end

-- Gives whoever waits an instance, or the Error why there is none.
local function give(waiter, instance, err)
  if type(waiter) == "table" then
    return waiter.begin(waiter, instance, err)
  end
  return waiter(instance, err)
end

-- Makes one instance more and gives it to `waiter`.
local function create(entry, self, waiter)
  self.size = self.size + 1
  -- A call of the node has no caller: the chunk needs a unit all the same, for what it may do without waiting.
  local caller = scheduler.current
    or { pid = "{node|0x00000}", entry = entry, context = context, frame = {} }
  local fn, err, env = run_as(caller, sandbox.method, entry, entry.method)
  if err then
    self.size = self.size - 1
    give(waiter, nil, err)
    return
  end
  give(waiter, {
    fn = fn,
    env = env,
    pool = self,
    co = false,
    callee = false,
    since = false,
    line = false,
    n = 0,
  })
end

-- The oldest queued call that still waits, taken out of the queue; nil when there is none.
local function next_queued(self)
  while self.first <= self.last do
    local waiter = self[self.first]
    self[self.first] = nil
    self.first = self.first + 1
    if waiter and (type(waiter) == "function" or not waiter.ended) then
      return waiter
    end
  end
  return nil
end

-- Has a pool of instances that come and go looked after.
local function watch(entry, self)
  local kind = entry.pool.type
  if kind == "lazy" then
    drop_when_unused(self)
  elseif kind == "adaptive" then
    adaptive.control(self, entry.pool.workers, function()
      while self.size < self.limit do
        local waiter = next_queued(self)
        if not waiter then
          break
        end
        create(entry, self, waiter)
      end
    end)
  end
end

--- The Error when a call can never be served, since its own callers hold all instances that there may be; else nil.
function pool.starved(entry, caller)
  local self, most = entry.instances, entry.pool.workers
  if not self or self.size < most then
    return nil
  end
  local held = 0
  while caller do
    local instance = caller.instance
    if instance and instance.pool == self then
      held = held + 1
    end
    caller = caller.caller
  end
  if held < most then
    return nil
  end
  return errors.fail(
    "Internal",
    "calls of "
      .. entry.id
      .. " within each other hold all "
      .. most
      .. " instances of its pool; set pool.max_size above the depth of the recursion"
  )
end

--- Calls `waiter.begin(waiter, instance, err)` with an instance of a function of which none is free: at once with a new
--- one, or when one is free. A call that sets `waiter.ended` before that does not wait any more.
function pool.queue(entry, waiter)
  local self = pool_of(entry)
  if not self.watched then
    watch(entry, self)
  end
  if self.size < self.limit then
    create(entry, self, waiter)
    return
  end
  self.last = self.last + 1
  self[self.last] = waiter
end

--- Calls `start(instance, err)` with an instance of the function: at once, or when one is free.
--- Returns a function that takes a queued call back, or nil when `start` was called.
function pool.acquire(entry, start)
  local self = pool_of(entry)
  local free = pool.take(entry)
  if free then
    start(free)
    return nil
  end
  local before = self.last
  pool.queue(entry, start)
  local last = self.last
  if last == before then
    return nil
  end
  return function()
    if self[last] == start then
      self[last] = false
    end
  end
end

--- Ends the pool of an entry that was removed: calls that wait get an Error (Unavailable).
function pool.close(entry)
  local self = entry.instances
  pools[entry.id] = nil
  local waiter = self and next_queued(self)
  while waiter do
    give(waiter, nil, errors.make("Unavailable", "pool is closed", false, { target = entry.id }))
    waiter = next_queued(self)
  end
end

--- Notes that a call took so long (ns).
function pool.took(instance, time)
  local self = instance.pool
  self.times[self.sampled % SAMPLES + 1] = time
  self.sampled = self.sampled + 1
end

local function time_calls()
  local timing = pool.timing
  timing.till = host.now() + LOOKED_FOR
  if timing.on then
    return
  end
  timing.on = true
  local function look()
    local left = timing.till - host.now()
    if left > 0 then
      scheduler.at(timing.till, { fire = look })
    else
      timing.on = timing.counted
    end
  end
  look()
end

--- Has all calls counted from now on.
function pool.count_calls()
  pool.timing.on, pool.timing.counted = true, true
end

--- What there is to see of the pools of this worker; times of the last sampled calls in ns.
function pool.describe()
  time_calls()
  local rows = {}
  for id, self in pairs(pools) do
    rows[#rows + 1] = {
      id = id,
      type = self.type,
      calls = self.done,
      failed = self.failed,
      running = self.size - #self.free,
      queued = math.max(0, self.last - self.first + 1),
      instances = self.size,
      limit = self.limit,
      times = self.times,
    }
  end
  return rows
end

--- Takes back an instance; the oldest queued call gets it, unless the pool has become smaller.
function pool.release(instance)
  local self = instance.pool
  self.quiet, self.done = 0, self.done + 1
  if self.size > self.limit then
    self.size = self.size - 1
    return
  end
  if self.first <= self.last then
    local waiter = next_queued(self)
    if waiter then
      give(waiter, instance)
      return
    end
  end
  self.free[#self.free + 1] = instance
end

--- What other workers ask of this one; see kernel/processes/requests.
pool.operations = { functions = pool.describe }

return pool
