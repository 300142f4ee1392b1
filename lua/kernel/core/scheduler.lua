-- Runs coroutines: one FIFO queue for all units of this worker, a heap of timers, one slice at a time.
-- `scheduler.current` is the unit that runs now, `scheduler.co` its outermost coroutine (what wakes must name).
local use = ...
local core = use("kernel/core/core")
local resume, park, now, slice, burnt = host.resume, host.park, host.now, host.slice, host.burnt

-- About 5 ms of Lua on the development machine: what one coroutine may run before the others get their turn.
local SLICE <const> = 300000
-- The worker's event loop gets control back after this many nanoseconds of Lua.
local round = 5000000

-- In the place of a first value: the coroutine yielded by itself and is resumed without values.
local NOTHING = {}

-- `turn`: when the turn at hand began, in ns since the epoch.
local scheduler = { unit_of = {}, turn = 0 }
local unit_of = scheduler.unit_of

-- The run queue: three arrays, since a record per wake-up would be garbage per wake-up.
local queue, first_value, second_value = {}, {}, {}
local head, tail = 1, 0

--- Makes a coroutine runnable; `a` and `b` are what its `park` returns (or its function's arguments).
local function ready(co, a, b)
  -- The queue is longer once all three have room: an array that cannot grow raises.
  local i = tail + 1
  queue[i], first_value[i], second_value[i] = co, a, b
  tail = i
end
scheduler.ready = ready

-- The same, before all the others, for the coroutine that `step` has just taken out.
local function ready_first(co)
  if head > tail then
    return ready(co)
  end
  head = head - 1
  queue[head], first_value[head], second_value[head] = co, nil, nil
end

--- Suspends the running coroutine until somebody makes it ready. Returns the two values that `ready` was given.
scheduler.park = park

-- Timers: a binary heap over three arrays, ordered by due time, then by creation.
local due, order, action = {}, {}, {}
local timers, created, cancelled = 0, 0, 0

local function sift_up(i, at, seq, item)
  while i > 1 do
    local parent = i // 2
    local parent_due = due[parent]
    if parent_due < at or (parent_due == at and order[parent] < seq) then
      break
    end
    due[i], order[i], action[i] = parent_due, order[parent], action[parent]
    i = parent
  end
  due[i], order[i], action[i] = at, seq, item
end

local function sift_down(i, at, seq, item)
  local last = timers
  while true do
    local child = i * 2
    if child > last then
      break
    end
    if child < last then
      local left, right = due[child], due[child + 1]
      if right < left or (right == left and order[child + 1] < order[child]) then
        child = child + 1
      end
    end
    local child_due = due[child]
    if at < child_due or (at == child_due and seq < order[child]) then
      break
    end
    due[i], order[i], action[i] = child_due, order[child], action[child]
    i = child
  end
  due[i], order[i], action[i] = at, seq, item
end

--- At `at` (ns since the epoch): wakes `item` if it is a coroutine, else calls `item.fire()` unless
--- `item.cancelled` is set by then.
function scheduler.at(at, item)
  created = created + 1
  -- The heap has its item once all three arrays have room: one that cannot grow raises.
  local i = timers + 1
  due[i], order[i], action[i] = at, created, item
  timers = i
  sift_up(i, at, created, item)
end

local function pop_timer()
  local item = action[1]
  local last = timers
  local at, seq, moved = due[last], order[last], action[last]
  due[last], order[last], action[last] = nil, nil, nil
  timers = last - 1
  if last > 1 then
    sift_down(1, at, seq, moved)
  end
  return item
end

-- Long timers that are always cancelled would fill the heap: when most of it is dead it is built anew.
local function drop_cancelled()
  local kept = 0
  local old_due, old_order, old_action, n = due, order, action, timers
  due, order, action, timers, cancelled = {}, {}, {}, 0, 0
  for i = 1, n do
    local item = old_action[i]
    if type(item) == "thread" or not item.cancelled then
      kept = kept + 1
      timers = kept
      sift_up(kept, old_due[i], old_order[i], item)
    end
  end
end

--- Takes a timer table back before it fired.
function scheduler.cancel(item)
  if not item.cancelled then
    item.cancelled = true
    cancelled = cancelled + 1
    if cancelled > 64 and cancelled * 2 > timers then
      drop_cancelled()
    end
  end
end

local function fire_due(time)
  while timers > 0 and due[1] <= time do
    local item = pop_timer()
    if type(item) == "thread" then
      if unit_of[item] then
        ready(item)
      end
    elseif item.cancelled then
      cancelled = cancelled - 1
    else
      item.cancelled = true
      item.fire()
    end
  end
end

local finished, failed, alone

--- `finished(unit, co, values…)` and `failed(unit, co, error)` hear that a coroutine returned or raised, `alone(on)`
--- that `run_alone` begins (true) or ends (false).
scheduler.connect = core.hooks(
  "kernel/core/scheduler",
  { "finished", "failed", "alone" },
  function(...)
    finished, failed, alone = ...
  end
)

local function back(previous, ...)
  scheduler.current = previous
  return ...
end

--- `pcall(fn, ...)` as if `unit` were running. `fn` must not suspend.
function scheduler.try_as(unit, fn, ...)
  local previous = scheduler.current
  scheduler.current = unit
  return back(previous, pcall(fn, ...))
end
local try_as = scheduler.try_as

local function results(ok, ...)
  if not ok then
    error((...), 0)
  end
  return ...
end

--- Runs `fn(...)`, which must not suspend, as if `unit` were running, and returns its results. What it raises is raised
--- once the unit that was running is so again.
function scheduler.run_as(unit, fn, ...)
  return results(try_as(unit, fn, ...))
end

--- Resumes a coroutine of `unit` at once, inside of `run_alone`: what `host.resume` returns.
function scheduler.resume_as(unit, co)
  scheduler.current, scheduler.co = unit, co
  return resume(co)
end

-- One step of the coroutine at the head of the queue. Returns the coroutine when it spent a whole slice: it is not in
-- the queue then, so that whom a timer wakes meanwhile comes before it.
local function step()
  local i = head
  local co, a, b = queue[i], first_value[i], second_value[i]
  queue[i], first_value[i], second_value[i] = false, false, false
  -- Two units that wake each other stay at the front of the arrays, which stay small.
  if i == tail then
    head, tail = 1, 0
  else
    head = i + 1
  end
  local unit = unit_of[co]
  if unit then
    scheduler.current, scheduler.co = unit, co
    local steps = unit.steps
    if steps then
      unit.steps = steps + 1
      -- Fuel is counted beside the coroutine, in a word that so many steps cannot fill.
      if steps & 8191 == 8191 then
        unit.fuel = (unit.fuel or 0) + burnt(co)
      end
    end
    local status, value, second
    if a == NOTHING then
      status, value, second = resume(co)
    else
      status, value, second = resume(co, a, b)
    end
    if status == 0 then
      finished(unit, co, value, second)
    elseif status == -1 then
      failed(unit, co, value)
    elseif status == 3 then
      return co
    elseif status == 1 then
      ready(co, NOTHING)
    end
  end
  return nil
end

-- First in, first out, whatever `shuffle` does.
local step_in_order, shuffled = step, false

--- For simulations: from now on `seed` chooses which unit's coroutine runs next, and the event loop gets control back
--- after few steps.
function scheduler.shuffle(seed)
  local state = seed
  shuffled = true
  round = 0
  function step()
    state = state * 6364136223846793005 + 1442695040888963407
    local i = head + (state >> 33) % (tail - head + 1)
    queue[head], queue[i] = queue[i], queue[head]
    first_value[head], first_value[i] = first_value[i], first_value[head]
    second_value[head], second_value[i] = second_value[i], second_value[head]
    local spent = step_in_order()
    if spent then
      host.emit("spent")
    end
    return spent
  end
end

local function compact()
  if head > tail then
    head, tail = 1, 0
  elseif head > 65536 and head * 2 > tail then
    local n = tail - head + 1
    table.move(queue, head, tail, 1)
    table.move(first_value, head, tail, 1)
    table.move(second_value, head, tail, 1)
    for i = n + 1, tail do
      queue[i], first_value[i], second_value[i] = nil, nil, nil
    end
    head, tail = 1, n
  end
end

--- Runs what is runnable for about 5 ms. Returns whether more is runnable, and in how many milliseconds the next timer
--- is due (nil: there is none).
function scheduler.run()
  local start = now()
  scheduler.turn = start
  fire_due(start)
  local steps = 0
  while head <= tail do
    steps = steps + 1
    local spent = step()
    if spent or steps >= 64 then
      steps = 0
      local time = now()
      scheduler.current, scheduler.co = nil, nil
      fire_due(time)
      if spent then
        ready(spent)
      end
      if time - start >= round then
        break
      end
    end
  end
  scheduler.current, scheduler.co = nil, nil
  compact()
  return head <= tail, timers > 0 and (due[1] - now()) / 1000000 or nil
end

--- The units that have a coroutine in the run queue, as a set.
function scheduler.ready_units()
  local set = {}
  for i = head, tail do
    local unit = queue[i] and unit_of[queue[i]]
    if unit then
      set[unit] = true
    end
  end
  return set
end

-- Arrays of the queue of `run_alone` between two calls, as it never nests and mostly leaves them empty.
local spare_queue, spare_first, spare_second = {}, {}, {}

-- Calls `start(...)`, then runs what is runnable until `slices` are spent.
local function drain(slices, start, ...)
  if start then
    start(...)
  end
  while head <= tail and slices > 0 do
    -- In order, and who has spent its slice goes on before the others: a slice is over by the clock too, and a replay
    -- must not see when. A coroutine that only yields spends no slice; a thousand such steps count as one.
    local spent = step_in_order()
    if spent then
      ready_first(spent)
      if shuffled then
        host.emit("spent")
      end
    end
    slices = slices - (spent and 1 or 0.001)
  end
end

--- Runs only the coroutines that `start(...)` makes ready (those of one unit) until they are all parked or `slices`
--- slices are spent; the other units wait meanwhile. Returns nil when they are all parked, else what is still runnable,
--- to be given as `pending` to a later call.
function scheduler.run_alone(pending, slices, start, ...)
  local saved_queue, saved_first, saved_second, saved_head, saved_tail =
    queue, first_value, second_value, head, tail
  if pending then
    queue, first_value, second_value, head, tail =
      pending.queue, pending.first, pending.second, pending.head, pending.tail
  else
    queue, first_value, second_value, head, tail = spare_queue, spare_first, spare_second, 1, 0
  end
  alone(true)
  local ok, raised = pcall(drain, slices, start, ...)
  alone(false)
  local rest
  if head <= tail then
    rest = { queue = queue, first = first_value, second = second_value, head = head, tail = tail }
    spare_queue, spare_first, spare_second = {}, {}, {}
  end
  queue, first_value, second_value, head, tail =
    saved_queue, saved_first, saved_second, saved_head, saved_tail
  scheduler.current, scheduler.co = nil, nil
  if not ok then
    -- The other units have their queue back; what was runnable of this one is gone.
    error(raised, 0)
  end
  return rest
end

--- Sets the slice; it is not part of a VM's image.
function scheduler.set_slice()
  slice(SLICE)
end

return scheduler
